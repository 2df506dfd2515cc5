// What the element asks of the API: types only. The class of src/api/flantune.ts fits them; so does
// the fake that the element's tests use.

import type { DemoSet, Key, Options } from "../engine.js";
import type { Changed } from "../protocol.js";
import type {
  AdapterInfo,
  Architecture,
  DataOptions,
  DataSource,
  DeviceInfo,
  DownloadPlan,
  EvaluateOptions,
  Evaluation,
  GenerateOptions,
  Lengths,
  LoadModelOptions,
  ModelRecipe,
  ModelSource,
  Plan,
  Preview,
  RunEvent,
  RunInfo,
  StartOptions,
  StoredModel,
  TrainOptions,
  TrainSettings,
  Warning,
} from "../types.js";

export interface Trainer {
  /** After a device was lost it may be another. */
  readonly device: DeviceInfo;
  /** What the user should know of this browser, such as that it keeps nothing. */
  readonly warnings: { code: string; message: string; hint?: string }[];
  readonly adapters: Adapters;
  readonly runs: Runs;
  readonly models: Models;
  loadModel(source: ModelSource, options?: LoadModelOptions): Promise<Model>;
  loadData(source: DataSource, options?: DataOptions): Promise<DataSet>;
  train(model: Model, data: DataSet, options?: TrainOptions): Run;
  /** Every key of the configuration with its help. */
  keys(): Promise<Key[]>;
  /** The demo sets, with the options that suit each method. */
  demos(): Promise<DemoSet[]>;
  /** What a run with these settings would be. */
  plan(options: TrainOptions, model?: Model, data?: DataSet): Promise<Plan>;
  /** A file that `flantune train --config` takes. */
  toml(options: Options): Promise<string>;
  /** Tells of changes to what is kept in this browser, here or in another page. */
  onChange(listener: (what: Changed) => void): () => void;
  close(): Promise<void>;
}

export interface Model {
  readonly name: string;
  readonly architecture: Architecture;
  /** Bytes of the weights in memory. */
  readonly bytes: number;
  readonly recipe: ModelRecipe;
  /** By which adapters know their base. */
  readonly hash: string;
  generate(prompts: string[], options?: GenerateOptions): Promise<string[]>;
  evaluate(data: DataSet, options?: EvaluateOptions): Promise<Evaluation>;
  /** Gives its memory back. */
  close(): Promise<void>;
}

export interface DataSet {
  readonly name: string;
  readonly rows: number;
  readonly fields: string[];
  /** The first rows, as they stand in the file. */
  readonly records: Record<string, unknown>[];
  /** What is wrong with rows that are left out: how many, and what is said of the first of them. */
  readonly errors: { count: number; first: string[] };
  readonly options: DataOptions;
  /** The same rows with other options. */
  configure(options: DataOptions): Promise<DataSet>;
  preview(count: number, options?: { model?: Model; first?: number }): Promise<Preview[]>;
  lengths(options?: { model?: Model }): Promise<Lengths>;
  /** Lets go of the rows. */
  close(): Promise<void>;
}

export interface Run extends AsyncIterable<RunEvent> {
  readonly id: string;
  /** What comes of it. Rejects where nothing was trained. */
  readonly adapter: Promise<AdapterInfo>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends the run early; its checkpoint stays, and its adapter comes of the steps that were done. */
  stop(): Promise<void>;
}

export interface Adapters {
  /** Beside a model each whose base is known says whether it belongs to it. */
  list(options?: { model?: Model }): Promise<AdapterInfo[]>;
  rename(id: string, name: string): Promise<AdapterInfo>;
  /** What there is to know of an adapter beside a model. */
  check(model: Model, id: string): Promise<Warning[]>;
  /** PEFT's directory as a zip. */
  export(id: string): Promise<Blob>;
  import(file: Blob): Promise<AdapterInfo>;
  /** The base with the adapter folded in: a whole model's directory as a zip. */
  merge(model: Model, id: string): Promise<Blob>;
  delete(id: string): Promise<void>;
}

export interface Runs {
  list(): Promise<RunInfo[]>;
  /** Goes on from the last checkpoint. `rowsAtOnce` computes batches in smaller parts, in less memory. */
  resume(id: string, options?: { model?: Model; rowsAtOnce?: number }): Promise<Run>;
  delete(id: string): Promise<void>;
}

export interface Models {
  /** What a model of a hub or the web would take, before it is downloaded. */
  plan(
    source: ModelSource,
    options?: { options?: TrainSettings; signal?: AbortSignal },
  ): Promise<DownloadPlan>;
  /** The models that are kept in the browser. */
  list(): Promise<StoredModel[]>;
  delete(key: string): Promise<void>;
}

/** Starts a trainer: `Flantune.start`, or a fake. */
export type Start = (options: StartOptions) => Promise<Trainer>;
