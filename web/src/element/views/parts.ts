// What views are made of.

import type { Actions } from "../actions/actions.js";
import { type Attributes, type Child, h, setAttribute, setText, show, uniqueId } from "../dom.js";
import type { Format } from "../format.js";
import type { Problem, State } from "../state.js";
import type { Store } from "../store.js";
import type { Strings } from "../strings/en.js";

export interface Context {
  readonly store: Store;
  readonly state: State;
  readonly strings: Strings;
  readonly format: Format;
  readonly actions: Actions;
  /** The level of the element's own title among the headings of the page. */
  readonly level: number;
  /** Offered where the page is nothing but the element: elsewhere the page around it decides. */
  readonly languages?: { name: string; code: string; current: boolean; choose: () => void }[];
}

export interface View {
  root: HTMLElement;
  /** Shows the state of now. Cheap where nothing changed: it is called once a frame. */
  update(): void;
  close?(): void;
  /** Draws what is not styled by CSS again, in other colours. */
  recolor?(): void;
}

/** A heading, `depth` levels below the element's title. There are six levels. */
export function heading(
  { level }: Context,
  depth: 0 | 1 | 2 | 3,
  attributes: Attributes,
  ...children: Child[]
): HTMLElement {
  const name = `h${Math.min(level + depth, 6)}` as "h1";
  return h(
    name,
    { ...attributes, class: ["heading", `heading-${depth}`, attributes["class"]].filter(Boolean).join(" ") },
    ...children,
  );
}

export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const click = () => element.getAttribute("aria-disabled") !== "true" && onClick();
  const element = h(
    "button",
    { type: "button", class: "button", part: "button", on: { click }, ...attributes },
    label,
  );
  return element;
}

/** A button that does nothing for now. It keeps the focus of whoever just pressed it, which `disabled` would take. */
export function disable(element: HTMLButtonElement, disabled: boolean): void {
  setAttribute(element, "aria-disabled", disabled ? "true" : null);
}

/** A problem, beside the control that caused it. The box is always there, so that its filling is announced. */
export function problemBox(
  control?: HTMLElement,
  { live = true } = {},
): { root: HTMLElement; set(problem: Problem | undefined): void } {
  const id = uniqueId("problem");
  const message = h("strong");
  const hint = h("span");
  const detail = h("span", { class: "note", lang: "en" });
  const content = h("div", { class: "problem-content", hidden: true }, message, " ", hint, " ", detail);
  const root = h("div", { class: "problem", part: "problem", id, "aria-live": live && "polite" }, content);
  if (control !== undefined) {
    const described = control.getAttribute("aria-describedby");
    control.setAttribute("aria-describedby", described === null ? id : `${described} ${id}`);
  }
  return {
    root,
    set(problem) {
      show(content, problem !== undefined);
      setText(message, sentences([problem?.message]));
      setText(hint, sentences([problem?.hint]));
      setText(detail, problem?.detail === undefined ? "" : `(${problem.detail})`);
      if (control?.matches("input, textarea, select")) {
        setAttribute(control, "aria-invalid", problem === undefined ? null : "true");
      }
    },
  };
}

/** A labelled control with a note and a place for its problem. */
export function field<Control extends HTMLElement>(
  label: string,
  control: Control,
  note?: string,
): { root: HTMLElement; control: Control; problem: ReturnType<typeof problemBox> } {
  control.id ||= uniqueId("control");
  const noteId = uniqueId("note");
  if (note !== undefined) control.setAttribute("aria-describedby", noteId);
  const box = problemBox(control);
  const root = h(
    "div",
    { class: "field", part: "field" },
    h("label", { for: control.id }, label),
    control,
    note !== undefined && h("p", { class: "note", id: noteId }, note),
    box.root,
  );
  return { root, control, problem: box };
}

export function select(
  options: [value: string, label: string][],
  onChange: (value: string) => void,
): HTMLSelectElement {
  const element = h("select", {
    class: "input",
    part: "input",
    on: { change: () => onChange(element.value) },
  });
  setOptions(element, options);
  return element;
}

export function setOptions(
  element: HTMLSelectElement & { filled?: string },
  options: [value: string, label: string][],
): void {
  const key = JSON.stringify(options);
  if (element.filled === key) return;
  element.filled = key;
  const { value } = element;
  element.replaceChildren(...options.map(([option, label]) => h("option", { value: option }, label)));
  if (options.some(([option]) => option === value)) element.value = value;
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  note?: string;
  /** What belongs to this choice, shown below it while it is chosen. */
  body?: HTMLElement;
}

/** Texts one after another, each with its full stop. */
export function sentences(texts: (string | undefined)[]): string {
  return texts
    .flatMap((text) => (text === undefined || text === "" ? [] : [/[.!?…]$/.test(text) ? text : `${text}.`]))
    .join(" ");
}

/** Radio buttons, each with a note and what belongs to it. */
export function choices<Value extends string>(
  legend: string,
  list: Choice<Value>[],
  onChange: (value: Value) => void,
  layout: "rows" | "columns" = "rows",
): { root: HTMLElement; set(value: Value): void } {
  const name = uniqueId("choice");
  const inputs = new Map<Value, HTMLInputElement>();
  const bodies = new Map<Value, HTMLElement>();
  const items = list.map(({ value, label, note, body }) => {
    const noteId = uniqueId("note");
    const input = h("input", {
      type: "radio",
      name,
      value,
      "aria-describedby": note === undefined ? undefined : noteId,
      on: { change: () => onChange(value) },
    });
    inputs.set(value, input);
    if (body !== undefined) bodies.set(value, body);
    return h(
      "div",
      { class: "choice" },
      h("label", {}, input, h("span", { class: "choice-name" }, label)),
      note !== undefined && h("p", { class: "note", id: noteId }, note),
      body,
    );
  });
  return {
    root: h("fieldset", { class: `choices ${layout}` }, h("legend", {}, legend), ...items),
    set(value) {
      for (const [key, input] of inputs) if (input.checked !== (key === value)) input.checked = key === value;
      for (const [key, body] of bodies) show(body, key === value);
    },
  };
}

/** "Why?": plain words with numbers of the user's own run. */
export function why(context: Context, paragraphs: () => string[]): View {
  const text = h("div", { class: "why-text" });
  const root = h("details", { class: "why", part: "why" }, h("summary", {}, context.strings.why), text);
  return {
    root,
    update() {
      const wanted = paragraphs();
      while (text.children.length > wanted.length) text.lastElementChild?.remove();
      wanted.forEach((paragraph, place) => {
        if (text.children[place] === undefined) text.append(h("p"));
        setText(text.children[place] as HTMLElement, paragraph); // it was just made
      });
    },
  };
}

/** A button that opens the file picker, and a place where files may be dropped as well. */
export function filePicker(
  label: string,
  dropNote: string,
  onFiles: (files: File[]) => void,
  attributes: Attributes = {},
  others: Child[] = [],
): HTMLElement {
  const input = h("input", {
    type: "file",
    class: "file",
    hidden: true,
    "aria-label": label,
    ...attributes,
    on: {
      change() {
        const files = [...(input.files ?? [])];
        input.value = ""; // so that the same file can be chosen again
        if (files.length > 0) onFiles(files);
      },
    },
  });
  const root = h(
    "div",
    {
      class: "drop",
      part: "drop",
      on: {
        dragover(event) {
          event.preventDefault();
          root.classList.add("over");
        },
        dragleave: () => root.classList.remove("over"),
        drop(event) {
          event.preventDefault();
          root.classList.remove("over");
          void dropped(event.dataTransfer).then((files) => files.length > 0 && onFiles(files));
        },
      },
    },
    button(label, () => input.click()),
    ...others,
    h("span", { class: "note" }, dropNote),
    input,
  );
  return root;
}

/** Files that were dropped, those in a dropped folder too. */
async function dropped(transfer: DataTransfer | null): Promise<File[]> {
  if (transfer === null) return [];
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = entry as FileSystemFileEntry; // `isFile` says so
    return [await new Promise<File>((resolve, reject) => file.file(resolve, reject))];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0) return files; // a directory comes in pieces, and an empty one ends it
    files.push(...(await Promise.all(batch.map(filesOf))).flat());
  }
}

/** A bar with its value in words. */
export function progressBar(label: string): {
  root: HTMLElement;
  set(part: number | undefined, text: string): void;
} {
  const bar = h("progress", { class: "progress", part: "progress", "aria-label": label, max: 1 });
  const text = h("span", { class: "note number" });
  return {
    root: h("div", { class: "progress-row" }, bar, text),
    set(part, words) {
      if (part === undefined) bar.removeAttribute("value");
      else bar.value = part;
      setText(text, words);
    },
  };
}
