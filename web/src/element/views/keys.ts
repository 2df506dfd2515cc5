// "All settings": every key that has no place of its own, from the configuration itself.

import type { Key } from "../../engine.js";
import type { Setting } from "../../types.js";
import { h, refill, setValue, show, uniqueId } from "../dom.js";
import { isListed, numberAttributes, SECTIONS } from "../keys.js";
import { byKey } from "../state.js";
import type { Context, View } from "./parts.js";

export function keysView(context: Context): View {
  const { strings, state } = context;
  const texts = strings.settings;
  const fill = h("div", { class: "stack" });
  const waiting = h("p", { class: "note" }, texts.keysWaiting);
  const controls = new Map<string, (value: Setting | undefined) => void>();
  const root = h(
    "details",
    { class: "more" },
    h("summary", {}, texts.all),
    h("p", { class: "note" }, texts.allNote),
    waiting,
    fill,
  );
  return {
    root,
    update() {
      const { method } = state.settings;
      const keys = state.keys.filter((key) => isListed(key, method));
      show(waiting, keys.length === 0);
      refill(fill, `${method} ${keys.map(({ name }) => name).join()}`, () =>
        SECTIONS.map((section) => {
          const own = keys.filter((key) => key.section === section);
          return own.length === 0
            ? null
            : h(
                "fieldset",
                { class: "fields" },
                h("legend", {}, texts.section[section] ?? section),
                ...own.map((key) => keyField(context, key, controls)),
              );
        }),
      );
      for (const [name, set] of controls) set(byKey(state.settings)[name]);
    },
  };
}

function keyField(
  context: Context,
  key: Key,
  controls: Map<string, (value: Setting | undefined) => void>,
): HTMLElement {
  const { strings, actions } = context;
  const id = uniqueId("key");
  const change = (value: Setting | undefined) => actions.train.set(key.name, value);
  const control = keyControl(key, id, change);
  controls.set(key.name, (value) =>
    setValue(
      control,
      value === undefined || value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value),
    ),
  );
  const { help: helps, defaultName, byDefault } = strings.settings;
  const known = helps[key.name];
  // The core's own words name them, too.
  const optimizers = key.optimizers.length === 0 ? "" : `${key.optimizers.join(", ")}: `;
  const ofCore = key.details === "" ? key.summary : `${key.summary}. ${key.details}`;
  const help = known === undefined ? ofCore : optimizers + known;
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, h("code", {}, key.name)),
    control,
    h(
      "p",
      { class: "note", id: `${id}-note` },
      h("span", { lang: known === undefined ? "en" : undefined }, help),
      key.default !== "" &&
        h("span", { class: "number" }, ` ${byDefault(defaultName[key.name] ?? key.default)}`),
    ),
  );
}

function keyControl(
  key: Key,
  id: string,
  change: (value: Setting | undefined) => void,
): HTMLInputElement | HTMLSelectElement {
  const attributes = { id, class: "input", part: "input", name: key.name, "aria-describedby": `${id}-note` };
  const { type, choices } = key.kind;
  if (type === "choice" || type === "flag") {
    const values = type === "flag" ? ["true", "false"] : (choices ?? []);
    const element = h(
      "select",
      {
        ...attributes,
        on: {
          change() {
            const { value } = element;
            change(value === "" ? undefined : type === "flag" ? value === "true" : value);
          },
        },
      },
      h("option", { value: "" }, "–"),
      ...values.map((value) => h("option", { value }, value)),
    );
    return element;
  }
  const numeric = type === "number" || type === "integer";
  const element = h("input", {
    ...attributes,
    type: numeric ? "number" : "text",
    ...(numeric ? numberAttributes(key) : {}),
    autocomplete: "off",
    on: {
      change() {
        const text = element.value.trim();
        if (text === "") change(undefined);
        else if (type === "list")
          change(
            text
              .split(",")
              .map((part) => part.trim())
              .filter((part) => part !== ""),
          );
        else change(numeric ? Number(text) : text);
      },
    },
  });
  return element;
}
