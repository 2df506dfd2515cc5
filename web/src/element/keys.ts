// Which keys of the configuration a page has, as the core says it.

import type { Key } from "../engine.js";
import type { Method, Setting } from "../types.js";
import { byKey, type State } from "./state.js";

/** The sections of the configuration that the page has a place for. */
export const SECTIONS = ["method", "train", "eval"];

/** Whether a page takes it, be it from an address. */
export function isSetting({ section }: Key): boolean {
  return SECTIONS.includes(section);
}

/** Whether it stands in the list of all settings. */
export function isListed({ section, place, methods }: Key, method: Method): boolean {
  return (
    SECTIONS.includes(section) && place === "listed" && (methods.length === 0 || methods.includes(method))
  );
}

/** What a key is set to, or else its default with these settings; nothing before the core has said that. */
export function inForce({ settings, plan }: State, name: string): Setting | undefined {
  const set = byKey(settings)[name];
  if (set !== undefined && set !== null) return set;
  return SECTIONS.map((section) => plan?.config[section]?.[name]).find((value) => value !== undefined);
}

/** The default of a key that is a number, whatever other keys are. */
export function defaultNumber({ keys }: State, name: string): number {
  return Number(keys.find((key) => key.name === name)?.default);
}

/** A key that is a number. */
export function numberInForce(state: State, name: string): number {
  return Number(inForce(state, name) ?? Number.NaN);
}

/** The layers that something is trained beside. */
export function modulesInForce(state: State): string[] {
  const modules = inForce(state, "targetModules");
  return Array.isArray(modules) ? modules : [];
}

/** The attributes of a field for a key's numbers. They know no bound that does not belong to a range. */
export function numberAttributes({ kind, range }: Key): Record<"step" | "min" | "max", string | null> {
  const text = (bound: number | undefined) => (bound === undefined ? null : String(bound));
  const step = kind.type === "integer" ? "1" : "any";
  return { step, min: text(range.from ?? range.above), max: text(range.to ?? range.below) };
}

/** Whether a number is within a key's range. */
export function isWithin({ range, kind }: Key, value: number): boolean {
  const { from = -Infinity, to = Infinity, above = -Infinity, below = Infinity } = range;
  return (
    Number.isFinite(value) &&
    (kind.type !== "integer" || Number.isInteger(value)) &&
    value >= from &&
    value <= to &&
    value > above &&
    value < below
  );
}
