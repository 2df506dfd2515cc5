// What a run would be, asked of the trainer whenever something changes that it depends on.

import type { State } from "../state.js";
import { isAbort, said } from "../store.js";
import type { Shared } from "./shared.js";

export class PlanActions {
  readonly #shared: Shared;
  /** What the newest plan is of. */
  #of: readonly unknown[] = [];

  constructor(shared: Shared) {
    this.#shared = shared;
    shared.store.subscribe(() => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const { store } = this.#shared;
    const { state } = store;
    // Before the trainer has started there is nobody to ask.
    if (state.keys.length === 0) return;
    const of = dependsOn(state);
    if (of.every((part, place) => part === this.#of[place]) && of.length === this.#of.length) return;
    this.#of = of;
    const { loaded: model } = state.model;
    const { set: data } = state.data;
    try {
      const trainer = await this.#shared.trainer();
      const plan = await trainer.plan(state.settings, model, data);
      if (this.#of !== of) return;
      store.change(() => {
        state.plan = plan;
        delete state.planProblem;
      });
    } catch (thrown) {
      // What was closed meanwhile is asked about no more.
      if (this.#of !== of || isAbort(thrown)) return;
      const problem = said(thrown, this.#shared.strings());
      if (problem.code === "closed") return;
      store.change(() => (state.planProblem = problem));
    }
  }
}

function dependsOn({ settings, model, data, keys }: State): readonly unknown[] {
  return [JSON.stringify(settings), model.loaded, data.set, keys];
}
