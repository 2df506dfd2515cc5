// Curves by uPlot: one instance, fed with columns. The table beside it is the view's.

import uPlot from "uplot";

import { h } from "./dom.js";
import type { Curve } from "./state.js";

/** More points than this are thinned out: there are no more pixels. */
const MOST_POINTS = 800;
/** How slowly the smooth curve follows. */
const SMOOTHING = 0.85;

export interface Line {
  curve: Curve;
  color: "accent" | "ink";
  /** Noisy curves are drawn thin, with a smooth one over them. */
  smooth?: boolean;
  dashed?: boolean;
  points?: boolean;
}

export class Chart {
  readonly root: HTMLElement;
  #plot: uPlot | undefined;
  #shape = "";
  #size: ResizeObserver;
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #key = "";
  #redraw = () => this.#plot?.redraw(false);

  constructor(label: string) {
    this.root = h("div", { class: "chart", part: "chart", role: "img", "aria-label": label });
    this.#size = new ResizeObserver(() => this.#fit());
    this.#size.observe(this.root);
    this.#dark.addEventListener("change", this.#redraw);
  }

  /** Draws lines over `steps` steps. What has not changed is not drawn again. */
  draw(lines: Line[], steps: number, label: string): void {
    if (this.root.getAttribute("aria-label") !== label) this.root.setAttribute("aria-label", label);
    if (this.root.clientWidth === 0) return; // folded; drawn when it is shown
    const key = `${lines.map(({ curve }) => curve.steps.length).join()}/${steps}`;
    const shape = JSON.stringify(
      lines.map(({ color, smooth, dashed, points }) => [color, smooth, dashed, points]),
    );
    if (key === this.#key && shape === this.#shape) return;
    this.#key = key;
    const { data, top } = columns(lines);
    if (this.#plot === undefined || shape !== this.#shape) {
      this.#shape = shape;
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#options(lines), data, this.root);
    }
    this.#plot.batch(() => {
      this.#plot?.setData(data, false);
      this.#plot?.setScale("x", { min: 0, max: Math.max(steps, 1) });
      this.#plot?.setScale("y", { min: 0, max: top });
    });
  }

  /** Draws again in the colours of now. */
  recolor(): void {
    this.#redraw();
  }

  close(): void {
    this.#size.disconnect();
    this.#dark.removeEventListener("change", this.#redraw);
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (
      width > 0 &&
      height > 0 &&
      this.#plot !== undefined &&
      (width !== this.#plot.width || height !== this.#plot.height)
    ) {
      this.#plot.setSize({ width, height });
    }
  }

  #color(name: "accent" | "ink" | "muted" | "line"): string {
    return getComputedStyle(this.root).getPropertyValue(`--${name}`).trim();
  }

  #options(lines: Line[]): uPlot.Options {
    // Numbers as large as the notes around them.
    const scale = parseFloat(getComputedStyle(this.root).fontSize) / 16 || 1;
    const axis = (size: number): uPlot.Axis => ({
      stroke: () => this.#color("muted"),
      grid: { stroke: () => this.#color("line"), width: 1 },
      ticks: { show: false },
      font: `${12 * scale}px system-ui`,
      size: size * scale,
      gap: 4,
    });
    return {
      width: this.root.clientWidth,
      height: this.root.clientHeight,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 12, 0, 0],
      scales: { x: { time: false, auto: false }, y: { auto: false } },
      axes: [
        {
          ...axis(24),
          grid: { show: false },
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000],
        },
        axis(32),
      ],
      series: [
        {},
        ...lines.flatMap(({ color, smooth = false, dashed = false, points = false }): uPlot.Series[] => {
          const stroke = () => this.#color(color);
          const main: uPlot.Series = {
            stroke,
            width: 2,
            spanGaps: true,
            points: { show: points, size: 6, stroke, fill: stroke },
            ...(dashed ? { dash: [5, 4] } : {}),
          };
          const raw: uPlot.Series = {
            stroke,
            width: 1,
            alpha: 0.35,
            spanGaps: true,
            points: { show: false },
          };
          return smooth ? [raw, main] : [main];
        }),
      ],
    };
  }
}

/** One column of steps for all lines, then one or two columns a line. */
function columns(lines: Line[]): { data: uPlot.AlignedData; top: number } {
  const longest = lines.reduce((most, { curve }) => Math.max(most, curve.steps.length), 0);
  const stride = Math.max(1, Math.ceil(longest / MOST_POINTS));
  const places = new Set<number>();
  for (const { curve } of lines) {
    const thin = curve.steps.length > MOST_POINTS ? stride : 1;
    curve.steps.forEach(
      (step, place) => (place % thin === 0 || place === curve.steps.length - 1) && places.add(step),
    );
  }
  const steps = [...places].sort((one, other) => one - other);
  let top = 0;
  const values = lines.flatMap(({ curve, smooth }) => {
    const raw = new Map(curve.steps.map((step, place) => [step, curve.loss[place] ?? null]));
    for (const loss of curve.loss) if (Number.isFinite(loss)) top = Math.max(top, loss);
    const column = steps.map((step) => raw.get(step) ?? null);
    if (smooth !== true) return [column];
    const even = new Map<number, number>();
    smoothed(curve.loss).forEach((loss, place) => even.set(curve.steps[place] ?? 0, loss));
    return [column, steps.map((step) => even.get(step) ?? null)];
  });
  return { data: [steps, ...values], top: top === 0 ? 1 : Math.ceil(top * 1.05 * 2) / 2 };
}

/** A running mean that forgets, without the first values' pull towards zero. */
function smoothed(values: number[]): number[] {
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    sum = sum * SMOOTHING + value;
    weight = weight * SMOOTHING + 1;
    return sum / weight;
  });
}
