// Step 3: what is trained, and how long.

import type { Key } from "../../engine.js";
import type { Method, TargetModule } from "../../types.js";
import { h, refill, setAttribute, setText, setValue, show } from "../dom.js";
import { inForce, isWithin, modulesInForce, numberAttributes, numberInForce } from "../keys.js";
import { METHODS } from "../presets.js";
import { PRESETS } from "../state.js";
import { keysView } from "./keys.js";
import { button, type Context, choices, field, problemBox, type View, why } from "./parts.js";
import { step } from "./step.js";

export function methodStep(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.settings;
  return step(context, {
    name: "method",
    summary() {
      const number = (key: string) => format.count(numberInForce(state, key));
      const modules = modulesInForce(state).join(", ");
      switch (state.settings.method) {
        case "lora":
          return texts.summaryLora(number("rank"), modules, number("epochs"));
        case "ia3":
          return texts.summaryScales(modules, number("epochs"));
        case "prompt":
          return texts.summaryPrompt(number("numVirtualTokens"), number("epochs"));
      }
    },
    next: strings.done,
    parts: [
      form(context),
      counted(context),
      keysView(context),
      why(context, () => [
        ...here(context),
        { lora: texts.whyLora, ia3: texts.whyScales, prompt: texts.whyPrompt }[state.settings.method],
        texts.whyRate(format.plain(numberInForce(state, "learningRate"))),
      ]),
    ],
  });
}

/** This rank over the first of this model's matrices. */
function here({ strings, format, state }: Context): string[] {
  const [first] = state.plan?.parameters?.matrices ?? [];
  if (first === undefined || state.settings.method !== "lora") return [];
  const { module, outputs, inputs, trainable } = first;
  const { count, percent } = format;
  const whole = outputs * inputs;
  const rank = count(numberInForce(state, "rank"));
  return [
    strings.settings.whyHere(
      rank,
      module,
      count(outputs),
      count(inputs),
      count(trainable),
      count(whole),
      percent(trainable / whole),
    ),
  ];
}

function form(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.settings;
  const method = choices<Method>(
    texts.legend,
    METHODS.map((value) => ({ value, label: strings.method[value], note: texts.methodNote[value] })),
    (value) => actions.train.chooseMethod(value),
    "columns",
  );
  const presets = PRESETS.map((value) => {
    const input = h("input", {
      type: "radio",
      name: "preset",
      value,
      on: { change: () => actions.train.choosePreset(value) },
    });
    return {
      value,
      input,
      root: h("label", { class: "pill" }, input, h("span", {}, texts.presetName[value])),
    };
  });
  const presetNote = h("p", { class: "note" });
  const preset = h(
    "fieldset",
    { class: "presets" },
    h("legend", {}, texts.preset),
    h("div", { class: "pills" }, ...presets.map(({ root }) => root)),
    presetNote,
  );

  const number = (key: string, label: string) => {
    const made = field(
      label,
      h("input", {
        class: "input",
        part: "input",
        type: "number",
        step: "any",
        name: key,
        on: {
          change() {
            const value = made.control.valueAsNumber;
            const known = state.keys.find(({ name }) => name === key);
            const valid = known === undefined ? Number.isFinite(value) : isWithin(known, value);
            made.problem.set(valid ? undefined : { code: "range", message: range(known?.range) });
            if (valid) actions.train.set(key, value);
            else actions.train.refuse(key);
          },
        },
      }),
    );
    return { ...made, key };
  };
  const range = ({ from, to, above }: Key["range"] = {}) => {
    if (from !== undefined && to !== undefined) return texts.outOfRange(format.plain(from), format.plain(to));
    if (from !== undefined) return texts.tooSmall(format.plain(from));
    return above !== undefined ? texts.notAbove(format.plain(above)) : texts.noNumber;
  };
  const rank = number("rank", texts.rank);
  const virtual = number("numVirtualTokens", texts.virtualTokens);
  const rate = number("learningRate", texts.learningRate);
  const finds = h("input", {
    type: "checkbox",
    name: "findRate",
    on: { change: () => actions.train.findRate(finds.checked) },
  });
  const find = h(
    "label",
    { class: "check" },
    finds,
    h("span", {}, texts.findRate, " ", h("span", { class: "note" }, texts.findRateNote)),
  );
  const numbers = [
    rank,
    virtual,
    rate,
    number("epochs", texts.epochs),
    number("batchSize", texts.batchSize),
    number("seed", texts.seed),
  ];

  const modulesProblem = problemBox();
  const modules = h("div", { class: "pills" });
  const moduleField = h(
    "fieldset",
    { class: "modules" },
    h("legend", {}, texts.targetModules),
    modules,
    modulesProblem.root,
  );
  const names = () => (state.plan?.modules ?? []) as TargetModule[];
  const chosen = () => modulesInForce(state);
  const toggle = (name: TargetModule, on: boolean) => {
    const next = names().filter((other) => (other === name ? on : chosen().includes(other)));
    modulesProblem.set(next.length > 0 ? undefined : { code: "range", message: texts.modulesMissing });
    if (next.length > 0) actions.train.set("targetModules", next);
    else context.store.change(); // the box is checked again: there must be one
  };
  const boxes = new Map<TargetModule, HTMLInputElement>();

  return {
    root: h(
      "div",
      { class: "stack" },
      method.root,
      preset,
      h("div", { class: "fields" }, ...numbers.map(({ root }) => root)),
      find,
      moduleField,
    ),
    update() {
      const { settings } = state;
      method.set(settings.method);
      for (const { value, input } of presets) input.checked = state.preset === value;
      setText(presetNote, state.preset === "own" ? texts.presetName.own : texts.presetNote[state.preset]);
      show(rank.root, settings.method === "lora");
      show(virtual.root, settings.method === "prompt");
      show(moduleField, settings.method !== "prompt");
      for (const { key, control, problem } of numbers) {
        const known = state.keys.find(({ name }) => name === key);
        if (known !== undefined) {
          for (const [name, value] of Object.entries(numberAttributes(known)))
            setAttribute(control, name, value);
        }
        if (state.invalid.has(key)) continue; // what was typed stays beside what is said of it
        problem.set(undefined);
        setValue(control, String(inForce(state, key) ?? ""));
      }
      finds.checked = settings.optimizer === "prodigy";
      rate.control.disabled = finds.checked;
      refill(modules, names().join(), () =>
        names().map((name) => {
          const input = h("input", {
            type: "checkbox",
            value: name,
            on: { change: () => toggle(name, input.checked) },
          });
          boxes.set(name, input);
          return h(
            "label",
            { class: "pill" },
            input,
            h(
              "span",
              {},
              h("code", {}, name),
              " ",
              h("span", { class: "note" }, texts.moduleNote[name] ?? ""),
            ),
          );
        }),
      );
      for (const [name, input] of boxes) input.checked = chosen().includes(name);
    },
  };
}

/** The number of trainable parameters, from the model's own shape; and for how many steps. */
function counted(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.settings;
  const total = h("p", { class: "number strong" });
  const list = h("ul", { class: "plain-list number" });
  const steps = h("p", { class: "note number" });
  const problem = problemBox();
  const toml = button(texts.toml, () => void actions.train.downloadToml(), { class: "button secondary" });
  return {
    root: h(
      "div",
      { class: "stack counted" },
      total,
      list,
      steps,
      h("div", { class: "actions" }, toml),
      problem.root,
    ),
    update() {
      const { settings, plan } = state;
      problem.set(state.settingsProblem ?? state.planProblem);
      const parameters = state.model.loaded && plan?.parameters;
      if (parameters === undefined) setText(total, texts.parametersNone);
      else {
        const { trainable, base, share, prompt, matrices } = parameters;
        setText(total, texts.parameters(format.count(trainable), format.rough(base), format.percent(share)));
        const rank = format.count(numberInForce(state, "rank"));
        const lines = matrices.map(({ module, count, outputs, inputs, trainable: each }) => {
          const [many, rows, columns, numbers] = [count, outputs, inputs, each].map(format.count) as [
            string,
            string,
            string,
            string,
          ];
          if (settings.method === "ia3") return texts.parametersScales(module, many, numbers);
          return texts.parametersLora(
            module,
            many,
            rows,
            columns,
            rank,
            numbers,
            format.count(outputs * inputs),
          );
        });
        if (prompt !== undefined)
          lines.push(
            texts.parametersPrompt(
              format.count(prompt.tokens),
              format.count(prompt.width),
              format.count(trainable),
            ),
          );
        refill(list, lines.join("\n"), () => lines.map((line) => h("li", {}, line)));
      }
      show(list, parameters !== undefined);
      const length = state.data.set && plan?.length;
      show(steps, length !== undefined);
      if (length === undefined) return;
      const { count } = format;
      setText(
        steps,
        texts.steps(
          count(length.steps),
          count(length.examples),
          count(length.examples_per_step),
          count(numberInForce(state, "epochs")),
        ),
      );
    },
  };
}
