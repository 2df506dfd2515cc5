// The API's own objects, as arguments of its calls.

import type { AdapterInfo, Architecture, ModelRecipe } from "../types.js";
import { isAdapter, tagOf, wrong } from "./check.js";
import type { Client } from "./client.js";

/** A model as far as rows know of one: the class is above that of rows, which it scores. */
export interface AnyModel {
  readonly architecture: Architecture;
  readonly hash: string;
  readonly recipe: ModelRecipe;
}

/** What the worker knows by an id, and belongs to one Flantune. */
interface Owned {
  readonly id: string;
  isOf(client: Client): boolean;
  check(): void;
}

/** A model of this Flantune. */
export function givenModel(where: string, client: Client, value: unknown): Owned {
  if (tagOf(value) !== "FlantuneModel")
    throw wrong(where, value, "a model, as `await flantune.loadModel(…)` gives one");
  return ours(where, client, value as Owned);
}

/** Rows of this Flantune. */
export function givenData(where: string, client: Client, value: unknown): Owned {
  if (tagOf(value) !== "FlantuneData")
    throw wrong(where, value, "rows, as `await flantune.loadData(…)` gives them");
  return ours(where, client, value as Owned);
}

/** The id of an adapter that is given whole, or by its id. */
export function givenAdapter(where: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  if (isAdapter(value)) return value.id;
  throw wrong(where, value, "an adapter of the library, or its id");
}

/** Of another one the worker knows nothing, or something else by the same name. */
function ours(where: string, client: Client, thing: Owned): Owned {
  if (!thing.isOf(client)) throw wrong(where, thing, "one of this Flantune; this is another's");
  thing.check();
  return thing;
}

/** An adapter's id as it crosses, where there is one. */
export function adapterParam(
  where: string,
  adapter: AdapterInfo | string | null | undefined,
): { adapter?: string } {
  return adapter === null || adapter === undefined ? {} : { adapter: givenAdapter(where, adapter) };
}
