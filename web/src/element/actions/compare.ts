// Base and adapters side by side: on the user's prompts, and scored on held-out rows.

import { dataName } from "../names.js";
import { fits, type Problem } from "../state.js";
import { isAbort } from "../store.js";
import type { DataSet } from "../trainer.js";
import type { DataActions } from "./data.js";
import type { LibraryActions } from "./library.js";
import type { ModelActions } from "./model.js";
import type { Shared } from "./shared.js";

const SUGGESTIONS = 2;
const SCORED_ROWS = 60;

export class CompareActions {
  #shared: Shared;
  #model: ModelActions;
  #data: DataActions;
  #library: LibraryActions;
  #abort: AbortController | undefined;

  constructor(shared: Shared, model: ModelActions, data: DataActions, library: LibraryActions) {
    this.#shared = shared;
    this.#model = model;
    this.#data = data;
    this.#library = library;
  }

  setPrompt(place: number, text: string): void {
    this.#shared.store.change(({ compare }) => (compare.prompts[place] = text));
  }

  addPrompt(): void {
    this.#shared.store.change(({ compare }) => compare.prompts.push(""));
  }

  removePrompt(place: number): void {
    this.#shared.store.change(({ compare }) => {
      compare.prompts.splice(place, 1);
      if (compare.prompts.length === 0) compare.prompts.push("");
    });
  }

  /** Fills empty prompts with sources of the data set, as the model reads them. */
  async suggest(): Promise<void> {
    const data = await this.#data.ready();
    if (data === undefined) return;
    try {
      const previews = await data.preview(SUGGESTIONS, { first: Math.max(0, data.rows - SUGGESTIONS) });
      const sources = previews.flatMap(({ source }) => (source === undefined ? [] : [source.text]));
      this.#shared.store.change(({ compare }) => {
        const own = compare.prompts.filter((prompt) => prompt.trim() !== "" && !sources.includes(prompt));
        compare.prompts = [...own, ...sources];
      });
    } catch (thrown) {
      this.#shared.fail(thrown, ({ compare }, problem) => (compare.problem = problem));
    }
  }

  choose(adapter: string, chosen: boolean): void {
    this.#shared.store.change(({ compare }) => {
      if (chosen) compare.chosen.add(adapter);
      else compare.chosen.delete(adapter);
    });
  }

  showOnlyChanged(only: boolean): void {
    this.#shared.store.change(({ compare }) => (compare.onlyChanged = only));
  }

  cancel(): void {
    this.#abort?.abort();
  }

  async generate(): Promise<void> {
    const { store } = this.#shared;
    const { compare } = store.state;
    const prompts = compare.prompts.map((prompt) => prompt.trim()).filter((prompt) => prompt !== "");
    if (prompts.length === 0) {
      store.change(
        () => (compare.problem = { code: "missing", ...this.#shared.strings().compare.promptMissing }),
      );
      return;
    }
    const abort = this.#begin("generating");
    try {
      const model = await this.#model.load();
      if (model === undefined) throw this.#missing(store.state.model.problem);
      store.change(() => {
        compare.asked = prompts;
        compare.outputs = prompts.map(() => new Map<string, string>());
      });
      for (const adapter of await this.#systems()) {
        if (adapter !== null) await this.#library.check(model, adapter);
        const texts = await model.generate(prompts, { adapter, maxNewTokens: 64, signal: abort.signal });
        store.change(() =>
          texts.forEach((text, place) => compare.outputs[place]?.set(adapter ?? "base", text)),
        );
      }
      this.#shared.announce(this.#shared.strings().compare.generated);
    } catch (thrown) {
      if (!isAbort(thrown)) this.#shared.fail(thrown, (state, problem) => (state.compare.problem = problem));
    } finally {
      this.#end(abort);
    }
  }

  async score(): Promise<void> {
    const { store } = this.#shared;
    const { compare } = store.state;
    const abort = this.#begin("scoring");
    try {
      const model = await this.#model.load();
      const data = await this.#data.ready();
      if (model === undefined || data === undefined) {
        throw this.#missing((model === undefined ? store.state.model : store.state.data).problem);
      }
      const seed = Number(store.state.settings.seed ?? 0);
      const doubtful = await this.#doubtful(data, seed);
      store.change(() => {
        compare.scores = new Map();
        compare.scored = dataName({ strings: this.#shared.strings(), state: store.state });
        compare.doubtful = doubtful;
      });
      for (const adapter of await this.#systems()) {
        if (adapter !== null) await this.#library.check(model, adapter);
        const { metrics, rows } = await model.evaluate(data, {
          adapter,
          split: "validation",
          seed,
          limit: SCORED_ROWS,
          metrics: ["loss", "rougeL", "bleu"],
          signal: abort.signal,
          onProgress: (done, total) => store.change(() => Object.assign(compare, { done, total })),
        });
        store.change(() => compare.scores.set(adapter ?? "base", { metrics, rows }));
      }
      this.#shared.announce(this.#shared.strings().compare.scored);
    } catch (thrown) {
      if (!isAbort(thrown)) this.#shared.fail(thrown, (state, problem) => (state.compare.problem = problem));
    } finally {
      this.#end(abort);
    }
  }

  /** The base, and the chosen adapters that belong to it. */
  async #systems(): Promise<(string | null)[]> {
    // The base may have been loaded just now.
    await this.#library.list();
    const { state } = this.#shared.store;
    const chosen = state.library.list.filter(
      (adapter) => state.compare.chosen.has(adapter.id) && fits(state, adapter),
    );
    return [null, ...chosen.map(({ id }) => id)];
  }

  /**
   * Adapters whose run had other rows, or drew others to hold out. Of imported ones nothing is known,
   * and nothing is said.
   */
  async #doubtful(data: DataSet, seed: number): Promise<Set<string>> {
    const runs = await (await this.#shared.trainer()).runs.list();
    const { choice, options } = this.#shared.store.state.data;
    const drawn = choice === "file" || options.validationFraction !== undefined; // a demo set brings its own rows to judge by
    const others = runs.filter(
      (run) =>
        run.data.name !== data.name ||
        run.data.rows !== data.rows ||
        (drawn && Number(run.options.seed ?? 0) !== seed),
    );
    return new Set(others.flatMap(({ adapter }) => adapter ?? []));
  }

  #missing(problem: Problem | undefined): Error {
    return Object.assign(new Error(problem?.message ?? this.#shared.strings().compare.modelMissing), {
      code: "missing",
    });
  }

  #begin(phase: "generating" | "scoring"): AbortController {
    this.#abort?.abort();
    this.#abort = new AbortController();
    this.#shared.store.change(({ compare }) => {
      compare.phase = phase;
      compare.done = 0;
      compare.total = 0;
      delete compare.problem;
    });
    return this.#abort;
  }

  #end(abort: AbortController): void {
    if (this.#abort !== abort) return;
    this.#shared.store.change(({ compare }) => (compare.phase = "idle"));
  }
}
