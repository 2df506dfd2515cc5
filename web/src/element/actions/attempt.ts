// "Try it": both methods on the built-in model and a demo set, with the same held-out rows before and after.

import type { AdapterInfo, EvaluatedRow, Method } from "../../types.js";
import { emptyTry, isActive, type RunView, type TryState } from "../state.js";
import { isAbort } from "../store.js";
import type { DataSet, Model } from "../trainer.js";
import type { DataActions } from "./data.js";
import { follow, newRun } from "./follow.js";
import type { ModelActions } from "./model.js";
import type { Shared } from "./shared.js";
import type { TrainActions } from "./train.js";

/** The demo set, and how many of its rows are shown. */
const SET = "reviews";
const ROWS = 3;

export class AttemptActions {
  #shared: Shared;
  #model: ModelActions;
  #data: DataActions;
  #train: TrainActions;
  #onAdapter: () => Promise<void>;

  constructor(shared: Shared, model: ModelActions, data: DataActions, train: TrainActions, onAdapter: () => Promise<void>) {
    this.#shared = shared;
    this.#model = model;
    this.#data = data;
    this.#train = train;
    this.#onAdapter = onAdapter;
  }

  async start(): Promise<void> {
    const { store } = this.#shared;
    if (isActive(store.state.run) || ["preparing", "lora", "prompt"].includes(store.state.attempt.phase)) return;
    const attempt: TryState = { ...emptyTry(), phase: "preparing" };
    store.change((state) => (state.attempt = attempt));
    this.#shared.announce(this.#shared.strings().attempt.phase.preparing);
    const { model: chosen, data: rows } = store.state;
    if (chosen.choice !== "builtin") this.#model.choose({ choice: "builtin" });
    const [model, data] = await Promise.all([
      this.#model.load(),
      rows.choice === SET ? this.#data.ready() : this.#data.chooseDemo(SET),
    ]);
    if (model === undefined || data === undefined) {
      const cause = model === undefined ? store.state.model.problem : store.state.data.problem;
      store.change(() => {
        attempt.phase = "idle";
        if (cause !== undefined) attempt.problem = cause;
      });
      return;
    }
    try {
      this.#fill(attempt, "base", await this.#rows(model, data, null));
      for (const method of ["lora", "prompt"] as const) {
        const adapter = await this.#run(attempt, model, data, method);
        if (adapter === undefined) return;
        this.#fill(attempt, method, await this.#rows(model, data, adapter));
      }
      store.change(() => (attempt.phase = "done"));
      this.#shared.announce(this.#shared.strings().attempt.phase.done);
    } catch (thrown) {
      if (isAbort(thrown)) this.#stopped(attempt);
      else {
        this.#shared.fail(thrown, (_, problem) => {
          attempt.phase = "idle";
          attempt.problem = problem;
        });
      }
    }
  }

  async #run(attempt: TryState, model: Model, data: DataSet, method: Method): Promise<AdapterInfo | undefined> {
    const { store } = this.#shared;
    const name = this.#shared.strings().attempt.adapterName[method];
    const view: RunView = { ...newRun(name, method, model.name, data.name), attempt: true };
    store.change((state) => {
      attempt.phase = method;
      attempt.curves[method] = view.training; // the same arrays: the chart above and the one beside grow together
      state.run = view;
    });
    this.#shared.announce(this.#shared.strings().attempt.phase[method]);
    const trainer = await this.#shared.trainer();
    // The settings of `flantune demo`: the form is learnt in a minute on one core.
    const demo = (await trainer.demos()).find(({ name }) => name === SET);
    const run = trainer.train(model, data, { ...demo?.[method], evalSamples: ROWS, name });
    this.#train.hold(run);
    const adapter = await follow(this.#shared, run, view);
    this.#train.hold(undefined);
    if (adapter !== undefined) await this.#onAdapter();
    if (adapter === undefined || view.phase === "stopped") {
      this.#stopped(attempt);
      store.change(() => {
        if (view.problem !== undefined) attempt.problem = view.problem;
      });
      await this.#train.listRuns();
      return undefined;
    }
    return adapter;
  }

  #stopped(attempt: TryState): void {
    this.#shared.store.change(() => (attempt.phase = "stopped"));
    this.#shared.announce(this.#shared.strings().attempt.phase.stopped);
  }

  async #rows(model: Model, data: DataSet, adapter: AdapterInfo | null): Promise<EvaluatedRow[]> {
    const options = { adapter, split: "validation", seed: 0, limit: ROWS, metrics: ["rougeL"], maxNewTokens: 32 } as const;
    return (await model.evaluate(data, { ...options, metrics: [...options.metrics] })).rows;
  }

  #fill(attempt: TryState, column: "base" | Method, rows: EvaluatedRow[]): void {
    this.#shared.store.change(() => {
      for (const row of rows) {
        let known = attempt.rows.find(({ source }) => source === row.source);
        if (known === undefined) {
          known = { source: row.source, reference: row.references[0] ?? "" };
          attempt.rows.push(known);
        }
        known[column] = row.prediction ?? "";
      }
    });
  }
}
