// The API's own objects, as arguments of its calls.

import type { AdapterInfo } from "../types.js";
import { isAdapter, tagOf, wrong } from "./check.js";
import type { Client } from "./client.js";
import type { Data } from "./data.js";
import type { Model } from "./model.js";

/** A model of this Flantune. */
export function givenModel(where: string, client: Client, value: unknown): Model {
  if (tagOf(value) !== "FlantuneModel")
    throw wrong(where, value, "a model, as `await flantune.loadModel(…)` gives one");
  return ours(where, client, value as Model);
}

/** Rows of this Flantune. */
export function givenData(where: string, client: Client, value: unknown): Data {
  if (tagOf(value) !== "FlantuneData")
    throw wrong(where, value, "rows, as `await flantune.loadData(…)` gives them");
  return ours(where, client, value as Data);
}

/** The id of an adapter that is given whole, or by its id. */
export function givenAdapter(where: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  if (isAdapter(value)) return value.id;
  throw wrong(where, value, "an adapter of the library, or its id");
}

/** Of another one the worker knows nothing, or something else by the same name. */
function ours<Thing extends { isOf(client: Client): boolean; check(): void }>(
  where: string,
  client: Client,
  thing: Thing,
): Thing {
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
