// Runs: begun, driven step by step, kept so that they can be gone on with after the tab was closed.
// A run's directory is the core's output directory, with the rows and a record beside them.

import { FlantuneError, isCrash, type PlainError } from "../api/error.js";
import type { Options, RunEnd, RunNotice, RunParams } from "../protocol.js";
import type { AdapterInfo, RunEvent, RunInfo, TrainOptions } from "../types.js";
import type { Adapters } from "./adapters.js";
import { type DataSets, ownValidation, readOptions } from "./data.js";
import type { Engine } from "./engine.js";
import type { Table } from "./index.js";
import { holdLock, lockedRuns } from "./locks.js";
import type { Models } from "./models.js";
import { plainName } from "./storage/files.js";
import type { Storage } from "./storage/storage.js";

/** What is needed to open a run again, in its directory. */
const RECORD = "page.json";
/** A closed tab loses no more than this, whatever `checkpointEvery` is. */
const CHECKPOINT_SECONDS = 30;

interface RunRecord {
  info: RunInfo;
  /** As the core takes them; the rows' paths are in this run's directory. */
  options: Options;
}

/** A run that is being worked on. */
interface Active {
  info: RunInfo;
  /** Resolves when it is to go on; there while it is paused. */
  paused?: { resumed: Promise<void>; resume: () => void };
  stop: boolean;
  ended: Promise<unknown>;
}

export class Runs {
  readonly #active = new Map<string, Active>();

  constructor(
    readonly engine: Engine,
    readonly storage: Storage,
    readonly table: Table<RunInfo>,
    readonly models: Models,
    readonly data: DataSets,
    readonly adapters: Adapters,
  ) {}

  /** Works on a run until it is done or stopped. */
  async run(params: RunParams, tell: (notice: RunNotice) => void): Promise<RunEnd> {
    const { run: id } = params;
    if (this.#active.has(id)) throw new FlantuneError("busy", "This run is being worked on already");
    const release = await holdLock(id);
    try {
      const record = params.start === "resume" ? await this.#stored(id) : await this.#begin(params, params.start);
      const active: Active = { info: record.info, stop: false, ended: Promise.resolve() };
      const work = this.#work(active, record, params, tell);
      active.ended = work.catch(() => {});
      this.#active.set(id, active);
      return await work;
    } finally {
      this.#active.delete(id);
      release();
    }
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
    await this.engine.request("checkpoint", { run: id });
    await this.table.put(active.info);
  }

  async continue(id: string): Promise<void> {
    const active = this.#get(id);
    active.paused?.resume();
    delete active.paused;
    active.info.state = "running";
    await this.table.put(active.info);
  }

  /** Resolves when a checkpoint is kept. */
  async stop(id: string): Promise<void> {
    const active = this.#active.get(id);
    if (!active) return;
    active.stop = true;
    active.paused?.resume();
    await active.ended;
  }

  async fail(id: string, { message }: PlainError): Promise<void> {
    await this.stop(id);
    const info = await this.describe(id);
    await this.#save({ ...info, state: "failed", problem: message });
  }

  /** Newest first. A run that no tab works on, and that did not end, was interrupted. */
  async list(): Promise<RunInfo[]> {
    const ids = await this.storage.list("runs");
    const indexed = await this.table.all();
    for (const { id } of indexed) if (!ids.includes(id)) await this.table.delete(id);
    const elsewhere = await lockedRuns();
    const runs: RunInfo[] = [];
    for (const id of ids) {
      const working = this.#active.has(id) || elsewhere.has(id);
      const info = await this.#info(id);
      if (!info) {
        // A tab was closed while it made the directory: there is nothing to go on with.
        if (!working) await this.storage.remove(directoryOf(id));
        continue;
      }
      const over = info.state === "done" || info.state === "stopped" || info.state === "failed";
      runs.push({ ...info, state: working || over ? info.state : "interrupted" });
    }
    return runs.sort((one, other) => other.created - one.created);
  }

  async describe(id: string): Promise<RunInfo> {
    const info = this.#active.get(id)?.info ?? (await this.#info(id));
    if (info) return info;
    throw new FlantuneError("not_found", `There is no run \`${id}\` in this browser`);
  }

  async remove(id: string): Promise<void> {
    if (this.#active.has(id) || (await lockedRuns()).has(id)) {
      throw new FlantuneError("busy", "This run is being worked on", "Stop it first");
    }
    await this.table.delete(id);
    await this.storage.remove(directoryOf(id));
  }

  /** Makes the run's directory: everything that is needed to begin it again. */
  async #begin(params: RunParams, { data, reading, options }: Exclude<RunParams["start"], "resume">): Promise<RunRecord> {
    const { run: id, model } = params;
    const directory = directoryOf(id);
    const set = this.data.get(data);
    const paths = await this.#copyRows(set.path, ownValidation(set, reading), directory);
    const { name, ...settings } = options;
    if (typeof settings["initAdapter"] === "string") {
      // A copy: the run can be gone on with after that adapter was removed.
      settings["initAdapter"] = await this.adapters.copyTo(`${directory}/initial`, settings["initAdapter"]);
    }
    const info: RunInfo = {
      id,
      name: name ?? describeRun(reading.name ?? set.name, options),
      state: "running",
      created: Date.now(),
      step: 0,
      steps: 0,
      method: options.method ?? "lora",
      model: this.models.recipe(model),
      data: { name: reading.name ?? set.name, rows: set.rows },
      options,
    };
    const record = { info, options: { ...readOptions(reading), ...settings, ...paths } };
    await this.storage.writeJson(`${directory}/${RECORD}`, record);
    return record;
  }

  async #copyRows(path: string, { validation }: { validation?: string }, directory: string): Promise<Options> {
    const copy = async (from: string, to: string) => {
      const file = await this.storage.file(from);
      const name = `${directory}/${to}/${from.slice(from.lastIndexOf("/") + 1)}`;
      const writer = await this.storage.create(name);
      try {
        const PIECE = 4 << 20;
        for (let offset = 0; offset < file.size; offset += PIECE) {
          await writer.write(await this.storage.read(from, offset, Math.min(offset + PIECE, file.size)));
        }
      } catch (error) {
        writer.abandon();
        throw error;
      }
      await writer.finish();
      return name;
    };
    const train = await copy(path, "rows");
    return validation === undefined ? { train } : { train, validation: await copy(validation, "rows") };
  }

  async #work(active: Active, record: RunRecord, params: RunParams, tell: (notice: RunNotice) => void): Promise<RunEnd> {
    const { run: id, model, rowsAtOnce } = params;
    const { info } = active;
    const directory = directoryOf(id);
    const resume = params.start === "resume";
    try {
      const { step, steps } = await this.engine.request("openRun", {
        run: id,
        model,
        output: directory,
        options: record.options,
        resume,
      });
      Object.assign(info, { step, steps, state: "running" });
      delete info.problem;
      await this.#save(info);
      tell({ info });
      if (resume && params.replay) for (const event of await this.#events(directory)) tell({ event });
      if (rowsAtOnce !== undefined) await this.engine.request("splitBatches", { run: id, rows: rowsAtOnce });
      return await this.#steps(active, directory, tell);
    } catch (thrown) {
      const error = FlantuneError.from(thrown);
      // A fresh worker goes on from the checkpoint.
      if (isCrash(error)) throw error;
      if (info.steps === 0 && !resume) await this.#discard(id);
      else await this.#save({ ...info, state: "failed", problem: error.message });
      throw error;
    } finally {
      await this.engine.request("closeRun", { run: id }).catch(() => {});
    }
  }

  async #steps(active: Active, directory: string, tell: (notice: RunNotice) => void): Promise<RunEnd> {
    const { info } = active;
    const { id } = info;
    let saved = performance.now();
    for (;;) {
      if (active.stop) {
        tell({ event: await this.engine.request("checkpoint", { run: id }) });
        info.state = "stopped";
        const adapter = await this.#early(info, directory).catch((error: unknown) => {
          // Where there is no room for it, the checkpoint is kept all the same.
          const { code, message } = FlantuneError.from(error);
          tell({ event: { event: "warning", code, message: `There is no adapter of this run yet: ${message}` } });
          return undefined;
        });
        if (adapter) info.adapter = adapter.id;
        await this.#save(info);
        return { state: "stopped", ...(adapter && { adapter }) };
      }
      if (active.paused) {
        await active.paused.resumed;
        continue;
      }
      const { events, step, steps, done } = await this.engine.request("step", { run: id });
      Object.assign(info, { step, steps });
      const late = performance.now() - saved > CHECKPOINT_SECONDS * 1000;
      if (late && !done) events.push(await this.engine.request("checkpoint", { run: id }));
      for (const event of events) {
        if (event.event === "step") info.loss = event.loss;
        if (event.event === "checkpoint") {
          saved = performance.now();
          await this.table.put(info);
        }
        if (event.event !== "done") tell({ event });
      }
      if (!done) continue;
      // The library first: who hears that it is done may ask for the adapter.
      const last = events.find((event) => event.event === "done");
      const metrics = last?.event === "done" ? last.metrics : {};
      const { name, model } = info;
      const adapter = await this.adapters.takeFrom(directory, { id, name, model, metrics });
      Object.assign(info, { state: "done", adapter: adapter.id });
      await this.#save(info);
      if (last) tell({ event: last });
      return { state: "done", adapter };
    }
  }

  /**
   * The adapter of a run that is ended early: the best so far where the validation rows were scored,
   * else that of the last step.
   */
  async #early({ id, name, model, step }: RunInfo, directory: string): Promise<AdapterInfo | undefined> {
    if (step === 0) return undefined;
    const found = await this.storage.exists(`${directory}/adapter_model.safetensors`);
    if (!found) await this.engine.request("writeAdapter", { run: id });
    return this.adapters.takeFrom(directory, { id, name: `${name}, stopped at step ${step}`, model, metrics: {} });
  }

  /** The events so far: those after the checkpoint are dropped when a run is opened. */
  async #events(directory: string): Promise<RunEvent[]> {
    const path = `${directory}/events.jsonl`;
    if (!(await this.storage.exists(path))) return [];
    const lines = (await this.storage.text(path)).split("\n").filter(Boolean);
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as RunEvent];
      } catch {
        // A tab that was closed while it wrote leaves a part of a line.
        return [];
      }
    });
  }

  async #discard(id: string): Promise<void> {
    await this.table.delete(id);
    await this.storage.remove(directoryOf(id));
  }

  async #save(info: RunInfo): Promise<void> {
    await this.table.put(info);
    const record = await this.#record(info.id);
    if (record) await this.storage.writeJson(`${directoryOf(info.id)}/${RECORD}`, { ...record, info });
  }

  async #stored(id: string): Promise<RunRecord> {
    const record = await this.#record(id);
    if (!record) throw new FlantuneError("not_found", `There is no run \`${id}\` in this browser`);
    return { ...record, info: (await this.table.get(id)) ?? record.info };
  }

  async #info(id: string): Promise<RunInfo | undefined> {
    return (await this.table.get(id)) ?? (await this.#record(id))?.info;
  }

  async #record(id: string): Promise<RunRecord | undefined> {
    try {
      return JSON.parse(await this.storage.text(`${directoryOf(id)}/${RECORD}`)) as RunRecord;
    } catch {
      // A tab that was closed while it made the directory leaves none.
      return undefined;
    }
  }

  #get(id: string): Active {
    const active = this.#active.get(id);
    if (active) return active;
    throw new FlantuneError("stopped", "This run is not being worked on", "Go on with it by `runs.resume`");
  }
}

function directoryOf(id: string): string {
  return `runs/${plainName(id)}`;
}

function describeRun(data: string, { method = "lora", rank = 8, numVirtualTokens = 20 }: TrainOptions): string {
  return method === "lora" ? `${data}, LoRA of rank ${rank}` : `${data}, prompt of ${numVirtualTokens} tokens`;
}

