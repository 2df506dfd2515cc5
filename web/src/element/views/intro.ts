// What this is, in two sentences, and "Try it".

import { Chart } from "../chart.js";
import { h, refill, setText, show } from "../dom.js";
import { isBusy, isTrying, type Problem, type State, type TryRow } from "../state.js";
import { curveTable } from "./curve-table.js";
import { button, type Context, disable, heading, problemBox, type View } from "./parts.js";

export function introView(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.attempt;
  const start = button(texts.button, () => void actions.attempt.start(), {
    class: "button primary large",
    part: "button try",
  });
  const phase = h("p", { class: "note" });
  const problem = problemBox();
  // What is shown there is announced as well: it may have happened before anybody was here.
  const startProblem = problemBox(undefined, { live: false });
  const retry = button(strings.engine.retry, () => actions.restart(), { class: "button secondary" });
  const stop = button(texts.stop, () => void actions.attempt.stop(), { class: "button secondary" });
  const progress = h("div", { class: "row try-phase" }, phase, stop);
  const chart = new Chart(texts.chart);
  const legend = h(
    "p",
    { class: "legend number" },
    h("span", { class: "key accent" }, strings.method.lora, " ", h("span", { class: "value" })),
    h("span", { class: "key ink dashed" }, strings.method.prompt, " ", h("span", { class: "value" })),
  );
  const values = [...legend.querySelectorAll(".value")];
  const table = curveTable(
    strings.run.table,
    [strings.run.step, strings.method.lora, strings.method.prompt],
    format,
  );
  const rows = h("ol", { class: "tries", part: "try-table" });
  const next = h("p", { class: "note" }, texts.next);
  const result = h(
    "div",
    { class: "stack try-result" },
    h("div", { class: "try-chart" }, chart.root, legend, table.root),
    h("div", { class: "stack" }, heading(context, 1, { class: "small-heading" }, texts.table), rows),
    next,
  );
  const root = h(
    "header",
    { class: "intro", part: "intro" },
    context.languages !== undefined &&
      h(
        "nav",
        { class: "languages", "aria-label": "Language, Sprache" },
        ...context.languages.map(({ name, code, current, choose }) =>
          h(
            "button",
            {
              type: "button",
              class: "button quiet",
              lang: code,
              "aria-pressed": String(current),
              on: { click: choose },
            },
            name,
          ),
        ),
      ),
    heading(context, 0, { part: "title" }, strings.title),
    h("p", { class: "lead" }, strings.lead),
    h("p", { class: "promise" }, strings.offline),
    h("div", { class: "row try" }, start, h("p", { class: "note grow" }, texts.note)),
    startProblem.root,
    retry,
    progress,
    problem.root,
    result,
  );
  return {
    root,
    update() {
      const { attempt, run, device } = state;
      const working = isTrying(attempt);
      setText(start, attempt.phase === "idle" || working ? texts.button : texts.again);
      disable(start, isBusy(state) || device.problem !== undefined);
      show(progress, attempt.phase !== "idle");
      setText(phase, texts.phase[attempt.phase]);
      show(stop, working);
      disable(stop, run?.phase === "stopping");
      problem.set(attempt.problem);
      const failed = startFailure(state);
      startProblem.set(failed);
      show(retry, failed !== undefined || device.problem !== undefined);
      show(result, attempt.phase !== "idle" || attempt.rows.length > 0);
      show(next, attempt.phase === "done");
      const { lora, prompt } = attempt.curves;
      const last = Math.max(1, run?.start?.steps ?? 0, lora.steps.at(-1) ?? 0, prompt.steps.at(-1) ?? 0);
      const label = (["lora", "prompt"] as const).map((method, place) => {
        const loss = attempt.curves[method].loss.at(-1);
        const output = values[place];
        if (output !== undefined) setText(output, loss === undefined ? "" : format.loss(loss));
        return loss === undefined ? "" : texts.chartSummary(strings.method[method], format.loss(loss));
      });
      if (!result.hidden) {
        chart.draw(
          [
            { curve: lora, color: "accent", smooth: true },
            { curve: prompt, color: "ink", smooth: true, dashed: true },
          ],
          last,
          [texts.chart, ...label].filter(Boolean).join(". "),
        );
      }
      show(table.root, lora.steps.length > 0);
      table.update([lora, prompt]);
      const shown: TryRow[] = attempt.rows;
      refill(rows, JSON.stringify([shown, attempt.phase]), () => shown.map((row) => tryRow(context, row)));
    },
    close: () => chart.close(),
    recolor: () => chart.recolor(),
  };
}

/** What did not start or load, where the step that shows it is folded. */
function startFailure({ device, model, data, open, attempt }: State): Problem | undefined {
  if (device.problem !== undefined)
    return device.choice === "auto" || !open.train ? device.problem : undefined;
  if (attempt.problem !== undefined) return undefined; // it has the same cause
  if (!open.model && model.problem !== undefined) return model.problem;
  return open.data ? undefined : data.problem;
}

function tryRow({ strings }: Context, row: TryRow): HTMLElement {
  const texts = strings.attempt;
  const pair = (name: string, text: string | undefined, strong = false) => [
    h("dt", {}, name),
    h("dd", { class: strong && text !== undefined ? "strong" : undefined }, text ?? texts.waiting),
  ];
  return h(
    "li",
    {},
    h("p", { class: "row-text clamp" }, row.source),
    h(
      "dl",
      { class: "outputs" },
      ...pair(texts.wanted, row.reference),
      ...pair(texts.before, row.base),
      ...pair(texts.after.lora, row.lora, true),
      ...pair(texts.after.prompt, row.prompt, true),
    ),
  );
}
