// Settings in the page's address: which model, which demo set, which method with which numbers.
// Never rows, templates or prompts.

import { DTYPES } from "../settings.js";
import type { DataOptions, Dtype, Setting, TrainSettings } from "../types.js";
import { METHODS } from "./presets.js";
import { LIMITS, limits } from "./rows.js";
import { byKey, DEMOS, type State } from "./state.js";

export interface Shared {
  model?: string;
  revision?: string;
  dtype?: Dtype;
  data?: string;
  /** The limits of rows. */
  rows: DataOptions;
  settings: TrainSettings;
}

/** Keys that may stand in an address. Texts are the user's own, and stay out. */
const PRIVATE = new Set([
  "initText",
  "initAdapter",
  "name",
  "train",
  "validation",
  "template",
  "templateFile",
]);
const OTHERS = new Set(["model", "revision", "dtype", "data", "lang"]);

export function writeSettings(state: State): URLSearchParams {
  const parameters = new URLSearchParams();
  const { model, data, settings } = state;
  if (model.choice === "builtin") parameters.set("model", "builtin");
  if (model.choice === "web" && model.address !== "") {
    parameters.set("model", model.address);
    const revision = model.plan?.commit ?? model.revision;
    if (revision !== "") parameters.set("revision", revision);
  }
  if (model.choice !== "builtin" && model.dtype !== "f32") parameters.set("dtype", model.dtype);
  if (data.choice !== "file") parameters.set("data", data.choice);
  for (const [key, value] of Object.entries({ ...settings, ...limits(data.options) })) {
    if (value === undefined || value === null || PRIVATE.has(key)) continue;
    parameters.set(key, Array.isArray(value) ? value.join(",") : String(value));
  }
  return parameters;
}

/** What an address asks for. What cannot be read is passed over: an address is typed by anyone. */
export function readSettings(parameters: URLSearchParams): Shared {
  const shared: Shared = { rows: {}, settings: {} };
  const model = parameters.get("model");
  if (model) shared.model = model;
  const revision = parameters.get("revision");
  if (revision) shared.revision = revision;
  const dtype = DTYPES.find((name) => name === parameters.get("dtype"));
  if (dtype !== undefined) shared.dtype = dtype;
  const data = DEMOS.find((name) => name === parameters.get("data"));
  if (data !== undefined) shared.data = data;
  for (const [key, text] of parameters) {
    if (OTHERS.has(key) || PRIVATE.has(key) || !/^[a-z][A-Za-z0-9]*$/.test(key)) continue;
    if (key === "method") {
      const method = METHODS.find((name) => name === text);
      if (method !== undefined) shared.settings.method = method;
      continue;
    }
    if (LIMITS.includes(key as Limit)) Object.assign(shared.rows, limit(key as Limit, text));
    else byKey(shared.settings)[key] = setting(key, text);
  }
  return shared;
}

type Limit = (typeof LIMITS)[number];

/** A limit of rows, where the text is one. */
function limit(key: Limit, text: string): DataOptions {
  const number = text.trim() === "" ? NaN : Number(text);
  switch (key) {
    case "onTooLong": {
      const found = (["truncate", "drop", "keep", "error"] as const).find((name) => name === text);
      return found === undefined ? {} : { onTooLong: found };
    }
    case "validationFraction":
      return number >= 0 && number < 1 ? { validationFraction: number } : {};
    default:
      return Number.isInteger(number) && number >= 2 && number <= 4096 ? { [key]: number } : {};
  }
}

function setting(key: string, text: string): Setting {
  if (key === "targetModules" || key === "metrics") return text.split(",").filter((part) => part !== "");
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text;
}
