// The base models that are loaded.

import { cancelled } from "../error.js";
import { DTYPES } from "../settings.js";
import type { LoadModelOptions, ModelRecipe, ModelSource } from "../types.js";
import { aFunction, aSignal, optionsAmong, wrong } from "./check.js";
import type { Client } from "./client.js";
import { Model } from "./model.js";
import { workerSource } from "./models.js";

/** Those that were loaded and not closed, oldest first. */
export class Bases {
  readonly #client: Client;
  readonly #open = new Set<Model>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** The one that is meant where none is named. */
  get last(): Model | undefined {
    return [...this.#open].at(-1);
  }

  /** One that came from there. */
  like(recipe: ModelRecipe): Model | undefined {
    return [...this.#open].find((model) => JSON.stringify(model.recipe) === JSON.stringify(recipe));
  }

  async load(source: ModelSource, options: LoadModelOptions): Promise<Model> {
    const model = await this.#load(source, options, (closed) => this.#open.delete(closed));
    this.#open.add(model);
    return model;
  }

  /** Loads one for somebody who closes it; nobody else is to find it meanwhile. */
  lend(source: ModelSource, options: LoadModelOptions): Promise<Model> {
    return this.#load(source, options, () => {});
  }

  async #load(
    source: ModelSource,
    options: LoadModelOptions,
    onClosed: (model: Model) => void,
  ): Promise<Model> {
    optionsAmong("loadModel", options, ["dtype", "onProgress", "signal"]);
    const { dtype = "f32", onProgress, signal } = options;
    if (!DTYPES.includes(dtype)) throw wrong("loadModel: dtype", dtype, `one of ${DTYPES.join(", ")}`);
    aFunction("loadModel: onProgress", onProgress);
    aSignal("loadModel: signal", signal);
    const id = this.#client.name("model");
    const params = { model: id, source: workerSource(source), dtype };
    const loaded = await this.#client.load(id, "loadModel", params, { signal, tell: onProgress });
    const model = new Model(this.#client, id, loaded, onClosed);
    if (!signal?.aborted) return model;
    // It was called off when the worker had it already.
    await model.close();
    throw cancelled();
  }
}
