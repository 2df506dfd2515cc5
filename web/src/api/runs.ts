// Runs that are kept.

import { FlantuneError } from "../error.js";
import type { ModelRecipe, RunInfo } from "../types.js";
import type { Bases } from "./bases.js";
import { aCount, optionsAmong, text } from "./check.js";
import type { Client } from "./client.js";
import { givenModel } from "./given.js";
import type { Model } from "./model.js";
import { Run } from "./run.js";

export interface ResumeOptions {
  /** The run's base, where it is loaded already, or where only the user has its files. */
  model?: Model;
  /** Computes batches in parts of at most so many rows: the same result in less memory. Else as many as its record says. */
  rowsAtOnce?: number;
}

/** Runs that are kept in this browser. */
export class Runs {
  readonly #client: Client;
  readonly #bases: Bases;
  readonly #follow: (run: Run) => Run;

  /** Not for users: `flantune.runs`. */
  constructor(client: Client, bases: Bases, follow: (run: Run) => Run) {
    this.#client = client;
    this.#bases = bases;
    this.#follow = follow;
  }

  /**
   * Newest first. One that was cut off, and that no tab works on, is `interrupted`. Each that is
   * `interrupted`, `stopped` or `failed` can be gone on with, also where all of its steps were made.
   */
  list(): Promise<RunInfo[]> {
    return this.#client.call("listRuns", {});
  }

  /**
   * Goes on with a run from its last checkpoint, to the same result as without the interruption. Its
   * events so far are told first. A base that is loaded for it is closed when the run has ended.
   *
   * Errors: `not_found`; `busy` where another tab works on it; `model_needed` where its base is the
   * user's own files: load them, and give the model.
   */
  async resume(id: string, asked: ResumeOptions = {}): Promise<Run> {
    text("resume: id", id, "the id of a run, as `runs.list` gives it");
    optionsAmong("resume", asked, ["model", "rowsAtOnce"]);
    const { model, ...options } = asked;
    if (model !== undefined) givenModel("resume: model", this.#client, model);
    if (options.rowsAtOnce !== undefined) aCount("resume: rowsAtOnce", options.rowsAtOnce, 1);
    const info = await this.#client.call("describeRun", { run: id });
    const rowsAtOnce = options.rowsAtOnce ?? info.rowsAtOnce;
    const there = model ?? this.#bases.like(info.model);
    const base = there ?? (await this.#lend(info.model));
    const params = { run: id, model: base.id, start: "resume" as const, replay: true };
    const run = new Run(this.#client, rowsAtOnce === undefined ? params : { ...params, rowsAtOnce }, {
      needs: [base.id],
    });
    if (!there) {
      // Where it cannot be closed, the worker went, and the base with it.
      const close = () => void base.close().catch(() => {});
      run.adapter.then(close, close);
    }
    return this.#follow(run);
  }

  /** Removes a run with its rows and checkpoints; its adapter stays in the library. */
  async delete(id: string): Promise<void> {
    await this.#client.call("removeRun", {
      run: text("delete: id", id, "the id of a run, as `runs.list` gives it"),
    });
  }

  async #lend(recipe: ModelRecipe): Promise<Model> {
    switch (recipe.kind) {
      case "builtin":
        return this.#bases.lend({ builtin: true }, {});
      case "hub":
        return this.#bases.lend({ hub: recipe.name, revision: recipe.revision }, { dtype: recipe.dtype });
      case "url":
        return this.#bases.lend({ url: recipe.url }, { dtype: recipe.dtype });
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
