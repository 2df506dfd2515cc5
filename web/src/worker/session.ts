// All that the page can call, by name: what there is, put together.

import { FlantuneError } from "../error.js";
import { newId } from "../id.js";
import { notLoaded, WORKER } from "../own-files.js";
import type { CallName, Changed, Params, Result, Told } from "../protocol.js";
import { VERSION } from "../version.js";
import { Adapters } from "./adapters.js";
import { Assets } from "./assets.js";
import { Changes } from "./changes.js";
import { DataSets, ownValidation, readOptions } from "./data.js";
import { openDevice } from "./device.js";
import type { Engine } from "./engine.js";
import { Hub } from "./hub.js";
import { exclusively } from "./locks.js";
import { Models } from "./models.js";
import { RunRecords } from "./run-records.js";
import { Runs } from "./runs.js";
import { FilesMount } from "./storage/files.js";
import { MemoryMount } from "./storage/memory.js";
import { OpfsMount } from "./storage/opfs.js";
import { Storage } from "./storage/storage.js";
import { MERGED, sweep } from "./sweep.js";
import { zip } from "./zip.js";

/** What goes with a call: it may be called off, and tell of itself. */
export interface Work<Name extends CallName> {
  signal: AbortSignal;
  tell: (progress: Told<Name>) => void;
}

type Handlers = { [Name in CallName]: (params: Params<Name>, work: Work<Name>) => Promise<Result<Name>> };

interface Parts {
  engine: Engine;
  storage: Storage;
  models: Models;
  data: DataSets;
  adapters: Adapters;
  runs: Runs;
  changes: Changes;
}

/** Loads the Wasm module, which is to read and write there. */
export type LoadEngine = (storage: Storage, wasmUrl?: string) => Promise<Engine>;

export class Session {
  readonly #loadEngine: LoadEngine;
  #parts: Parts | undefined;
  readonly #tellChanged: (what: Changed) => void;

  /** `changed` is told what changed of what is kept, by this worker or another. */
  constructor(loadEngine: LoadEngine, changed: (what: Changed) => void) {
    this.#loadEngine = loadEngine;
    this.#tellChanged = changed;
  }

  /** Answers a call. */
  handle<Name extends CallName>(name: Name, params: Params<Name>, work: Work<Name>): Promise<Result<Name>> {
    return this.#handlers[name](params, work).finally(() => this.#parts?.changes.after(name));
  }

  /** Runs that this worker works on. */
  readonly #working = new Set<string>();
  readonly #handlers: Handlers = {
    start: (params) => this.#start(params),
    keys: () => this.#engine.request("keys", {}),
    demos: () => this.#engine.request("demos", {}),
    plan: (params) => this.#plan(params),
    score: (params) => this.#engine.request("score", params),
    bench: (params, { signal }) => this.#engine.request("bench", params, { signal }),

    planModel: ({ source, options }, { signal }) => this.#at.models.plan(source, options, signal),
    loadModel: ({ model, source, dtype }, { signal, tell }) =>
      this.#at.models.load(model, source, dtype, { signal, onProgress: tell }),
    dropModel: async ({ model }) => {
      this.#at.adapters.forget(model);
      await this.#at.models.drop(model);
      return null;
    },
    listModels: () => this.#at.models.list(),
    removeModel: async ({ key }) => {
      await this.#at.models.remove(key);
      return null;
    },

    loadData: ({ data, rows }) => this.#at.data.load(data, rows),
    dropData: async ({ data }) => {
      this.#at.data.drop(data);
      return null;
    },
    preview: ({ data, reading, first, count, model }) =>
      this.#at.data.preview(data, reading, first, count, model),
    lengths: ({ data, reading, model }) => this.#at.data.lengths(data, reading, model),

    generate: async ({ model, adapter, prompts, options }, { signal, tell }) => {
      if (adapter !== undefined) await this.#at.adapters.hold(model, adapter);
      const params = { model, prompts, options, ...(adapter !== undefined && { adapter }) };
      const progress = (part: string | number) => tell(String(part));
      return this.#engine.request("generate", params, { signal, progress });
    },
    evaluate: (params, work) => this.#evaluate(params, work),
    merge: (params) => this.#merge(params),

    run: (params, work) => this.#run(params, work),
    pauseRun: async ({ run }) => {
      await this.#at.runs.pause(run);
      return null;
    },
    continueRun: async ({ run }) => {
      await this.#at.runs.continue(run);
      return null;
    },
    stopRun: async ({ run }) => {
      await this.#at.runs.stop(run);
      return null;
    },
    failRun: async ({ run, error }) => {
      await this.#at.runs.fail(run, error);
      return null;
    },
    listRuns: () => this.#listRuns(),
    describeRun: ({ run }) => this.#at.runs.describe(run),
    removeRun: async ({ run }) => {
      await this.#at.runs.remove(run);
      return null;
    },

    listAdapters: ({ model }) => this.#at.adapters.list(model),
    renameAdapter: ({ adapter, name }) => this.#at.adapters.rename(adapter, name),
    removeAdapter: async ({ adapter }) => {
      await this.#at.adapters.remove(adapter);
      await this.#at.runs.forget(adapter);
      return null;
    },
    checkAdapter: ({ model, adapter }) => this.#at.adapters.hold(model, adapter),
    exportAdapter: ({ adapter }) => this.#at.adapters.export(adapter),
    importAdapter: ({ adapter, file, name }) => this.#at.adapters.import(file, name, adapter),
  };

  get #at(): Parts {
    if (this.#parts) return this.#parts;
    throw new FlantuneError("closed", "The engine was not started");
  }

  get #engine(): Engine {
    return this.#at.engine;
  }

  async #start({
    version,
    device,
    hubEndpoint,
    assetsUrl,
    wasmUrl,
  }: Params<"start">): Promise<Result<"start">> {
    if (version !== VERSION)
      throw notLoaded("content", WORKER, import.meta.url, `it is ${VERSION}, and the page's is ${version}`);
    const memory = new MemoryMount();
    const files = new FilesMount();
    const opfs = await OpfsMount.open();
    const kept = !(opfs instanceof FlantuneError);
    const storage = new Storage(kept ? opfs : memory);
    for (const name of ["builtin", "plan"]) storage.mount(name, memory);
    storage.mount("files", files);
    const engine = await this.#loadEngine(storage, wasmUrl);
    const info = await openDevice(engine, device);
    const assets = new Assets(assetsUrl);
    const models = new Models({ engine, storage, files, memory, assets, hub: new Hub(engine, hubEndpoint) });
    const data = new DataSets(engine, files, assets);
    const adapters = new Adapters(engine, storage);
    const records = new RunRecords(storage);
    const runs = new Runs(engine, storage, records, models, data, adapters);
    if (kept) await sweep({ storage, opfs, models, records, adapters });
    const changes = new Changes(this.#tellChanged, kept);
    this.#parts = { engine, storage, models, data, adapters, runs, changes };
    return { device: info, warnings: kept ? [] : [nothingKept(opfs).plain()] };
  }

  /** Runs, and from now on word of those that end elsewhere. */
  async #listRuns(): Promise<Result<"listRuns">> {
    const { runs, changes } = this.#at;
    const list = await runs.list();
    for (const { id, state } of list) {
      if ((state === "running" || state === "paused") && !this.#working.has(id)) void changes.await(id);
    }
    return list;
  }

  async #run(params: Params<"run">, { tell }: Work<"run">): Promise<Result<"run">> {
    const { runs, changes } = this.#at;
    this.#working.add(params.run);
    try {
      return await runs.run(params, (notice) => {
        tell(notice);
        if ("info" in notice) changes.tell("runs");
      });
    } finally {
      this.#working.delete(params.run);
    }
  }

  #plan({ options, model, data, reading = {} }: Params<"plan">): Promise<Result<"plan">> {
    const set = data === undefined ? undefined : this.#at.data.get(data);
    const validation = set && ownValidation(set, reading).validation !== undefined ? set.held : undefined;
    return this.#engine.request("plan", {
      options: { ...readOptions(reading), ...options },
      ...(model !== undefined && { model }),
      ...(set && { rows: { train: set.rows, ...(validation !== undefined && { validation }) } }),
    });
  }

  async #evaluate(
    params: Params<"evaluate">,
    { signal, tell }: Work<"evaluate">,
  ): Promise<Result<"evaluate">> {
    const { model, adapter, data, reading, options, split, rows: most } = params;
    if (adapter !== undefined) await this.#at.adapters.hold(model, adapter);
    const set = this.#at.data.get(data);
    const validation = split === "validation" ? ownValidation(set, reading) : {};
    const request = {
      model,
      path: set.path,
      options: { ...readOptions(reading), ...validation, ...options },
      split,
      ...(most !== undefined && { rows: most }),
      ...(adapter !== undefined && { adapter }),
    };
    const progress = (rows: string | number) => tell(Number(rows));
    return this.#engine.request("evaluate", request, { signal, progress });
  }

  async #merge({ model, adapter }: Params<"merge">): Promise<Blob> {
    const { adapters, storage } = this.#at;
    const output = `${MERGED}/${newId()}`;
    return exclusively(output, async () => {
      try {
        await this.#engine.request("merge", { model, adapter: await adapters.directory(adapter), output });
        const names = await storage.list(output);
        const files = names.map(async (name) => ({ name, file: await storage.file(`${output}/${name}`) }));
        return await zip(await Promise.all(files));
      } finally {
        // What cannot be removed now is at the next start.
        await storage.remove(output).catch(() => {});
      }
    });
  }
}

/** Why nothing is kept; of a frame without an origin, the page around it decides that. */
function nothingKept(why: FlantuneError): FlantuneError {
  if (globalThis.origin !== "null") return why;
  const message =
    "This frame has no origin of its own, so what is trained in it is gone when the page is closed";
  const hint =
    "Export adapters before that. The page around it keeps them with `allow-same-origin` in the frame's `sandbox`, and lets files be saved with `allow-downloads`";
  return new FlantuneError("no_storage", message, hint, { reason: "frame" });
}
