// Step 6: the library of adapters.

import type { AdapterInfo } from "../../types.js";
import { h, refill, setText, setValue, show } from "../dom.js";
import { fitOf, fits } from "../state.js";
import { translated } from "../store.js";
import { button, type Context, disable, filePicker, problemBox, sentences, type View, why } from "./parts.js";
import { step } from "./step.js";
import { warningItems } from "./warnings.js";

export function adaptersStep(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.adapters;
  return step(context, {
    name: "adapters",
    summary: () => texts.summary(state.library.list.length),
    parts: [
      library(context),
      why(context, () => {
        const [first] = state.library.list;
        const { loaded } = state.model;
        const size =
          first === undefined || loaded === undefined
            ? []
            : [texts.whySize(first.name, format.bytes(first.bytes), format.bytes(loaded.bytes))];
        return [...size, texts.whyFiles];
      }),
    ],
  });
}

function library(context: Context): View {
  const { strings, state, actions } = context;
  const texts = strings.adapters;
  const empty = h("p", { class: "note" }, texts.empty);
  const notKept = h("p", { class: "warning" });
  const list = h("ul", { class: "library", part: "library" });
  const problem = problemBox();
  const importing = h("p", { class: "note", "aria-live": "polite" });
  const rows = new Map<string, ReturnType<typeof adapterRow>>();
  return {
    root: h(
      "div",
      { class: "stack" },
      notKept,
      empty,
      list,
      filePicker(texts.import, texts.importDrop, (files) => void actions.library.import(files), {
        accept: ".zip",
        multiple: true,
      }),
      importing,
      problem.root,
    ),
    update() {
      const { library } = state;
      show(empty, library.list.length === 0);
      const warning = state.device.warnings.find(({ code }) => code === "no_storage");
      const said = warning === undefined ? undefined : translated(warning, strings);
      setText(notKept, sentences([said?.message, said?.hint]));
      setText(importing, library.busy?.work === "import" ? texts.importing : "");
      refill(list, library.list.map(({ id }) => id).join(), () => {
        for (const id of rows.keys()) if (!library.list.some((adapter) => adapter.id === id)) rows.delete(id);
        return library.list.map(({ id }) => {
          const row = rows.get(id) ?? adapterRow(context, id);
          rows.set(id, row);
          return row.root;
        });
      });
      for (const adapter of library.list) rows.get(adapter.id)?.update(adapter);
      problem.set(
        library.problem?.id === "" || library.problem?.id === undefined ? library.problem : undefined,
      );
    },
  };
}

function adapterRow(context: Context, id: string): { root: HTMLElement; update(adapter: AdapterInfo): void } {
  const { strings, format, state, actions } = context;
  const texts = strings.adapters;
  const name = h("input", {
    class: "input name",
    part: "input",
    type: "text",
    maxlength: 120,
    on: { change: () => void actions.library.rename(id, name.value) },
  });
  const details = h("p", { class: "note number" });
  const use = h("input", { type: "checkbox", on: { change: () => actions.compare.choose(id, use.checked) } });
  const exporting = button(texts.export, () => void actions.library.export(id), {
    class: "button secondary",
  });
  const merge = button(texts.merge, () => void actions.library.merge(id), { class: "button secondary" });
  const remove = button(
    texts.delete,
    () => {
      actions.library.doom(id);
      requestAnimationFrame(() => requestAnimationFrame(() => keep.focus())); // once it is shown
    },
    { class: "button quiet" },
  );
  const keep = button(
    texts.deleteNo,
    () => {
      actions.library.doom(undefined);
      requestAnimationFrame(() => requestAnimationFrame(() => remove.focus()));
    },
    { class: "button secondary" },
  );
  const yes = button(
    texts.deleteYes,
    () => {
      // This row is about to go.
      (root.nextElementSibling ?? root.previousElementSibling)?.querySelector("input")?.focus();
      void actions.library.delete(id);
    },
    { class: "button danger" },
  );
  const sure = h("div", { class: "actions sure", role: "group" }, h("span", {}, texts.deleteSure), yes, keep);
  const usual = h(
    "div",
    { class: "actions" },
    h("label", { class: "check" }, use, h("span", {}, texts.use)),
    exporting,
    merge,
    remove,
  );
  const problem = problemBox();
  const wrong = h("p", { class: "warning" }, texts.wrongBase);
  const rounded = h("p", { class: "warning" });
  const warnings = h("ul", { class: "plain-list" });
  const root = h("li", {}, name, details, wrong, rounded, warnings, usual, sure, problem.root);
  return {
    root,
    update(adapter) {
      const { library, compare } = state;
      setValue(name, adapter.name);
      name.setAttribute("aria-label", texts.name(adapter.name));
      sure.setAttribute("aria-label", texts.deleteSure);
      for (const [control, label] of [
        [exporting, texts.export],
        [merge, texts.merge],
        [remove, texts.delete],
        [yes, texts.deleteYes],
        [keep, texts.deleteNo],
      ] as const) {
        control.setAttribute("aria-label", texts.actionOn(label, adapter.name));
      }
      use.setAttribute("aria-label", texts.actionOn(texts.use, adapter.name));
      setText(
        details,
        texts.details(
          strings.method[adapter.method],
          format.count(adapter.parameters),
          format.bytes(adapter.bytes),
          format.moment(adapter.created),
        ),
      );
      const belongs = fits(state, adapter);
      show(wrong, !belongs);
      const precisions = fitOf(state, adapter)?.otherPrecision;
      show(rounded, precisions !== undefined);
      if (precisions !== undefined) setText(rounded, texts.otherPrecision(precisions.was, precisions.is));
      // Another precision is said above, with or without a model to ask beside.
      const known = (library.warnings.get(id) ?? []).filter(({ code }) => code !== "other_precision");
      show(warnings, known.length > 0);
      refill(warnings, JSON.stringify(known), () => warningItems(known, context));
      use.disabled = !belongs;
      use.checked = belongs && compare.chosen.has(id);
      show(merge, adapter.method === "lora" && belongs); // a soft prompt has no matrices to fold in
      const work = library.busy?.id === id ? library.busy.work : undefined;
      setText(exporting, work === "export" ? texts.exporting : texts.export);
      setText(merge, work === "merge" ? texts.merging : texts.merge);
      for (const control of [exporting, merge]) disable(control, work !== undefined);
      show(sure, library.doomed === id);
      show(usual, library.doomed !== id);
      problem.set(library.problem?.id === id ? library.problem : undefined);
    },
  };
}
