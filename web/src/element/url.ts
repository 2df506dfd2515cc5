// Settings in the page's address: which model, which demo set, which method with which numbers.
// Never rows, templates or prompts.

import type { Setting, TrainOptions } from "../types.js";
import { DEMOS, type State } from "./state.js";

export interface Shared {
  model?: string;
  revision?: string;
  data?: string;
  settings: TrainOptions;
}

/** Keys that may stand in an address. Texts are the user's own, and stay out. */
const PRIVATE = new Set(["initText", "initAdapter", "name", "train", "validation", "template", "templateFile"]);
const OTHERS = new Set(["model", "revision", "data", "lang"]);

export function writeSettings(state: State): URLSearchParams {
  const parameters = new URLSearchParams();
  const { model, data, settings } = state;
  if (model.choice === "builtin") parameters.set("model", "builtin");
  if (model.choice === "web" && model.address !== "") {
    parameters.set("model", model.address);
    const revision = model.plan?.commit ?? model.revision;
    if (revision !== "") parameters.set("revision", revision);
  }
  if (data.choice !== "file") parameters.set("data", data.choice);
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || value === null || PRIVATE.has(key)) continue;
    parameters.set(key, Array.isArray(value) ? value.join(",") : String(value));
  }
  return parameters;
}

/** What an address asks for. What cannot be read is passed over: an address is typed by anyone. */
export function readSettings(parameters: URLSearchParams): Shared {
  const shared: Shared = { settings: {} };
  const model = parameters.get("model");
  if (model) shared.model = model;
  const revision = parameters.get("revision");
  if (revision) shared.revision = revision;
  const data = DEMOS.find((name) => name === parameters.get("data"));
  if (data !== undefined) shared.data = data;
  for (const [key, text] of parameters) {
    if (OTHERS.has(key) || PRIVATE.has(key) || !/^[a-z][A-Za-z0-9]*$/.test(key)) continue;
    if (key === "method") {
      if (text === "lora" || text === "prompt") shared.settings.method = text;
      continue;
    }
    shared.settings[key] = setting(key, text);
  }
  return shared;
}

function setting(key: string, text: string): Setting {
  if (key === "targetModules" || key === "metrics") return text.split(",").filter((part) => part !== "");
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}
