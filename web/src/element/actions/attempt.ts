// "Try it": both methods on the built-in model and a demo set, with the same held-out rows before and after.

import type { AdapterInfo, EvaluatedRow } from "../../types.js";
import { emptyTry, isBusy, type RunView, type Tried, type TryState } from "../state.js";
import { isAbort } from "../store.js";
import type { DataSet, Model, Trainer } from "../trainer.js";
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
  #train: TrainActions;
  #onAdapter: () => Promise<void>;
  #abort: AbortController | undefined;

  constructor(shared: Shared, model: ModelActions, train: TrainActions, onAdapter: () => Promise<void>) {
    this.#shared = shared;
    this.#model = model;
    this.#train = train;
    this.#onAdapter = onAdapter;
  }

  /** Steps 1 and 2 stay as they are: what it trains on is its own. */
  async start(): Promise<void> {
    const { store } = this.#shared;
    if (isBusy(store.state)) return;
    const abort = new AbortController();
    this.#abort = abort;
    const attempt: TryState = { ...emptyTry(), phase: "preparing" };
    store.change((state) => (state.attempt = attempt));
    this.#shared.announce(this.#shared.strings().attempt.phase.preparing);
    try {
      const trainer = await this.#shared.trainer();
      const [model, data] = await Promise.all([this.#base(trainer, attempt), trainer.loadData(SET)]);
      if (model !== undefined) await this.#both(attempt, model, data, abort.signal);
      this.#shared.retire(data);
    } catch (thrown) {
      if (isAbort(thrown)) this.#end(attempt, "stopped");
      else {
        store.change(() => (attempt.phase = "idle"));
        this.#shared.fail(thrown, (_, problem) => (attempt.problem = problem));
      }
    }
  }

  /** Ends it after the step, or the row, of now. */
  async stop(): Promise<void> {
    this.#abort?.abort();
    await this.#train.stop();
  }

  /** The built-in model: that of step 1 where it is the one. */
  async #base(trainer: Trainer, attempt: TryState): Promise<Model | undefined> {
    const { store } = this.#shared;
    if (store.state.model.choice !== "builtin") {
      const model = await trainer.loadModel({ builtin: true });
      this.#shared.retire(model); // when this is over
      return model;
    }
    const model = await this.#model.load();
    if (model !== undefined) return model;
    const { problem: cause } = store.state.model;
    store.change(() => {
      attempt.phase = "idle";
      if (cause !== undefined) attempt.problem = cause;
    });
    return undefined;
  }

  async #both(attempt: TryState, model: Model, data: DataSet, signal: AbortSignal): Promise<void> {
    this.#fill(attempt, "base", await this.#rows(model, data, null, signal));
    for (const method of ["lora", "prompt"] as const) {
      signal.throwIfAborted();
      const adapter = await this.#run(attempt, model, data, method);
      if (adapter === undefined) return;
      this.#fill(attempt, method, await this.#rows(model, data, adapter, signal));
    }
    this.#end(attempt, "done");
  }

  async #run(
    attempt: TryState,
    model: Model,
    data: DataSet,
    method: Tried,
  ): Promise<AdapterInfo | undefined> {
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
      this.#end(attempt, "stopped");
      store.change(() => {
        if (view.problem !== undefined) attempt.problem = view.problem;
      });
      await this.#train.listRuns();
      return undefined;
    }
    return adapter;
  }

  #end(attempt: TryState, phase: "done" | "stopped"): void {
    this.#shared.store.change(() => (attempt.phase = phase));
    this.#shared.announce(this.#shared.strings().attempt.phase[phase]);
  }

  async #rows(
    model: Model,
    data: DataSet,
    adapter: AdapterInfo | null,
    signal: AbortSignal,
  ): Promise<EvaluatedRow[]> {
    return (
      await model.evaluate(data, {
        adapter,
        split: "validation",
        seed: 0,
        limit: ROWS,
        metrics: ["rougeL"],
        maxNewTokens: 32,
        signal,
      })
    ).rows;
  }

  #fill(attempt: TryState, column: "base" | Tried, rows: EvaluatedRow[]): void {
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
