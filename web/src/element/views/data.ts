// Step 2: rows, and how they become what the model reads and writes.

import { h, refill, setText, setValue, show } from "../dom.js";
import { dataName } from "../names.js";
import { DEMOS } from "../state.js";
import { lengthsView } from "./lengths.js";
import {
  type Context,
  choices,
  field,
  filePicker,
  problemBox,
  select,
  setOptions,
  type View,
  why,
} from "./parts.js";
import { previewView } from "./preview.js";
import { step } from "./step.js";

const EXAMPLE = `{"review": "Cracked in the first frost.", "title": "Rain gauge, 1/5: cracked"}
{"review": "Light as a cloud.", "title": "Duvet, 5/5: light and warm"}`;

export function dataStep(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.data;
  return step(context, {
    name: "data",
    summary() {
      const { set } = state.data;
      return set === undefined ? dataName(context) : texts.summary(dataName(context), format.count(set.rows));
    },
    next: strings.done,
    ready: () => state.data.set !== undefined,
    parts: [
      chooser(context),
      columns(context),
      previewView(context),
      lengthsView(context),
      why(context, () => {
        const { set, choice, previews } = state.data;
        const length = state.plan?.length;
        if (set === undefined || length === undefined) return [texts.whyEmpty];
        const cut = previews.find(({ source }) => source?.cut !== undefined);
        const first = previews[0]?.source;
        return [
          (choice === "file" ? texts.whySplit : texts.whyBeside)(
            format.count(length.validation_examples),
            format.count(set.rows),
          ),
          first?.tokens === undefined
            ? texts.whyEmpty
            : texts.whyTokens(
                format.count(first.text.split(/\s+/).length),
                format.count(first.tokens.length),
              ),
          ...(cut?.source?.cut === undefined
            ? []
            : [texts.whyCut(format.count(cut.row + 1), format.count(cut.source.cut.tokens))]),
        ];
      }),
    ],
  });
}

function chooser(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.data;
  const problem = problemBox();
  const file = h("p", { class: "note number" });
  const body = h(
    "div",
    { class: "choice-body" },
    filePicker(
      texts.pick,
      texts.drop,
      ([first]) => first !== undefined && void actions.data.chooseFile(first),
      {
        accept: ".jsonl,.ndjson,.json,.csv,.tsv,.txt",
      },
    ),
    h("p", { class: "note" }, texts.private),
    file,
    h(
      "details",
      { class: "more" },
      h("summary", {}, texts.example),
      h("pre", { class: "code", tabindex: 0 }, EXAMPLE),
    ),
  );
  const choice = choices(
    texts.legend,
    [
      ...DEMOS.map((name) => ({ value: name, label: texts.demo[name], note: texts.demoNote[name] })),
      { value: "file" as const, label: texts.own, note: texts.ownNote, body },
    ],
    (value) => {
      if (value !== "file") void actions.data.chooseDemo(value);
      else
        context.store.change(({ data }) => {
          data.choice = "file";
          data.phase = "none";
          delete data.set;
        });
    },
  );
  const bad = h("p", { class: "warning" });
  const first = h("ul", { class: "plain-list" });
  const more = h("details", { class: "more" }, h("summary", {}, texts.badRowsList), first);
  const reading = h("p", { class: "note" }, texts.reading);
  return {
    root: h(
      "div",
      { class: "stack" },
      choice.root,
      reading,
      problem.root,
      h("div", { "aria-live": "polite" }, bad),
      more,
    ),
    update() {
      const { data } = state;
      choice.set(data.choice);
      problem.set(data.problem);
      show(reading, data.phase === "reading");
      show(file, data.file !== undefined && data.set !== undefined);
      setText(
        file,
        data.file === undefined ? "" : `${data.file.name}, ${texts.rows(format.count(data.set?.rows ?? 0))}`,
      );
      const errors = data.set?.errors;
      const any = errors !== undefined && errors.count > 0;
      show(bad, any);
      show(more, any);
      if (!any) return;
      setText(bad, texts.badRows(format.count(errors.count)));
      refill(first, JSON.stringify(errors), () => [
        ...errors.first.map((message) => h("li", {}, message)),
        errors.count > errors.first.length &&
          h("li", {}, texts.badRowsMore(format.count(errors.count - errors.first.length))),
      ]);
    },
  };
}

/** Columns to source and target, and the template that says it in full. */
function columns(context: Context): View {
  const { strings, state, actions } = context;
  const texts = strings.data;
  const map = () => actions.data.mapColumns(source.control.value, target.control.value);
  const source = field(texts.sourceColumn, select([], map));
  const target = field(texts.targetColumn, select([], map));
  const template = field(
    texts.template,
    h("textarea", {
      class: "input code",
      part: "input template",
      rows: 4,
      spellcheck: "false",
      on: { input: () => actions.data.configure({ template: template.control.value }, true) },
    }),
    texts.templateNote,
  );
  const root = h(
    "div",
    { class: "stack" },
    h("fieldset", { class: "fields two" }, h("legend", {}, texts.columns), source.root, target.root),
    template.root,
  );
  return {
    root,
    update() {
      const { set, options, templateProblem, choice } = state.data;
      show(root, set !== undefined);
      if (set === undefined) return;
      const fields: [string, string][] = set.fields.map((name) => [name, name]);
      const mapped = choice === "file";
      source.root.parentElement?.toggleAttribute("hidden", !mapped);
      setOptions(source.control, fields);
      setOptions(target.control, fields);
      setValue(source.control, options.sourceField ?? set.fields[0] ?? "");
      setValue(target.control, options.targetField ?? set.fields[1] ?? "");
      setValue(template.control, options.template ?? "");
      template.problem.set(templateProblem);
    },
  };
}
