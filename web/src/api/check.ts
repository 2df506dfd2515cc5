// What the API is given, held against what it can mean: wrong kinds are refused before they cross to the
// worker, with what was found and expected.

import { FlantuneError } from "../error.js";
import type { Setting } from "../types.js";

/** What the API's own objects are called. Bundlers shorten the names of classes, but not these. */
const OWN: Record<string, string> = {
  Flantune: "a Flantune",
  FlantuneModel: "a model",
  FlantuneData: "rows (what loadData gives)",
  FlantuneRun: "a run",
};

/** A value that was given, in words. */
export function found(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (isPromise(value)) return "a promise: `await` is missing before it";
  switch (typeof value) {
    case "string":
      return `"${value.length > 60 ? `${value.slice(0, 60)}…` : value}"`;
    case "bigint":
      return `${value}n`;
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    case "object":
      return thing(value);
    default:
      return String(value);
  }
}

function thing(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : `an array of ${value.length}`;
  const tag = tagOf(value);
  if (OWN[tag] !== undefined) return OWN[tag];
  if (isAdapter(value)) return `an adapter ("${value.name}")`;
  if (tag !== "Object") return `${/^[AEIOU]/.test(tag) ? "an" : "a"} ${tag}`;
  const keys = Object.keys(value);
  return keys.length === 0
    ? "an empty object"
    : `an object with ${keys.slice(0, 4).join(", ")}${keys.length > 4 ? "…" : ""}`;
}

export function isPromise(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** A record of an adapter: what `run.adapter`, `adapters.list` and `adapters.import` give. */
export function isAdapter(value: unknown): value is { id: string; name: string } {
  return (
    typeof value === "object" &&
    value !== null &&
    "id" in value &&
    typeof value.id === "string" &&
    "method" in value &&
    "parameters" in value
  );
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && tagOf(value) === "Object" && !isPromise(value);
}

// By their tags: a file or a signal may be of another frame.
export function isFile(value: unknown): value is File {
  return tagOf(value) === "File";
}

export function isBlob(value: unknown): value is Blob {
  return isFile(value) || tagOf(value) === "Blob";
}

export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

/** The error of an argument that cannot be meant. */
export function wrong(where: string, value: unknown, expected: string, hint?: string): FlantuneError {
  return new FlantuneError("setting", `${where}: found ${found(value)}, expected ${expected}`, hint);
}

export function text(where: string, value: unknown, expected = "a text"): string {
  if (typeof value !== "string" || value === "") throw wrong(where, value, expected);
  return value;
}

export function aFunction(where: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") throw wrong(where, value, "a function");
}

export function aSignal(where: string, value: unknown): void {
  if (value !== undefined && tagOf(value) !== "AbortSignal")
    throw wrong(where, value, "an AbortSignal, such as `controller.signal`");
}

/** A whole number from `least` on. */
export function aCount(where: string, value: unknown, least = 0): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw wrong(where, value, `a whole number from ${least}`);
}

/** An address, whole, with the page's own as what it may be relative to. */
export function address(where: string, value: unknown): string {
  if (typeof value !== "string" && !(value instanceof URL)) throw wrong(where, value, "an address");
  const { href } = typeof location === "undefined" ? { href: undefined } : location;
  try {
    return new URL(value, href).href;
  } catch {
    throw wrong(
      where,
      String(value),
      `an address${/^(blob|data):/.test(href ?? "") ? " with its https://, as this worker has none that it could be relative to" : ""}`,
    );
  }
}

/** An object of options in which only these keys may be; `undefined` is none. */
export function optionsAmong(where: string, value: unknown, names: readonly string[]): void {
  const options = anObject(where, value);
  for (const name of Object.keys(options)) if (!names.includes(name)) throw unknownOption(where, name, names);
}

export function anObject(where: string, value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  if (!isPlainObject(value)) throw wrong(where, value, "an object of options");
  return value;
}

/** The error of an option that is not one, with the one that may be meant. */
export function unknownOption(where: string, name: string, names: readonly string[]): FlantuneError {
  const near = nearest(name, names);
  const meant = near === undefined ? "" : `; did you mean \`${near}\`?`;
  const hint = names.length === 0 ? undefined : `There are ${names.slice(0, 40).join(", ")}`;
  return new FlantuneError("setting", `${where}: there is no option \`${name}\`${meant}`, hint);
}

/** Keys of the configuration with values that the core can be told; what they may be, it knows. */
export function settings(where: string, value: unknown): Record<string, Setting | undefined> {
  const options = anObject(where, value);
  for (const [name, setting] of Object.entries(options)) checkSetting(`${where}: ${name}`, setting);
  return options as Record<string, Setting | undefined>;
}

function checkSetting(where: string, value: unknown): void {
  if (value === undefined || value === null || typeof value === "string" || typeof value === "boolean")
    return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw wrong(where, value, "a finite number");
    return;
  }
  const list = Array.isArray(value) && value.every((part) => typeof part === "string");
  if (!list)
    throw wrong(
      where,
      Array.isArray(value) ? value.find((part) => typeof part !== "string") : value,
      "a number, a text, true or false, or a list of texts",
    );
}

/**
 * The name that is meant by one that is not known: one that has all of its words (`maxTokens` in
 * `maxNewTokens`), else the one with the fewest letters changed, if those are few.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const words = wordsOf(name);
  const having = names.filter(
    (known) => words.length > 1 && words.every((word) => wordsOf(known).includes(word)),
  );
  const least = (among: readonly string[]) =>
    [...among].sort((one, other) => edits(name, one) - edits(name, other))[0];
  const close = names.filter(
    (known) => edits(name.toLowerCase(), known.toLowerCase()) <= Math.max(1, Math.ceil(name.length / 3)),
  );
  return least(having) ?? least(close);
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}

/** Levenshtein's distance. */
function edits(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, place) => place);
  for (let i = 0; i < left.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j += 1) {
      const replaced = (row[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
