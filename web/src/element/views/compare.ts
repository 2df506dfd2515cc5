// Step 5: base and adapters side by side.

import { h, refill, setAttribute, setText, setValue, show, uniqueId } from "../dom.js";
import { fits } from "../state.js";
import { button, type Context, disable, heading, problemBox, type View, why } from "./parts.js";
import { rouge, scoresView } from "./scores.js";
import { step } from "./step.js";

const EXAMPLE = [
  ["Base", "Review: the lid of the kettle sticks"],
  ["LoRA 1", "Kettle, 3/5: fast boil, but the lid sticks"],
] as const;

export function compareStep(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.compare;
  return step(context, {
    name: "compare",
    summary() {
      const { list } = state.library;
      return list.length === 0 ? texts.summaryIdle : texts.summary(format.count(state.compare.chosen.size));
    },
    parts: [
      empty(context),
      chosen(context),
      prompts(context),
      outputs(context),
      scoresView(context),
      why(context, () => {
        const { scores } = state.compare;
        const base = rouge(scores.get("base")?.metrics);
        const [other] = [...scores.keys()].filter((key) => key !== "base");
        const tuned = other === undefined ? undefined : rouge(scores.get(other)?.metrics);
        const rows = format.count(scores.get("base")?.rows.length ?? 0);
        return [
          ...(base === undefined || tuned === undefined
            ? []
            : [texts.whyNumbers(rows, format.points(base), format.points(tuned))]),
          texts.whyLoss,
          texts.whyRouge,
        ];
      }),
    ],
  });
}

function empty(context: Context): View {
  const { strings, state } = context;
  const root = h(
    "div",
    { class: "stack example" },
    h("p", { class: "note" }, strings.compare.empty),
    h(
      "dl",
      { class: "outputs" },
      ...EXAMPLE.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]),
    ),
  );
  return { root, update: () => show(root, state.library.list.length === 0) };
}

/** Which adapters are compared with the base. */
function chosen(context: Context): View {
  const { strings, state, actions } = context;
  const pills = h("div", { class: "pills" });
  const boxes = new Map<string, HTMLInputElement>();
  const root = h("fieldset", {}, h("legend", {}, strings.compare.with), pills);
  return {
    root,
    update() {
      const { list } = state.library;
      show(root, list.length > 0);
      refill(pills, JSON.stringify(list.map(({ id, name }) => [id, name])), () => {
        boxes.clear();
        return list.map(({ id, name }) => {
          const input = h("input", {
            type: "checkbox",
            value: id,
            on: { change: () => actions.compare.choose(id, input.checked) },
          });
          boxes.set(id, input);
          return h("label", { class: "pill" }, input, h("span", {}, name));
        });
      });
      for (const [id, input] of boxes) {
        const adapter = list.find((known) => known.id === id);
        input.disabled = adapter !== undefined && !fits(state, adapter);
        input.checked = !input.disabled && state.compare.chosen.has(id);
      }
    },
  };
}

function prompts(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.compare;
  const list = h("ol", { class: "prompts" });
  const areas: HTMLTextAreaElement[] = [];
  const problem = problemBox();
  const add = button(texts.add, () => actions.compare.addPrompt(), { class: "button quiet" });
  const suggest = button(texts.suggest, () => void actions.compare.suggest(), { class: "button quiet" });
  const run = button(texts.run, () => void actions.compare.generate(), { part: "button compare" });
  const cancel = button(strings.cancel, () => actions.compare.cancel(), { class: "button quiet" });
  return {
    root: h(
      "section",
      { class: "stack", "aria-label": texts.prompts },
      heading(context, 2, {}, texts.prompts),
      list,
      h("div", { class: "actions" }, add, suggest),
      h("div", { class: "actions" }, run, cancel),
      problem.root,
    ),
    update() {
      const { compare } = state;
      refill(list, String(compare.prompts.length), () => {
        areas.length = 0;
        return compare.prompts.map((_, place) => {
          const id = uniqueId("prompt");
          const area = h("textarea", {
            class: "input",
            part: "input prompt",
            id,
            rows: 3,
            placeholder: texts.promptExample,
            on: { input: () => actions.compare.setPrompt(place, area.value) },
          });
          areas.push(area);
          const number = format.count(place + 1);
          return h(
            "li",
            {},
            h(
              "div",
              { class: "row" },
              h("label", { for: id, class: "grow" }, texts.prompt(number)),
              compare.prompts.length > 1 &&
                button("×", () => actions.compare.removePrompt(place), {
                  class: "button icon",
                  "aria-label": texts.remove(number),
                }),
            ),
            area,
          );
        });
      });
      areas.forEach((area, place) => setValue(area, compare.prompts[place] ?? ""));
      const busy = compare.phase === "generating";
      setText(run, busy ? texts.running : texts.run);
      disable(run, compare.phase !== "idle");
      show(cancel, compare.phase !== "idle");
      problem.set(compare.problem);
      const [first] = areas;
      if (first !== undefined) {
        first.setAttribute("aria-describedby", problem.root.id);
        setAttribute(first, "aria-invalid", compare.problem?.code === "missing" ? "true" : null);
      }
    },
  };
}

/** The answers: a prompt, and below it what each model makes of it. */
function outputs(context: Context): View {
  const { strings, state } = context;
  const texts = strings.compare;
  const list = h("ol", { class: "answers", part: "answers" });
  const root = h(
    "section",
    { class: "stack", "aria-label": texts.outputs },
    heading(context, 2, {}, texts.outputs),
    list,
  );
  return {
    root,
    update() {
      const { compare, library } = state;
      show(root, compare.asked.length > 0);
      const names = new Map(library.list.map(({ id, name }) => [id, name]));
      const systems = [
        "base",
        ...library.list
          .map(({ id }) => id)
          .filter(
            (id) =>
              compare.outputs.some((answers) => answers.has(id)) ||
              (compare.phase === "generating" && compare.chosen.has(id)),
          ),
      ];
      const key = JSON.stringify([
        compare.asked,
        compare.outputs.map((map) => [...map]),
        systems,
        [...names],
      ]);
      refill(list, key, () =>
        compare.asked.map((prompt, place) => {
          const answers = compare.outputs[place];
          const base = answers?.get("base");
          return h(
            "li",
            {},
            h("p", { class: "row-text clamp" }, prompt),
            h(
              "div",
              { class: "side-by-side" },
              ...systems.map((system) => {
                const text = answers?.get(system);
                const same = system !== "base" && text !== undefined && text === base;
                return h(
                  "div",
                  {},
                  heading(context, 3, {}, system === "base" ? texts.base : (names.get(system) ?? system)),
                  h("p", { class: same ? "row-text muted" : "row-text" }, text ?? texts.waiting),
                  same && h("p", { class: "note" }, texts.same),
                );
              }),
            ),
          );
        }),
      );
    },
  };
}
