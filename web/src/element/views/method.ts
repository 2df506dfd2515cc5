// Step 3: what is trained, and how long.

import type { Method, TargetModule } from "../../types.js";
import { h, refill, setText, setValue, show } from "../dom.js";
import { adapted, beside, defaultModules, targetModules, trainedNumbers } from "../parameters.js";
import { METHODS } from "../presets.js";
import { byKey, PRESETS } from "../state.js";
import { keysView } from "./keys.js";
import { button, choices, field, problemBox, why, type Context, type View } from "./parts.js";
import { step } from "./step.js";

export function methodStep(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.settings;
  return step(context, {
    name: "method",
    summary() {
      const { method, rank = 8, targetModules: modules = defaultModules(method), numVirtualTokens = 20, epochs = 3 } = state.settings;
      switch (method) {
        case "lora":
          return texts.summaryLora(format.count(rank), modules.join(", "), format.count(epochs));
        case "ia3":
          return texts.summaryScales(modules.join(", "), format.count(epochs));
        case "prompt":
          return texts.summaryPrompt(format.count(numVirtualTokens), format.count(epochs));
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
        texts.whyRate(format.plain(Number(state.settings.learningRate ?? 0))),
      ]),
    ],
  });
}

/** This rank over the first of this model's matrices. */
function here({ strings, format, state }: Context): string[] {
  const shape = state.model.loaded?.architecture;
  const { method, rank = 8, targetModules: modules = defaultModules(method) } = state.settings;
  const [first] = shape === undefined || method !== "lora" ? [] : adapted(shape, modules);
  if (first === undefined) return [];
  const { module, outputs, inputs } = first;
  const whole = outputs * inputs;
  const small = rank * (outputs + inputs);
  const count = format.count;
  return [strings.settings.whyHere(count(rank), module, count(outputs), count(inputs), count(small), count(whole), format.percent(small / whole))];
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
    const input = h("input", { type: "radio", name: "preset", value, on: { change: () => actions.train.choosePreset(value) } });
    return { value, input, root: h("label", { class: "pill" }, input, h("span", {}, texts.presetName[value])) };
  });
  const presetNote = h("p", { class: "note" });
  const preset = h("fieldset", { class: "presets" }, h("legend", {}, texts.preset), h("div", { class: "pills" }, ...presets.map(({ root }) => root)), presetNote);

  const number = (key: string, label: string, from: number, to: number, whole = true) => {
    const made = field(
      label,
      h("input", {
        class: "input",
        part: "input",
        type: "number",
        min: from,
        max: to,
        step: whole ? 1 : "any",
        name: key,
        on: {
          change() {
            const value = made.control.valueAsNumber;
            const valid = value >= from && value <= to && (!whole || Number.isInteger(value));
            made.problem.set(valid ? undefined : { code: "range", message: texts.outOfRange(format.plain(from), format.plain(to)) });
            if (valid) actions.train.set(key, value);
            else actions.train.refuse(key);
          },
        },
      }),
    );
    return { ...made, key };
  };
  const rank = number("rank", texts.rank, 1, 256);
  const virtual = number("numVirtualTokens", texts.virtualTokens, 1, 500);
  const numbers = [
    rank,
    virtual,
    number("learningRate", texts.learningRate, 0.000001, 10, false),
    number("epochs", texts.epochs, 1, 1000),
    number("batchSize", texts.batchSize, 1, 512),
    number("seed", texts.seed, 0, 4294967295),
  ];

  const modulesProblem = problemBox();
  const modules = h("div", { class: "pills" });
  const moduleField = h("fieldset", { class: "modules" }, h("legend", {}, texts.targetModules), modules, modulesProblem.root);
  const chosen = (): TargetModule[] => state.settings.targetModules ?? defaultModules(state.settings.method);
  const toggle = (name: TargetModule, on: boolean) => {
    const next = targetModules(state.model.loaded?.architecture).filter((other) => (other === name ? on : chosen().includes(other)));
    modulesProblem.set(next.length > 0 ? undefined : { code: "range", message: texts.modulesMissing });
    if (next.length > 0) actions.train.set("targetModules", next);
    else context.store.change(); // the box is checked again: there must be one
  };
  const boxes = new Map<TargetModule, HTMLInputElement>();

  return {
    root: h("div", { class: "stack" }, method.root, preset, h("div", { class: "fields" }, ...numbers.map(({ root }) => root)), moduleField),
    update() {
      const { settings } = state;
      method.set(settings.method);
      for (const { value, input } of presets) input.checked = state.preset === value;
      setText(presetNote, state.preset === "own" ? texts.presetName.own : texts.presetNote[state.preset]);
      show(rank.root, settings.method === "lora");
      show(virtual.root, settings.method === "prompt");
      show(moduleField, settings.method !== "prompt");
      for (const { key, control, problem } of numbers) {
        if (state.invalid.has(key)) continue; // what was typed stays beside what is said of it
        problem.set(undefined);
        setValue(control, String(byKey(settings)[key] ?? DEFAULTS[key]));
      }
      const names = targetModules(state.model.loaded?.architecture);
      refill(modules, names.join(), () =>
        names.map((name) => {
          const input = h("input", { type: "checkbox", value: name, on: { change: () => toggle(name, input.checked) } });
          boxes.set(name, input);
          return h("label", { class: "pill" }, input, h("span", {}, h("code", {}, name), " ", h("span", { class: "note" }, texts.moduleNote[name] ?? "")));
        }),
      );
      for (const [name, input] of boxes) input.checked = chosen().includes(name);
    },
  };
}

const DEFAULTS: Record<string, number> = { rank: 8, numVirtualTokens: 20, learningRate: 0.001, epochs: 3, batchSize: 8, seed: 0 };

/** How many numbers are trained, from the model's own shape; and for how many steps. */
function counted(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.settings;
  const total = h("p", { class: "number strong" });
  const list = h("ul", { class: "plain-list number" });
  const steps = h("p", { class: "note number" });
  const problem = problemBox();
  const toml = button(texts.toml, () => void actions.train.downloadToml(), { class: "button secondary" });
  return {
    root: h("div", { class: "stack counted" }, total, list, steps, h("div", { class: "actions" }, toml), problem.root),
    update() {
      const { settings, model, data } = state;
      problem.set(state.settingsProblem);
      const shape = model.loaded?.architecture;
      if (shape === undefined) setText(total, texts.parametersNone);
      else {
        const trained = trainedNumbers(shape, settings);
        setText(total, texts.parameters(format.count(trained), format.rough(shape.parameters), format.percent(trained / shape.parameters)));
        const rank = settings.rank ?? 8;
        const virtual = settings.numVirtualTokens ?? 20;
        const lines =
          settings.method === "prompt"
            ? [texts.parametersPrompt(format.count(virtual), format.count(shape.d_model), format.count(trained))]
            : adapted(shape, settings.targetModules ?? defaultModules(settings.method)).map((matrices) => {
                const { module, count, outputs, inputs } = matrices;
                const numbers = format.count(beside(matrices, settings));
                if (settings.method === "ia3") return texts.parametersScales(module, format.count(count), numbers);
                const [many, rows, columns] = [format.count(count), format.count(outputs), format.count(inputs)];
                return texts.parametersLora(module, many, rows, columns, format.count(rank), numbers, format.count(outputs * inputs));
              });
        refill(list, lines.join("\n"), () => lines.map((line) => h("li", {}, line)));
      }
      show(list, shape !== undefined);
      show(steps, data.set !== undefined);
      if (data.set === undefined) return;
      const rows = data.set.rows - (data.choice === "file" ? data.set.heldOut : 0);
      const { batchSize = 8, accumulate = 1, epochs = 3, maxSteps } = settings;
      const count = maxSteps ?? Math.ceil(Math.ceil(rows / batchSize) / accumulate) * epochs;
      setText(steps, texts.steps(format.count(count), format.count(rows), format.count(batchSize * accumulate), format.count(epochs)));
    },
  };
}
