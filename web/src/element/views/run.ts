// The run: its curve, its numbers, pause and stop. On wide screens it stays in view beside the steps.

import { Chart } from "../chart.js";
import { h, setText, show } from "../dom.js";
import { type Curve, isActive, type RunView } from "../state.js";
import { curveTable } from "./curve-table.js";
import { button, type Context, disable, problemBox, type View } from "./parts.js";

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
  const facts = h(
    "dl",
    { class: "numbers" },
    ...numbers.map((key) => h("div", {}, h("dt", {}, texts[key]), cells.get(key))),
  );
  // One button for both: who pressed it by keyboard stays on it.
  const pause = button(
    texts.pause,
    () => (state.run?.phase === "paused" ? actions.train.resume() : actions.train.pause()),
    { class: "button secondary" },
  );
  const stop = button(texts.stop, () => void actions.train.stop(), { class: "button secondary" });
  const controls = h("div", { class: "actions" }, pause, stop);
  const problem = problemBox();
  const table = curveTable(texts.table, [texts.step, texts.loss, texts.evaluation], format);
  const set = (key: (typeof numbers)[number], text: string) => {
    const cell = cells.get(key);
    if (cell !== undefined) setText(cell, text);
  };
  const root = h(
    "section",
    { class: "run", part: "run", tabindex: -1, "aria-label": texts.title },
    h("div", { class: "run-head" }, name, phase),
    empty,
    chart.root,
    legend,
    bar,
    facts,
    controls,
    problem.root,
    table.root,
  );
  return {
    root,
    update() {
      const { run } = state;
      show(empty, run === undefined);
      show(bar, run !== undefined);
      show(facts, run !== undefined);
      show(controls, isActive(run));
      show(table.root, run !== undefined && run.training.steps.length > 0);
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
      set(
        "left",
        !isActive(run) || last?.eta_seconds === undefined ? "–" : format.duration(last.eta_seconds),
      );
      const device = start?.device ?? state.device.info?.kind;
      set(
        "device",
        device === undefined ? "–" : strings.train.deviceName[device === "cpu" ? "cpu" : "webgpu"],
      );
      setText(pause, run.phase === "paused" ? texts.resume : texts.pause);
      disable(pause, run.phase !== "running" && run.phase !== "paused");
      disable(stop, run.phase === "stopping" || run.phase === "starting");
      table.update([training, evaluation]);
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

function exampleCurve(): Curve {
  const steps = Array.from({ length: 60 }, (_, step) => step + 1);
  return {
    steps,
    loss: steps.map(
      (step) => 1.1 + 3 * Math.exp(-step / 14) + 0.22 * Math.sin(step * 2.4) * Math.cos(step * 1.1),
    ),
  };
}
