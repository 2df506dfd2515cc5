// Step 1: the base.

import { DTYPES } from "../../settings.js";
import { h, refill, setText, setValue, show } from "../dom.js";
import { modelName } from "../names.js";
import type { ModelState } from "../state.js";
import {
  button,
  type Context,
  choices,
  disable,
  field,
  filePicker,
  heading,
  problemBox,
  progressBar,
  select,
  type View,
  why,
} from "./parts.js";
import { step } from "./step.js";

export function modelStep(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.model;
  const problem = problemBox();

  const files = h("p", { class: "note number" });
  const folder = h("input", {
    type: "file",
    class: "file",
    hidden: true,
    webkitdirectory: true,
    "aria-label": texts.pickFolder,
    on: {
      change() {
        const list = [...(folder.files ?? [])];
        folder.value = ""; // the same folder can be chosen again
        if (list.length > 0) chooseFiles(list);
      },
    },
  });
  const chooseFiles = (list: File[]) => {
    actions.model.choose({ choice: "files", files: list });
    void actions.model.load();
  };
  const filesBody = h(
    "div",
    { class: "choice-body" },
    filePicker(texts.pickFiles, texts.drop, chooseFiles, { multiple: true }, [
      button(texts.pickFolder, () => folder.click(), { class: "button secondary" }),
      folder,
    ]),
    files,
  );

  const web = webChoice(context);
  const stored = storedChoice(context);
  const choice = choices(
    texts.legend,
    [
      { value: "builtin", label: texts.builtin, note: texts.builtinNote },
      { value: "files", label: texts.files, note: texts.filesNote, body: filesBody },
      { value: "web", label: texts.web, note: texts.webNote, body: web.root },
      { value: "stored", label: texts.stored, body: stored.root },
    ],
    (value) => {
      actions.model.choose({ choice: value });
      if (value === "builtin") void actions.model.load();
    },
  );

  const dtype = field(
    texts.dtype,
    select(
      DTYPES.map((name) => [name, texts.dtypeName[name]]),
      (value) => {
        actions.model.choose({ dtype: DTYPES.find((name) => name === value) ?? "f32" });
      },
    ),
  );
  const bar = progressBar(texts.stage.load);
  // One button for both: who pressed it by keyboard stays on it.
  const pause = button(
    texts.pause,
    () => (state.model.phase === "paused" ? void actions.model.load() : actions.model.pause()),
    { class: "button secondary" },
  );
  const cancel = button(strings.cancel, () => void actions.model.cancel(), { class: "button quiet" });
  const paused = h("p", { class: "note" }, texts.paused);
  const loading = h(
    "div",
    { class: "loading" },
    bar.root,
    paused,
    h("div", { class: "actions" }, pause, cancel),
  );
  const load = button(texts.load, () => void actions.model.load());

  const form: View = {
    root: h(
      "div",
      { class: "stack" },
      choice.root,
      dtype.root,
      h("div", { class: "actions" }, load),
      loading,
      problem.root,
    ),
    update() {
      const { model } = state;
      choice.set(model.choice);
      web.update();
      stored.update();
      setValue(dtype.control, model.dtype);
      show(dtype.root, model.choice !== "builtin");
      show(files, model.files.length > 0);
      const bytes = model.files.reduce((sum, file) => sum + file.size, 0);
      setText(files, texts.chosen(format.count(model.files.length), format.bytes(bytes)));
      show(load, model.choice === "files" && model.files.length > 0 && model.phase === "none");
      const busy = model.phase === "loading" || model.phase === "paused";
      show(loading, busy && (model.choice !== "builtin" || model.progress !== undefined));
      show(pause, model.phase === "paused" || isDownload(model));
      setText(pause, model.phase === "paused" ? texts.resume : texts.pause);
      show(paused, model.phase === "paused");
      show(cancel, model.choice !== "builtin");
      if (model.progress !== undefined) {
        const { stage, file, loaded, total } = model.progress;
        const known = total !== undefined && total > 0;
        const amount = known
          ? texts.progress(format.bytes(loaded), format.bytes(total))
          : format.bytes(loaded);
        bar.set(
          known ? loaded / total : undefined,
          [texts.stage[stage], file, loaded > 0 && amount].filter(Boolean).join(" · "),
        );
      } else bar.set(undefined, texts.stage.list);
      problem.set(model.choice === "web" ? undefined : model.problem);
    },
  };

  const reasons = why(context, () => {
    const { loaded } = state.model;
    if (loaded === undefined) return [texts.whyEmpty];
    const { num_layers, num_decoder_layers, d_model } = loaded.architecture;
    return [
      texts.whyShape(
        modelName(context),
        format.count(num_layers),
        format.count(num_decoder_layers),
        format.count(d_model),
      ),
      texts.whySize(format.bytes(loaded.bytes)),
    ];
  });

  return step(context, {
    name: "model",
    summary() {
      const { loaded, choice: chosen, phase } = state.model;
      if (loaded !== undefined)
        return texts.summary(
          modelName(context),
          format.rough(loaded.architecture.parameters),
          format.bytes(loaded.bytes),
        );
      if (phase === "loading" && chosen === "builtin") return `${texts.builtin}, ${texts.stage.load}…`;
      return texts.summaryChosen(modelName(context));
    },
    next: texts.use,
    ready: () => state.model.loaded !== undefined,
    parts: [form, reasons],
  });
}

/** A hub's model or an address: looked up first, downloaded after its size was seen. */
function webChoice(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.model;
  const isOther = () =>
    address.control.value !== state.model.address || revision.control.value !== state.model.revision;
  // Enter fires `change` as well, after the search has begun.
  const change = () =>
    isOther() &&
    actions.model.choose({ choice: "web", address: address.control.value, revision: revision.control.value });
  const onEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    change();
    void actions.model.plan();
  };
  const input = (placeholder: string) =>
    h("input", {
      class: "input",
      part: "input",
      type: "text",
      placeholder,
      autocomplete: "off",
      spellcheck: "false",
      on: { change, keydown: onEnter },
    });
  const address = field(texts.address, input(texts.addressExample));
  const revision = field(texts.revision, input("main"), texts.revisionNote);
  const ask = button(
    texts.ask,
    () => {
      change();
      void actions.model.plan();
    },
    { class: "button secondary" },
  );
  const facts = h("dl", { class: "facts" });
  const obstacle = h("p", { class: "warning" });
  const download = button(texts.download, () => void actions.model.load());
  const plan = h(
    "div",
    { class: "plan", "aria-live": "polite" },
    heading(context, 2, {}, texts.planTitle),
    facts,
    obstacle,
    h("div", { class: "actions" }, download),
  );
  return {
    root: h(
      "div",
      { class: "choice-body" },
      h("div", { class: "fields" }, address.root, revision.root),
      h("div", { class: "actions" }, ask),
      plan,
    ),
    update() {
      const { model } = state;
      setValue(address.control, model.address);
      setValue(revision.control, model.revision);
      address.problem.set(model.problem);
      setText(ask, model.phase === "planning" ? texts.asking : texts.ask);
      disable(ask, model.phase === "planning" || model.phase === "loading");
      show(plan, model.plan !== undefined);
      show(download, model.phase === "planned");
      if (model.plan === undefined) return;
      const { bytes, architecture, memory, commit, files } = model.plan;
      const rows: [string, string][] = [
        [
          texts.planDownload,
          bytes === undefined
            ? texts.unknown
            : bytes === 0
              ? texts.alreadyHere
              : `${format.bytes(bytes)}, ${texts.planFiles(format.count(files.length))}`,
        ],
        [texts.planParameters, format.rough(architecture.parameters)],
        [texts.planMemory, format.bytes(memory.total)],
        [texts.planCommit, commit ?? texts.unknown],
      ];
      refill(facts, JSON.stringify(rows), () =>
        rows.flatMap(([name, value]) => [
          h("dt", {}, name),
          h("dd", { class: name === texts.planCommit ? "code" : "number" }, value),
        ]),
      );
      setText(obstacle, model.plan.obstacle === undefined ? "" : texts.obstacle[model.plan.obstacle]);
    },
  };
}

/** Models that are kept in the browser. */
function storedChoice(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.model;
  const list = h("ul", { class: "list" });
  const none = h("p", { class: "note" }, texts.storedNone);
  return {
    root: h("div", { class: "choice-body" }, none, list),
    update() {
      const { stored } = state.model;
      show(none, stored.length === 0);
      refill(list, JSON.stringify(stored), () =>
        stored.map((model) =>
          h(
            "li",
            {},
            h(
              "span",
              { class: "grow" },
              model.name,
              h(
                "span",
                { class: "note number" },
                ` ${[format.bytes(model.bytes), model.commit?.slice(0, 7), !model.complete && texts.incomplete].filter(Boolean).join(" · ")}`,
              ),
            ),
            button(
              model.complete ? texts.load : texts.resume,
              () => {
                actions.model.choose({
                  choice: "web",
                  address: model.url ?? model.name,
                  revision: model.commit ?? "",
                });
                void actions.model.load();
              },
              {
                class: "button secondary",
                "aria-label": strings.adapters.actionOn(
                  model.complete ? texts.load : texts.resume,
                  model.name,
                ),
              },
            ),
            button(texts.delete, () => void actions.model.deleteStored(model.key), {
              class: "button quiet",
              "aria-label": texts.deleteStored(model.name),
            }),
          ),
        ),
      );
    },
  };
}

/** Whether files of it are being fetched, or will be in a moment: what can be paused. */
function isDownload({ phase, choice, progress }: ModelState): boolean {
  return phase === "loading" && choice === "web" && progress?.stage !== "load";
}
