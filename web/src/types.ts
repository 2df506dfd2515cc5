// What the API takes and gives: types only. Options are the configuration's keys in camelCase;
// events, metrics, previews and lengths are the core's own objects, with the keys that the command
// line's `--json` prints.

import type { DeviceReason, ErrorCode } from "./error.js";
import type {
  Dtype,
  GenerationSettings,
  Method,
  MetricSettings,
  Metrics,
  RowSettings,
  Setting,
  TrainSettings,
} from "./settings.js";

export type * from "./settings.js";

export type DeviceChoice = "auto" | "webgpu" | "cpu";

export interface StartOptions {
  /** `auto` takes a hardware GPU through WebGPU, else the CPU. */
  device?: DeviceChoice;
  /** Where models of a hub are asked for: `https://huggingface.co` unless another is named. */
  hubEndpoint?: string;
  /** The worker's script; what a bundler made of it, or beside this module, unless another is named. */
  workerUrl?: string | URL;
  /** The Wasm module; beside the worker unless another is named. */
  wasmUrl?: string | URL;
  /** The folder with the built-in model and the demo sets; beside the worker unless another is named. */
  assetsUrl?: string | URL;
}

export interface DeviceInfo {
  kind: "webgpu" | "cpu";
  name: string;
  /** Why it is not the GPU, and what can be done about it. */
  reason?: { code: DeviceReason; message: string; hint?: string };
  /** Of a GPU: what its driver computes wrong by fast kernels, and plain operations compute instead. */
  leftOut?: string[];
  /** Bytes and counts, by name; empty on the CPU. */
  limits: Record<string, number>;
}

/** Where a base model comes from. Files and folders have Hugging Face's layout. */
export type ModelSource =
  | { builtin: true }
  | { files: Iterable<File> }
  /** A folder on the web that holds config.json and the rest. */
  | { url: string }
  /** `OWNER/NAME`; without a revision the newest commit of `main` is taken, and remembered. */
  | { hub: string; revision?: string };

/** What loading a model is at: `list` and `download` only where it comes from elsewhere; `load` is what is left when all is read. */
export interface Progress {
  stage: "list" | "download" | "read" | "load";
  /** The file that is being downloaded or read. */
  file?: string;
  /** Of a download: under which key of `StoredModel` it is kept. */
  key?: string;
  /** Bytes so far and, where known, in all: of all files together. */
  loaded: number;
  total?: number;
}

export interface LoadModelOptions {
  dtype?: Dtype;
  onProgress?: (progress: Progress) => void;
  signal?: AbortSignal;
}

/** What a model of a hub or a folder on the web would take, before it is downloaded. */
export interface DownloadPlan {
  /** Under which key of `StoredModel` it is kept, or will be. */
  key?: string;
  repository?: string;
  commit?: string;
  files: { name: string; bytes?: number; stored: boolean }[];
  /** Bytes that are still to be downloaded, where the server tells. */
  bytes?: number;
  architecture: Architecture;
  memory: MemoryEstimate;
  /** What a run on this device would fail at: memory in all, or the largest single piece. */
  obstacle?: "memory" | "binding";
}

export interface Architecture {
  name: string;
  parameters: number;
  d_model: number;
  d_kv: number;
  d_ff: number;
  num_heads: number;
  num_layers: number;
  num_decoder_layers: number;
  vocab_size: number;
  gated: boolean;
}

/** What a run would be, before it begins. */
export interface Plan {
  /** What it trains, in as few words as a list has room for, and in full. */
  title: string;
  description: string;
  /** By section, with every default written out. */
  config: Record<string, Record<string, Setting>>;
  /** As a file that `flantune train --config` takes. */
  toml: string;
  /** The names that `targetModules` can have in this model, or in FLAN-T5 where none is given. */
  modules: string[];
  /** Where a model is given. */
  parameters?: {
    /** Trainable parameters, those of the base, and the one divided by the other. */
    trainable: number;
    base: number;
    share: number;
    /** A soft prompt's virtual tokens, and the numbers of each. */
    prompt?: { tokens: number; width: number };
    /** What something is trained beside: `count` matrices `[outputs, inputs]`, and so many numbers beside each. */
    matrices: { module: string; count: number; outputs: number; inputs: number; trainable: number }[];
  };
  /** Where a model is given. */
  memory?: MemoryEstimate;
  /** Where rows are given: as if none of them were left out. */
  length?: { steps: number; examples_per_step: number; examples: number; validation_examples: number };
}

/** Bytes, by what takes them: the core's estimate (`flantune memory --json`). */
export type MemoryEstimate = { total: number } & Record<string, number>;

export interface DataOptions extends RowSettings {
  /** What the set goes by; a file's name unless another is given. */
  name?: string;
}

/** A file, rows as objects, or a demo set by its name. */
export type DataSource = File | Blob | Record<string, unknown>[] | "reviews" | "dialogues" | "casual";

export interface PreviewSide {
  text: string;
  tokens?: { id: number; token: string }[];
  cut?: { tokens: number; text: string };
}

export interface Preview {
  /** Of a mixture: which of its sets. */
  set?: string;
  row: number;
  line: number;
  /** How many bytes of very long texts are not looked at: what is below is of their beginning. */
  shortened?: number;
  left_out?: string;
  source?: PreviewSide;
  target?: PreviewSide;
  references?: string[];
}

export interface Distribution {
  min: number;
  max: number;
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  tokens: number;
  limit: number;
  too_long: number;
  cut_tokens: number;
  histogram: { from: number; to: number; count: number }[];
}

export interface Lengths {
  name: string;
  rows: number;
  too_long: number;
  source: Distribution;
  target: Distribution;
  /** What there is to know of the texts: those of a run's `warning` events. */
  warnings: Warning[];
}

/** Something that a user should know. */
export interface Warning {
  event: "warning";
  code: string;
  message: string;
  /** How many rows it is about. */
  count?: number;
}

/** Keys of the configuration, and what only the page knows. */
export interface TrainOptions extends TrainSettings {
  /** What the adapter will be called. */
  name?: string;
  /** Ends the run as `stop` does, but for its promises: they are rejected with `cancelled`. */
  signal?: AbortSignal;
}

export interface Sample {
  source: string;
  reference: string;
  prediction: string;
}

/** The events of `flantune train --json`, key by key. */
export type RunEvent =
  | {
      event: "start";
      method: Method;
      trainable_parameters: number;
      total_parameters: number;
      steps: number;
      examples: number;
      validation_examples: number;
      /** Of a mixture. */
      sets?: { name: string; examples: number; validation_examples: number; rate: number }[];
      device: string;
      resumed_from?: number;
    }
  | {
      event: "step";
      step: number;
      epoch: number;
      loss: number;
      learning_rate: number;
      gradient_norm: number;
      tokens: number;
      seconds: number;
      tokens_per_second: number;
      eta_seconds?: number;
    }
  | { event: "eval"; step: number; metrics: Metrics; samples: Sample[] }
  | { event: "checkpoint"; step: number; path: string }
  /** `code` is one of docs/guide/errors.md, or that of a crash after which the run goes on. */
  | Warning
  | {
      event: "done";
      steps?: number;
      seconds?: number;
      peak_bytes?: number;
      output?: string;
      metrics: Metrics;
    }
  | { event: "error"; code: ErrorCode; message: string };

export type RunState = "running" | "paused" | "stopped" | "interrupted" | "done" | "failed";

/** What is remembered of a run. Of one that is done nothing else is: its rows and checkpoints are removed. */
export interface RunInfo {
  id: string;
  name: string;
  state: RunState;
  created: number;
  /** Steps that were made. A run that failed after the last of them is not done: its adapter is yet to come. */
  step: number;
  steps: number;
  method: Method;
  model: ModelRecipe;
  data: { name: string; rows: number };
  options: TrainSettings & { name?: string };
  /** The last loss that was seen. */
  loss?: number;
  adapter?: string;
  /** Why it failed, or why what is remembered of it cannot be read. */
  problem?: string;
  /** Where memory fell short: in parts of how many rows its batches are computed, from now on. */
  rowsAtOnce?: number;
}

/** What is remembered of where a model came from, so that it can be had again. */
export type ModelRecipe =
  | { kind: "builtin"; name: string }
  | { kind: "hub"; name: string; revision: string; dtype: Dtype }
  | { kind: "url"; name: string; url: string; dtype: Dtype }
  /** Files that only the user can give again. */
  | { kind: "files"; name: string; dtype: Dtype };

/** An adapter in the library. */
export interface AdapterInfo {
  id: string;
  name: string;
  method: Method;
  /** How many numbers were trained. */
  parameters: number;
  bytes: number;
  created: number;
  /** The hash of the base that it belongs to, as far as it is known. */
  base?: string;
  model: ModelRecipe | null;
  metrics: Metrics;
  /** adapter_config.json */
  config: Record<string, unknown>;
  /** Where it was listed beside a model, and its base is known. */
  fit?: Fit;
}

/** Whether an adapter belongs to a base. */
export interface Fit {
  fits: boolean;
  /** Where that is the same base in another precision: the one that the adapter was trained beside, and the model's. */
  otherPrecision?: { was: string; is: string };
}

export interface GenerateOptions extends GenerationSettings {
  adapter?: AdapterInfo | string | null;
  batchSize?: number;
  signal?: AbortSignal;
  /** Told the pieces of the text as they come, where there is one prompt. */
  onToken?: (part: string) => void;
}

/** What the model wrote for a prompt. */
export interface Answer {
  /** Best first. */
  texts: string[];
  /** The logarithm of each text's probability, divided by its number of tokens to the power of `lengthPenalty`. */
  scores: number[];
}

export interface EvaluateOptions extends GenerationSettings, MetricSettings {
  adapter?: AdapterInfo | string | null;
  /** `validation` takes the rows that training holds out with this seed; `all` takes every row. */
  split?: "validation" | "all";
  seed?: number;
  /** At most so many of those rows. */
  limit?: number;
  batchSize?: number;
  signal?: AbortSignal;
  onProgress?: (rows: number, total: number) => void;
}

export interface Evaluation {
  metrics: Metrics;
  rows: EvaluatedRow[];
}

/** A row with its scores; what tells of many rows only (`f1`, correlations) it has none of. */
export type EvaluatedRow = Metrics & {
  row: number;
  source: string;
  prediction?: string;
  references: string[];
};

/**
 * A model that is kept in the browser, whole or in part. It is loaded, or gone on with, by `url` where
 * it has one, else as `hub: name` with `revision: commit`.
 */
export interface StoredModel {
  /** By which `models.delete` knows it. */
  key: string;
  name: string;
  /** Of one from a hub. */
  commit?: string;
  /** The address of the folder on the web that it came from. */
  url?: string;
  bytes: number;
  complete: boolean;
}

/** What is timed, with what other settings of a run (`batchSize`, `rank`). */
export interface BenchOptions extends TrainSettings {
  /** Training steps, texts and losses: `lora` alone unless others are named. */
  cases?: BenchCase[];
  /** What the weights rest in: each case is timed with each. `f32` unless others are named. */
  dtypes?: Dtype[];
  /** A model's size by FLAN-T5's names, or that of the built-in model: `builtin` unless another is named. */
  shape?: "builtin" | "small" | "base" | "large" | "xl";
  /** Tokens of a source: 128. */
  source?: number;
  /** Tokens of a target: 32. */
  target?: number;
  /** Steps after the first, of which the median is told: at least 5. */
  steps?: number;
}

export type BenchCase = "lora" | "prompt" | "generate" | "eval" | "load" | "block";

/** As `flantune bench --json` prints it. */
export interface BenchReport {
  device: string;
  threads: number;
  shape: { d_model: number; layers: number; batch: number; source: number; target: number };
  cases: {
    name: string;
    dtype: string;
    /** The median step's. */
    seconds: number;
    first_seconds: number;
    tokens_per_second: number;
    /** The most memory of the module so far; what a GPU has set aside; what is launched there in a step, by kernel too. */
    peak_bytes: number | null;
    device_bytes: number | null;
    dispatches: number | null;
    pipelines: number | null;
    new_pipelines: number | null;
    kernels?: Record<string, number>;
  }[];
}
