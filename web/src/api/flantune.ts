// The API's entry.

import { Adapters } from "./adapters.js";
import { Bases } from "./bases.js";
import { Client } from "./client.js";
import { Data } from "./data.js";
import type { PlainError } from "./error.js";
import { FlantuneError } from "./error.js";
import { newId } from "./id.js";
import type { Model } from "./model.js";
import { Models, type PlanOptions } from "./models.js";
import { Run } from "./run.js";
import { Runs } from "./runs.js";
import { OWN_ASSETS, OWN_WORKER } from "./worker.js";
import type { DemoSet, Key } from "../engine.js";
import type { StartParams, WorkerRows } from "../protocol.js";
import type {
  DataOptions,
  DataSource,
  DeviceInfo,
  DownloadPlan,
  LoadModelOptions,
  Metrics,
  ModelSource,
  StartOptions,
  TrainOptions,
} from "../types.js";

const HUB = "https://huggingface.co";
/** How long `close` waits, in milliseconds: as long as there is between two checkpoints at most. */
const PATIENCE = 30_000;

/**
 * Fine-tunes FLAN-T5 in this page. One worker holds the model, the device and the files; nothing is
 * uploaded. Every promise of the API that is rejected is rejected with a `FlantuneError`.
 */
export class Flantune {
  readonly models: Models;
  readonly adapters: Adapters;
  readonly runs: Runs;
  readonly #client: Client;
  readonly #bases: Bases;
  readonly #running = new Set<Run>();

  private constructor(client: Client) {
    this.#client = client;
    this.models = new Models(client);
    this.adapters = new Adapters(client);
    this.#bases = new Bases(client);
    this.runs = new Runs(client, this.#bases, (run) => this.#follow(run));
  }

  /**
   * Loads the engine and starts a device.
   *
   * Errors: `device` where WebGPU is asked for and not to be had; `network` where the worker or the
   * Wasm module cannot be loaded.
   */
  static async start(options: StartOptions = {}): Promise<Flantune> {
    const { device = "auto", hubEndpoint = HUB, wasmUrl } = options;
    const workerUrl = options.workerUrl ?? OWN_WORKER;
    const assetsUrl = options.assetsUrl ?? OWN_ASSETS;
    const params: StartParams = {
      device,
      hubEndpoint: absolute(hubEndpoint).replace(/\/+$/, ""),
      assetsUrl: absolute(assetsUrl),
      ...(wasmUrl !== undefined && { wasmUrl: absolute(wasmUrl) }),
    };
    try {
      return new Flantune(await Client.start(new URL(workerUrl, location.href), params));
    } catch (error) {
      throw FlantuneError.from(error);
    }
  }

  /** Where it computes, and why that is not the GPU. After a device was lost it may be another. */
  get device(): DeviceInfo {
    return this.#client.device;
  }

  /** What the user should know of this browser, such as that it keeps nothing (`no_storage`). */
  get warnings(): PlainError[] {
    return this.#client.warnings;
  }

  /**
   * Loads a base model; one of a hub is downloaded first, and kept. A download that was called off by
   * its signal is gone on with at the next try.
   *
   * Errors: `hub`, `network`, `quota`, `format`, `tensor`, `not_found` name what is wrong; `cancelled`;
   * `out_of_memory`.
   */
  loadModel(source: ModelSource, options: LoadModelOptions = {}): Promise<Model> {
    return this.#bases.load(source, options);
  }

  /** What a model would take, before it is downloaded: `models.plan`. */
  planModel(source: ModelSource, options?: PlanOptions): Promise<DownloadPlan> {
    return this.models.plan(source, options);
  }

  /**
   * Opens rows: a file (JSONL, CSV, TSV), objects, or a demo set. A row that cannot be read is left
   * out, and counted in `errors`.
   */
  async loadData(source: DataSource, options: DataOptions = {}): Promise<Data> {
    const id = this.#client.name("data");
    const loaded = await this.#client.load(id, "loadData", { data: id, rows: workerRows(source, options.name) });
    const { template } = loaded;
    const reading = template === undefined ? options : { template, ...options };
    return new Data(this.#client, id, loaded, reading, () => this.#bases.last);
  }

  /**
   * Trains an adapter beside a model. Options are the configuration's keys in camelCase; what is wrong
   * with them is thrown by the run (`setting`).
   */
  train(model: Model, data: Data, options: TrainOptions = {}): Run {
    // Browsers decide by themselves, or ask; without leave the run goes on all the same.
    void navigator.storage?.persist?.().catch(() => false);
    const start = { data: data.id, reading: data.options, options };
    return this.#follow(new Run(this.#client, { run: newId(), model: model.id, start, replay: false }));
  }

  /** Every key of the configuration with its help. */
  keys(): Promise<Key[]> {
    return this.#client.call("keys", {});
  }

  /** The demo sets, with the options that suit each method. */
  demos(): Promise<DemoSet[]> {
    return this.#client.call("demos", {});
  }

  /** A file that `flantune train --config` takes. Errors: `setting`. */
  toml({ name: _, ...options }: TrainOptions & DataOptions): Promise<string> {
    return this.#client.call("toml", { options });
  }

  /** Scores texts without a model; `references` has one list a prediction, of which the best counts. */
  async score(predictions: string[], references: string[][], metrics: string[]): Promise<Metrics> {
    if (predictions.length !== references.length) {
      const message = `references: found ${references.length}, expected one list for each of ${predictions.length} predictions`;
      throw new FlantuneError("setting", message);
    }
    return this.#client.call("score", { predictions, references, options: { metrics } });
  }

  /**
   * Stops what is running, with checkpoints, and ends the worker. What has not stopped after half a
   * minute, because the device does not answer or a step takes long, keeps the checkpoint that it had.
   */
  async close(): Promise<void> {
    const stopped = Promise.allSettled([...this.#running].map((run) => run.stop()));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)));
    await Promise.race([stopped, patience]);
    clearTimeout(timer);
    this.#client.close();
  }

  #follow(run: Run): Run {
    this.#running.add(run);
    const done = () => void this.#running.delete(run);
    run.adapter.then(done, done);
    return run;
  }
}

function workerRows(source: DataSource, name: string | undefined): WorkerRows {
  if (typeof source === "string") return { demo: source };
  if (source instanceof File) return { file: source, name: source.name };
  if (source instanceof Blob) return { file: source, name: name ?? "rows" };
  const lines = source.map((row) => `${JSON.stringify(row)}\n`);
  return { file: new Blob(lines, { type: "application/jsonl" }), name: `${name ?? "rows"}.jsonl` };
}

function absolute(address: string | URL): string {
  return new URL(address, location.href).href;
}
