// The run: its curve, its numbers, pause and stop. On wide screens it stays in view beside the steps.

import { Chart } from "../chart.js";
import { h, refill, setText, show } from "../dom.js";
import { isActive, type Curve, type RunView } from "../state.js";
import { button, problemBox, type Context, type View } from "./parts.js";

/** Rows of the table that stands for the curve. */
const TABLE_ROWS = 12;
const EXAMPLE: Curve = exampleCurve();
const EXAMPLE_HELD_OUT: Curve = { steps: [12, 24, 36, 48, 60], loss: [2.65, 1.85, 1.5, 1.4, 1.36] };

export function runView(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.run;
  const name = h("p", { class: "run-name" });
  const phase = h("p", { class: "run-phase" });
  const empty = h("p", { class: "note" }, texts.empty);
  const chart = new Chart(texts.chart);
  const legend = h(
    "p",
    { class: "legend", "aria-hidden": "true" },
    h("span", { class: "key accent" }, texts.training),
    h("span", { class: "key ink dashed" }, texts.evaluation),
  );
  const bar = h("progress", { class: "progress", part: "progress", max: 1, "aria-label": texts.step });
  const numbers = ["step", "loss", "evaluation", "speed", "left", "device"] as const;
  const cells = new Map(numbers.map((key) => [key, h("dd", { class: "number" }, "–")]));
  const facts = h("dl", { class: "numbers" }, ...numbers.map((key) => h("div", {}, h("dt", {}, texts[key]), cells.get(key))));
  const pause = button(texts.pause, () => actions.train.pause(), { class: "button secondary" });
  const resume = button(texts.resume, () => actions.train.resume(), { class: "button secondary" });
  const stop = button(texts.stop, () => void actions.train.stop(), { class: "button secondary" });
  const controls = h("div", { class: "actions" }, pause, resume, stop);
  const problem = problemBox();
  const rows = h("tbody");
  const head = h("tr", {}, ...[texts.step, texts.loss, texts.evaluation].map((title) => h("th", { scope: "col" }, title)));
  const table = h(
    "details",
    { class: "more" },
    h("summary", {}, texts.table),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": texts.table }, h("table", {}, h("thead", {}, head), rows)),
  );
  const set = (key: (typeof numbers)[number], text: string) => {
    const cell = cells.get(key);
    if (cell !== undefined) setText(cell, text);
  };
  const root = h(
    "section",
    { class: "run", part: "run", "aria-label": texts.title },
    h("div", { class: "run-head" }, name, phase),
    empty,
    chart.root,
    legend,
    bar,
    facts,
    controls,
    problem.root,
    table,
  );
  return {
    root,
    update() {
      const { run } = state;
      show(empty, run === undefined);
      show(bar, run !== undefined);
      show(facts, run !== undefined);
      show(controls, isActive(run));
      show(table, run !== undefined && run.training.steps.length > 0);
      root.classList.toggle("example", run === undefined);
      problem.set(run?.problem);
      if (run === undefined) {
        setText(name, strings.example);
        setText(phase, "");
        chart.draw(
          [
            { curve: EXAMPLE, color: "accent", smooth: true },
            { curve: EXAMPLE_HELD_OUT, color: "ink", dashed: true, points: true },
          ],
          60,
          texts.empty,
        );
        return;
      }
      const { start, last, training, evaluation } = run;
      const steps = start?.steps ?? 0;
      setText(name, run.name);
      setText(phase, texts.phase[run.phase]);
      chart.draw(
        [
          { curve: training, color: "accent", smooth: true },
          { curve: evaluation, color: "ink", dashed: true, points: true },
        ],
        Math.max(steps, 1),
        summary(context, run),
      );
      if (steps > 0) bar.value = Math.min(1, (last?.step ?? 0) / steps);
      else bar.removeAttribute("value");
      const held = evaluation.loss.at(-1);
      set("step", texts.of(format.count(last?.step ?? 0), format.count(steps)));
      set("loss", last === undefined ? "–" : format.loss(last.loss));
      set("evaluation", held === undefined ? "–" : format.loss(held));
      set("speed", last === undefined ? "–" : texts.speedUnit(format.rate(last.tokens_per_second)));
      set("left", !isActive(run) || last?.eta_seconds === undefined ? "–" : format.duration(last.eta_seconds));
      const device = start?.device ?? state.device.info?.kind;
      set("device", device === undefined ? "–" : strings.train.deviceName[device === "cpu" ? "cpu" : "webgpu"]);
      show(pause, run.phase === "running" || run.phase === "starting" || run.phase === "stopping");
      pause.disabled = run.phase !== "running";
      show(resume, run.phase === "paused");
      stop.disabled = run.phase === "stopping" || run.phase === "starting";
      if (table.open) fillTable(context, rows, run);
    },
    close: () => chart.close(),
    recolor: () => chart.recolor(),
  };
}

function summary({ strings, format }: Context, { training, last }: RunView): string {
  const first = training.loss[0];
  if (first === undefined || last === undefined) return strings.run.chart;
  return strings.run.chartSummary(format.loss(first), format.loss(last.loss), format.count(last.step));
}

/** A dozen steps, evenly spread, and every evaluation. */
function fillTable({ format }: Context, body: HTMLElement, { training, evaluation }: RunView): void {
  const stride = Math.max(1, Math.floor(training.steps.length / TABLE_ROWS));
  const shown = new Map<number, { loss?: number; held?: number }>();
  training.steps.forEach((step, place) => {
    const isLast = place === training.steps.length - 1;
    const loss = training.loss[place];
    if ((place % stride === 0 || isLast || evaluation.steps.includes(step)) && loss !== undefined) shown.set(step, { loss });
  });
  evaluation.steps.forEach((step, place) => {
    const held = evaluation.loss[place];
    if (held !== undefined) shown.set(step, { ...shown.get(step), held });
  });
  const text = (value: number | undefined) => (value === undefined ? "" : format.loss(value));
  const lines = [...shown].sort(([one], [other]) => one - other);
  refill(body, JSON.stringify(lines), () =>
    lines.map(([step, { loss, held }]) =>
      h("tr", { class: "number" }, h("th", { scope: "row" }, format.count(step)), h("td", {}, text(loss)), h("td", {}, text(held))),
    ),
  );
}

function exampleCurve(): Curve {
  const steps = Array.from({ length: 60 }, (_, step) => step + 1);
  return { steps, loss: steps.map((step) => 1.1 + 3 * Math.exp(-step / 14) + 0.22 * Math.sin(step * 2.4) * Math.cos(step * 1.1)) };
}
