// Runs: begun, driven step by step, kept so that they can be gone on with after the tab was closed.
// A run's directory is the core's output directory, with the rows and a record beside them.

import type { Options } from "../engine.js";
import { FlantuneError, isCrash, type PlainError } from "../error.js";
import type { RunEnd, RunNotice, RunParams } from "../protocol.js";
import type { AdapterInfo, Method, Metrics, RunEvent, RunInfo } from "../types.js";
import type { Adapters } from "./adapters.js";
import { type DataSets, ownValidation, readOptions } from "./data.js";
import type { Engine } from "./engine.js";
import { exclusively, lockedRuns } from "./locks.js";
import type { Models } from "./models.js";
import { directoryOf, type RunRecord, type RunRecords } from "./run-records.js";
import type { Storage } from "./storage/storage.js";

/** A closed tab loses no more than this, whatever `checkpointEvery` is. */
const CHECKPOINT_SECONDS = 30;

/** A run that is being worked on. */
interface Active {
  record: RunRecord;
  info: RunInfo;
  tell: (notice: RunNotice) => void;
  /** When the newest checkpoint was written, in milliseconds. */
  saved: number;
  /** Resolves when it is to go on; there while it is paused. */
  paused?: { resumed: Promise<void>; resume: () => void };
  stop: boolean;
  ended: Promise<unknown>;
}

export class Runs {
  readonly #active = new Map<string, Active>();
  /** How runs ended where that could not be written, as on a full disk. After this tab they count as interrupted. */
  readonly #unwritten = new Map<string, RunInfo>();

  constructor(
    readonly engine: Engine,
    readonly storage: Storage,
    readonly records: RunRecords,
    readonly models: Models,
    readonly data: DataSets,
    readonly adapters: Adapters,
  ) {}

  /** Works on a run until it is done or stopped. */
  async run(params: RunParams, tell: (notice: RunNotice) => void): Promise<RunEnd> {
    const { run: id } = params;
    if (this.#active.has(id)) throw new FlantuneError("busy", "This run is being worked on already");
    const work = async () => {
      const record =
        params.start === "resume" ? await this.records.stored(id) : await this.#begin(params, params.start);
      this.#unwritten.delete(id);
      const active: Active = {
        record,
        info: record.info,
        tell,
        saved: performance.now(),
        stop: false,
        ended: Promise.resolve(),
      };
      const end = this.#work(active, params);
      active.ended = end.catch(() => {});
      this.#active.set(id, active);
      return end.finally(() => this.#active.delete(id));
    };
    return exclusively(directoryOf(id), work, elsewhere());
  }

  /** Resolves when the step that is being made is done. */
  async pause(id: string): Promise<void> {
    const active = this.#get(id);
    if (active.paused) return;
    let resume = () => {};
    const resumed = new Promise<void>((resolve) => {
      resume = resolve;
    });
    active.paused = { resumed, resume };
    active.info.state = "paused";
    // Behind the step that is being made.
    await this.#checkpoint(active);
  }

  async continue(id: string): Promise<void> {
    const active = this.#get(id);
    active.paused?.resume();
    delete active.paused;
    active.info.state = "running";
    await this.records.save(active.record);
  }

  /** Resolves when a checkpoint is kept. */
  async stop(id: string): Promise<void> {
    const active = this.#active.get(id);
    if (!active) return;
    active.stop = true;
    active.paused?.resume();
    await active.ended;
  }

  async fail(id: string, { message, rowsAtOnce }: PlainError): Promise<void> {
    await this.stop(id);
    const work = async () => {
      const record = await this.records.stored(id);
      const info = {
        ...record.info,
        ...(rowsAtOnce !== undefined && { rowsAtOnce }),
        state: "failed" as const,
        problem: message,
      };
      await this.#failed({ ...record, info });
    };
    await exclusively(directoryOf(id), work, elsewhere());
  }

  /** Newest first. A run that no tab works on, and that did not end, was interrupted. */
  async list(): Promise<RunInfo[]> {
    const locked = await lockedRuns();
    const runs = (await this.records.all()).map((stored) => {
      const info = this.#newest(stored);
      const working = this.#active.has(info.id) || locked.has(info.id);
      return { ...info, state: working || isOver(info) ? info.state : ("interrupted" as const) };
    });
    return runs.sort((one, other) => other.created - one.created);
  }

  async describe(id: string): Promise<RunInfo> {
    const info = await this.records.info(id);
    if (info) return this.#newest(info);
    throw new FlantuneError("not_found", `There is no run \`${id}\` in this browser`);
  }

  async remove(id: string): Promise<void> {
    const busy = new FlantuneError("busy", "This run is being worked on", "Stop it first");
    if (this.#active.has(id) || (await lockedRuns()).has(id)) throw busy;
    await exclusively(directoryOf(id), () => this.records.remove(id), busy);
  }

  /** The record of a finished run goes with its adapter: it has nothing else, and nobody misses it. */
  async forget(adapter: string): Promise<void> {
    const info = await this.records.info(adapter);
    if (info?.state === "done") await this.remove(adapter);
  }

  /** Makes the run's directory: everything that is needed to begin it again. */
  async #begin(
    params: RunParams,
    { data, reading, options }: Exclude<RunParams["start"], "resume">,
  ): Promise<RunRecord> {
    const { run: id, model } = params;
    const directory = directoryOf(id);
    const set = this.data.get(data);
    const { name, ...settings } = options;
    const { title, config } = await this.engine.request("plan", { options: settings });
    const method = config["method"]?.["method"] as Method;
    const info: RunInfo = {
      id,
      name: name ?? `${reading.name ?? set.name}, ${title}`,
      state: "running",
      created: Date.now(),
      step: 0,
      steps: 0,
      method,
      model: this.models.recipe(model),
      data: { name: reading.name ?? set.name, rows: set.rows },
      options,
    };
    try {
      const paths = await this.#copyRows(set.path, ownValidation(set, reading), directory);
      if (typeof settings["initAdapter"] === "string") {
        // A copy: the run can be gone on with after that adapter was removed.
        settings["initAdapter"] = await this.adapters.copyTo(`${directory}/initial`, settings["initAdapter"]);
      }
      const record = { info, options: { ...readOptions(reading), ...settings, ...paths } };
      await this.records.save(record);
      return record;
    } catch (error) {
      await this.#undo(id);
      throw error;
    }
  }

  /** Removes a run that came to nothing; what cannot be removed now is at the next start. */
  async #undo(id: string): Promise<void> {
    await this.records.remove(id).catch(() => {});
  }

  async #copyRows(
    path: string,
    { validation }: { validation?: string },
    directory: string,
  ): Promise<Options> {
    const copy = async (from: string) => {
      const to = `${directory}/rows/${from.slice(from.lastIndexOf("/") + 1)}`;
      await this.storage.copy(from, to);
      return to;
    };
    const train = await copy(path);
    return validation === undefined ? { train } : { train, validation: await copy(validation) };
  }

  async #work(active: Active, params: RunParams): Promise<RunEnd> {
    const { run: id, model, rowsAtOnce } = params;
    const { record, info, tell } = active;
    const directory = directoryOf(id);
    const resume = params.start === "resume";
    try {
      const result = resume ? await this.records.result(id) : undefined;
      if (result) return await this.#takeUp(active, directory, result, params.replay);
      const { step, steps } = await this.engine.request("openRun", {
        run: id,
        model,
        output: directory,
        options: record.options,
        resume,
      });
      Object.assign(info, { step, steps, state: "running", ...(rowsAtOnce !== undefined && { rowsAtOnce }) });
      delete info.problem;
      await this.records.save(record);
      tell({ info });
      // A run that has no checkpoint yet begins anew, and all of its events happen again.
      if (resume && params.replay && step > 0)
        for (const event of await this.records.events(id)) tell({ event });
      if (rowsAtOnce !== undefined) await this.engine.request("splitBatches", { run: id, rows: rowsAtOnce });
      return await this.#steps(active, directory);
    } catch (thrown) {
      const error = FlantuneError.from(thrown);
      // A fresh worker goes on from the checkpoint.
      if (isCrash(error)) throw error;
      if (info.steps === 0 && !resume) await this.#undo(id);
      else await this.#failed({ ...record, info: { ...info, state: "failed", problem: error.message } });
      throw error;
    } finally {
      await this.engine.request("closeRun", { run: id }).catch(() => {});
    }
  }

  async #failed(record: RunRecord): Promise<void> {
    try {
      await this.records.save(record);
      this.#unwritten.delete(record.info.id);
    } catch {
      this.#unwritten.set(record.info.id, record.info);
    }
  }

  async #steps(active: Active, directory: string): Promise<RunEnd> {
    const { info } = active;
    const { id } = info;
    for (;;) {
      if (active.stop) return this.#stopped(active, directory);
      if (active.paused) {
        await active.paused.resumed;
        continue;
      }
      const { events, step, steps, done } = await this.engine.request("step", { run: id });
      Object.assign(info, { step, steps });
      // The library first: who hears that it is done may ask for the adapter.
      if (done) return this.#done(active, directory, events);
      await this.#tell(active, events);
      if (performance.now() - active.saved > CHECKPOINT_SECONDS * 1000) await this.#checkpoint(active);
    }
  }

  /** Brings a run to its end that had come to it but for the library. */
  async #takeUp(
    active: Active,
    directory: string,
    result: { steps: number; metrics: Metrics },
    replay: boolean,
  ): Promise<RunEnd> {
    const { info, tell } = active;
    const { steps, metrics } = result;
    const events = await this.records.events(info.id);
    Object.assign(info, { step: steps, steps, state: "running" });
    delete info.problem;
    tell({ info });
    if (replay) for (const event of events) if (event.event !== "done") tell({ event });
    const done = events.find(({ event }) => event === "done") ?? ({ event: "done", steps, metrics } as const);
    return this.#done(active, directory, [done]);
  }

  async #done(active: Active, directory: string, events: RunEvent[]): Promise<RunEnd> {
    const { info, tell } = active;
    const last = events.at(-1);
    await this.#tell(active, events.slice(0, -1));
    const { id, name, model } = info;
    const metrics = last?.event === "done" ? last.metrics : {};
    const adapter = await this.adapters.takeFrom(directory, { id, name, model, metrics });
    Object.assign(info, { state: "done", adapter: adapter.id });
    await this.records.save(active.record);
    // The run is done all the same; what is left is removed at the next start.
    await this.records.finish(id).catch(() => {});
    if (last) tell({ event: last });
    return { state: "done", adapter };
  }

  async #stopped(active: Active, directory: string): Promise<RunEnd> {
    const { info, tell } = active;
    await this.#checkpoint(active);
    info.state = "stopped";
    const adapter = await this.#early(info, directory).catch((error: unknown) => {
      // Where there is no room for it, the checkpoint is kept all the same.
      const { code, message } = FlantuneError.from(error);
      tell({ event: { event: "warning", code, message: `There is no adapter of this run yet: ${message}` } });
      return undefined;
    });
    if (adapter) info.adapter = adapter.id;
    await this.records.save(active.record);
    return { state: "stopped", ...(adapter && { adapter }) };
  }

  /** Writes a checkpoint. With it come the events of steps whose losses were not read yet. */
  async #checkpoint(active: Active): Promise<void> {
    await this.#tell(active, await this.engine.request("checkpoint", { run: active.info.id }));
  }

  async #tell(active: Active, events: RunEvent[]): Promise<void> {
    const { info, tell } = active;
    for (const event of events) {
      if (event.event === "step") info.loss = event.loss;
      if (event.event === "checkpoint") {
        active.saved = performance.now();
        await this.records.save(active.record);
      }
      tell({ event });
    }
  }

  /**
   * The adapter of a run that is ended early: the best so far where the validation rows were scored,
   * else that of the last step.
   */
  async #early({ id, name, model, step }: RunInfo, directory: string): Promise<AdapterInfo | undefined> {
    if (step === 0) return undefined;
    // What lies there otherwise is of an earlier stop.
    const judged = (await this.records.events(id)).some(({ event }) => event === "eval");
    if (!judged) await this.engine.request("writeAdapter", { run: id });
    return this.adapters.takeFrom(directory, {
      id,
      name: `${name}, stopped at step ${step}`,
      model,
      metrics: {},
    });
  }

  /** What is known of a run: this tab may know better than its record. */
  #newest(stored: RunInfo): RunInfo {
    const { id } = stored;
    return this.#active.get(id)?.info ?? (isOver(stored) ? stored : (this.#unwritten.get(id) ?? stored));
  }

  #get(id: string): Active {
    const active = this.#active.get(id);
    if (active) return active;
    throw new FlantuneError("stopped", "This run is not being worked on", "Go on with it first");
  }
}

function isOver({ state }: RunInfo): boolean {
  return state === "done" || state === "stopped" || state === "failed";
}

function elsewhere(): FlantuneError {
  return new FlantuneError(
    "busy",
    "Another tab is working on this run",
    "Go on with it there, or close that tab",
  );
}
