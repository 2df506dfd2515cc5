// The API's entry.

import type { DemoSet, Key, Options } from "../engine.js";
import type { PlainError } from "../error.js";
import { FlantuneError } from "../error.js";
import { newId } from "../id.js";
import type { Changed, StartParams, WorkerRows } from "../protocol.js";
import type {
  BenchOptions,
  BenchReport,
  DataOptions,
  DataSource,
  DeviceInfo,
  DownloadPlan,
  LoadModelOptions,
  MetricName,
  Metrics,
  ModelSource,
  Plan,
  StartOptions,
  TrainOptions,
} from "../types.js";
import { VERSION } from "../version.js";
import { Adapters, blobHint } from "./adapters.js";
import { Bases } from "./bases.js";
import {
  aCount,
  address,
  anObject,
  aSignal,
  isBlob,
  isFile,
  isPlainObject,
  optionsAmong,
  settings,
  tagOf,
  text,
  wrong,
} from "./check.js";
import { Client } from "./client.js";
import { checkData, Data } from "./data.js";
import { asyncDispose } from "./dispose.js";
import { givenData, givenModel } from "./given.js";
import type { Model } from "./model.js";
import { Models, type PlanOptions } from "./models.js";
import { checkKeys } from "./options.js";
import { Run } from "./run.js";
import { Runs } from "./runs.js";
import { needWorkers } from "./worker.js";

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
   * Errors: `environment` where there are no web workers (on a server) or the page refuses them;
   * `network` where the worker or the Wasm module cannot be loaded; `device` where WebGPU is asked for
   * and unavailable; `setting`.
   */
  static async start(options: StartOptions = {}): Promise<Flantune> {
    needWorkers();
    optionsAmong("start", options, ["device", "hubEndpoint", "workerUrl", "wasmUrl", "assetsUrl"]);
    const { device = "auto", hubEndpoint = HUB, workerUrl, wasmUrl, assetsUrl } = options;
    if (device !== "auto" && device !== "webgpu" && device !== "cpu")
      throw wrong("start: device", device, "auto, webgpu or cpu");
    const params: StartParams = {
      version: VERSION,
      device,
      hubEndpoint: address("start: hubEndpoint", hubEndpoint).replace(/\/+$/, ""),
      ...(assetsUrl !== undefined && { assetsUrl: address("start: assetsUrl", assetsUrl) }),
      ...(wasmUrl !== undefined && { wasmUrl: address("start: wasmUrl", wasmUrl) }),
    };
    const worker = workerUrl === undefined ? undefined : new URL(address("start: workerUrl", workerUrl));
    try {
      return new Flantune(await Client.start(worker, params));
    } catch (error) {
      throw FlantuneError.from(error);
    }
  }

  get [Symbol.toStringTag](): string {
    return "Flantune";
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
   *
   * Errors: `row` for objects that are no JSON; `setting`; `not_found` for a name that no demo set has; `network`
   * where one cannot be loaded.
   */
  async loadData(source: DataSource, options: DataOptions = {}): Promise<Data> {
    const rows = workerRows(source, anObject("loadData", options)["name"]);
    await checkData(this.#client, "loadData", options);
    const id = this.#client.name("data");
    const loaded = await this.#client.load(id, "loadData", { data: id, rows });
    const { template } = loaded;
    const reading = template === undefined ? options : { template, ...options };
    return new Data(this.#client, id, loaded, reading, () => this.#bases.last);
  }

  /**
   * Trains an adapter beside a model. Options are the configuration's keys in camelCase; what is wrong
   * with them is thrown by the run (`setting`). Arguments that cannot be meant are thrown at once.
   */
  train(model: Model, data: Data, options: TrainOptions = {}): Run {
    const client = this.#client;
    if (tagOf(model) === "FlantuneData" && tagOf(data) === "FlantuneModel") throw wrongOrder();
    givenModel("train: model", client, model);
    givenData("train: data", client, data);
    const { signal, name, ...keys } = anObject("train", options) as TrainOptions;
    aSignal("train: signal", signal);
    if (name !== undefined) text("train: name", name, "what the adapter will be called");
    settings("train", keys);
    // Browsers decide by themselves, or ask; without leave the run goes on all the same.
    void navigator.storage?.persist?.().catch(() => false);
    const start = {
      data: data.id,
      reading: data.options,
      options: name === undefined ? keys : { ...keys, name },
    };
    const params = { run: newId(), model: model.id, start, replay: false };
    const before = () => checkKeys(client, "train", "train", keys, ["name", "signal"]);
    return this.#follow(new Run(client, params, { needs: [model.id, data.id], signal, before }));
  }

  /** Every key of the configuration with its help. */
  keys(): Promise<Key[]> {
    return this.#client.keys();
  }

  /** The demo sets, with the options that suit each method. */
  demos(): Promise<DemoSet[]> {
    return this.#client.call("demos", {});
  }

  /**
   * What a run with these options would be, without beginning it: its settings with every default, and as
   * a file for `flantune train --config`; beside a model also what it trains and the memory that it takes,
   * and on rows how long it is. Errors: `setting`.
   */
  async plan(options: TrainOptions = {}, model?: Model, data?: Data): Promise<Plan> {
    const { name: _, signal: __, ...keys } = settings("plan", options);
    if (model !== undefined) givenModel("plan: model", this.#client, model);
    if (data !== undefined) givenData("plan: data", this.#client, data);
    return this.#client.call("plan", {
      options: keys,
      ...(model && { model: model.id }),
      ...(data && { data: data.id, reading: data.options }),
    });
  }

  /** A file that `flantune train --config` takes. Errors: `setting`. */
  async toml(options: Options): Promise<string> {
    const { name: _, ...keys } = settings("toml", options);
    return (await this.#client.call("plan", { options: keys })).toml;
  }

  /** Scores texts without a model; `references` has one list a prediction, of which the best counts. */
  async score(predictions: string[], references: string[][], metrics: MetricName[]): Promise<Metrics> {
    if (!areTexts(predictions)) throw wrong("score: predictions", predictions, "an array of texts");
    if (!Array.isArray(references) || !references.every(areTexts))
      throw wrong("score: references", references, "an array with an array of texts for each prediction");
    if (!areTexts(metrics)) throw wrong("score: metrics", metrics, "an array of metrics' names");
    if (predictions.length !== references.length) {
      const message = `references: found ${references.length}, expected one list for each of ${predictions.length} predictions`;
      throw new FlantuneError("setting", message);
    }
    return this.#client.call("score", { predictions, references, options: { metrics } });
  }

  /**
   * Times steps on made-up weights of a model's size, on this device: `flantune bench` in a page. Nothing
   * else is answered meanwhile. Errors: `setting`, `memory`, `device`.
   */
  async bench(options: BenchOptions = {}): Promise<BenchReport> {
    const {
      cases = ["lora"],
      dtypes = ["f32"],
      shape = "builtin",
      source = 128,
      target = 32,
      steps = 5,
      ...keys
    } = anObject("bench", options) as BenchOptions;
    if (!areTexts(cases)) throw wrong("bench: cases", cases, "an array of cases' names");
    if (!areTexts(dtypes)) throw wrong("bench: dtypes", dtypes, "an array of types' names");
    text("bench: shape", shape, "a model's size");
    for (const [name, count] of Object.entries({ source, target, steps })) aCount(`bench: ${name}`, count, 1);
    const rest = settings("bench", keys);
    return this.#client.call("bench", { cases, dtypes, shape, source, target, steps, options: rest });
  }

  /** Tells of changes to what is kept in this browser, by this page or another. Gives what ends that. */
  onChange(listener: (what: Changed) => void): () => void {
    if (typeof listener !== "function") throw wrong("onChange: listener", listener, "a function");
    return this.#client.listen(listener);
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

  /** `await using flantune = await Flantune.start()` closes it. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #follow(run: Run): Run {
    this.#running.add(run);
    const done = () => void this.#running.delete(run);
    run.adapter.then(done, done);
    return run;
  }
}

function wrongOrder(): FlantuneError {
  return new FlantuneError(
    "setting",
    "train: found rows and then a model, expected them the other way round",
    "Write train(model, data, options)",
  );
}

const DEMOS: readonly string[] = ["reviews", "dialogues", "casual"];
const ROWS = "a File or Blob, an array of objects, or a demo set (reviews, dialogues, casual)";

function workerRows(source: unknown, given: unknown): WorkerRows {
  const name = typeof given === "string" && given !== "" ? given : undefined;
  if (typeof source === "string") {
    if (source.includes("\n")) throw wrong("rows", source, ROWS, "Text goes into a Blob: new Blob([text])");
    if (!DEMOS.includes(source)) throw new FlantuneError("not_found", wrong("rows", source, ROWS).message);
    return { demo: source as "reviews" | "dialogues" | "casual" };
  }
  if (isFile(source)) return { file: source, name: source.name };
  if (isBlob(source)) return { file: source, name: name ?? "rows" };
  if (!Array.isArray(source)) throw wrong("rows", source, ROWS, blobHint(source));
  return { file: new Blob(source.map(line), { type: "application/jsonl" }), name: `${name ?? "rows"}.jsonl` };
}

/** A row as a line of JSONL. */
function line(row: unknown, place: number): string {
  const where = `row ${place + 1}`;
  if (!isPlainObject(row)) throw wrong(where, row, "an object, whose fields are the row's");
  try {
    return `${JSON.stringify(row)}\n`;
  } catch (thrown) {
    // A BigInt, or an object that holds itself.
    const message = thrown instanceof Error ? (thrown.message.split("\n", 1)[0] ?? "") : String(thrown);
    throw new FlantuneError(
      "row",
      `${where}: it is no JSON: ${message}`,
      "Rows hold texts, numbers, true, false, null and lists",
      { cause: thrown },
    );
  }
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((part) => typeof part === "string");
}
