// Runs that are kept.

import type { Client } from "./client.js";
import { FlantuneError } from "./error.js";
import type { Model } from "./model.js";
import { Run } from "./run.js";
import type { LoadModelOptions, ModelRecipe, ModelSource, RunInfo } from "../types.js";

export interface ResumeOptions {
  /** The run's base, where it is loaded already, or where only the user has its files. */
  model?: Model;
  /** Computes batches in parts of at most so many rows: the same result in less memory. */
  rowsAtOnce?: number;
}

/** How a base is had again. */
export type LoadAgain = (source: ModelSource, options: LoadModelOptions) => Promise<Model>;

/** Runs that are kept in this browser. */
export class Runs {
  readonly #client: Client;
  readonly #loaded: () => Model[];
  readonly #load: LoadAgain;
  readonly #follow: (run: Run) => Run;

  /** Not for users: `flantune.runs`. */
  constructor(client: Client, loaded: () => Model[], load: LoadAgain, follow: (run: Run) => Run) {
    this.#client = client;
    this.#loaded = loaded;
    this.#load = load;
    this.#follow = follow;
  }

  /** Newest first. One that was cut off, and that no tab works on, is `interrupted`. */
  list(): Promise<RunInfo[]> {
    return this.#client.call("listRuns", {});
  }

  /**
   * Goes on with a run from its last checkpoint, to the same result as without the interruption. Its
   * events so far are told first.
   *
   * Errors: `not_found`; `busy` where another tab works on it; `model_needed` where its base is the
   * user's own files: load them, and give the model.
   */
  async resume(id: string, { model, rowsAtOnce }: ResumeOptions = {}): Promise<Run> {
    const info = await this.#client.call("describeRun", { run: id });
    const base = model ?? (await this.#base(info.model));
    const params = { run: id, model: base.id, start: "resume" as const, replay: true };
    return this.#follow(new Run(this.#client, rowsAtOnce === undefined ? params : { ...params, rowsAtOnce }));
  }

  /** Removes a run with its checkpoints; its adapter stays in the library. */
  async delete(id: string): Promise<void> {
    await this.#client.call("removeRun", { run: id });
  }

  async #base(recipe: ModelRecipe): Promise<Model> {
    const same = this.#loaded().find((model) => JSON.stringify(model.recipe) === JSON.stringify(recipe));
    if (same) return same;
    switch (recipe.kind) {
      case "builtin":
        return this.#load({ builtin: true }, {});
      case "hub":
        return this.#load({ hub: recipe.name, revision: recipe.revision }, { dtype: recipe.dtype });
      case "url":
        return this.#load({ url: recipe.url }, { dtype: recipe.dtype });
      case "files":
        throw new FlantuneError(
          "model_needed",
          "This run's base is a model of your own files, and only you can open those",
          "Choose its files again, then go on with the run",
        );
      default:
        return recipe satisfies never;
    }
  }
}
