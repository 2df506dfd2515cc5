// What the worker asks of the core, and what it gives the core: types only. crate/wasm/src/protocol.rs is
// the same list, and a test holds one against the other (web/test/contract.ts). Requests and answers are
// JSON; tensors never cross.

import type {
  Architecture,
  BenchReport,
  Dtype,
  EvaluatedRow,
  Fit,
  Lengths,
  MemoryEstimate,
  Method,
  Metrics,
  Plan,
  Preview,
  RunEvent,
  Setting,
  Warning,
} from "./types.js";

/** Keys of the configuration, in camelCase. */
export type Options = Record<string, Setting | undefined>;

/** Where a base comes from, as its adapters will tell: a hub's id and commit, or nothing. */
export interface Base {
  id: string;
  revision?: string;
}

/** How many rows there are to train on, and to judge by where those are a file of their own. */
export interface Rows {
  train: number;
  validation?: number;
}

/** Each request by its name: what it takes, and what is answered. */
export interface Requests {
  /** Every key of the configuration with its help. */
  keys: { params: {}; answer: Key[] };
  /** The demo sets, with the options that suit each method. */
  demos: { params: {}; answer: DemoSet[] };
  /** What a run would be, beside a model and on rows where they are named. Checks its options. */
  plan: { params: { options: Options; model?: string; rows?: Rows }; answer: Plan };
  /** Starts the device. Once in the life of a module. */
  openDevice: { params: { device: "cpu" | "webgpu" }; answer: Device };
  /** Whether the GPU that was started computes right: found out once for a name and a driver, and kept. It is gone by from then on. */
  proveDevice: { params: { name: string; driver: string }; answer: Proof };
  /** What a run would take, from a model's config.json. */
  estimate: {
    params: { directory: string; options: Options };
    answer: {
      architecture: Omit<Architecture, "name">;
      memory: MemoryEstimate;
      obstacle?: "memory" | "binding";
    };
  };
  /** Loads a base from a directory of the storage, to be called `model` from now on. */
  loadModel: { params: { model: string; directory: string; base?: Base; dtype: Dtype }; answer: ModelInfo };
  dropModel: { params: { model: string }; answer: null };
  /** Looks at a file of rows: how many, which fields, the first of them, what is wrong with some. */
  inspect: { params: { path: string; options: Options; count: number }; answer: Inspection };
  /** Rows as the model sees them. Without a model there are no tokens. */
  preview: {
    params: { model?: string; path: string; options: Options; first: number; count: number };
    answer: Preview[];
  };
  lengths: { params: { model: string; path: string; options: Options }; answer: Lengths };
  /** Begins a run in the directory `output`, or goes on with the one there. `options.train` is the path of the rows. */
  openRun: {
    params: { run: string; model: string; output: string; options: Options; resume: boolean };
    answer: { steps: number; step: number; parameters: number };
  };
  /** Does the next piece of work of a run. */
  step: {
    params: { run: string };
    answer: { events: RunEvent[]; step: number; steps: number; done: boolean };
  };
  /** Writes a checkpoint now. Its event comes last; before it those of steps that were not told of yet. */
  checkpoint: { params: { run: string }; answer: RunEvent[] };
  /** Writes the adapter as it is now to the run's directory, where an adapter that was found best may stand already. */
  writeAdapter: { params: { run: string }; answer: null };
  /** Has batches computed in parts of at most so many rows: the same step in less memory. */
  splitBatches: { params: { run: string; rows: number }; answer: null };
  closeRun: { params: { run: string }; answer: null };
  /** Loads an adapter from a directory of the storage beside a base, to be called `adapter`; and says what there is to know of it there. */
  holdAdapter: {
    params: { model: string; adapter: string; directory: string };
    answer: AdapterSummary & { warnings: Warning[] };
  };
  dropAdapter: { params: { model: string; adapter: string }; answer: null };
  /** What a directory says of the adapter in it, without a base. */
  describeAdapter: { params: { directory: string }; answer: AdapterSummary };
  /** Whether adapters of these bases, by their hashes, belong to a model. */
  fits: { params: { model: string; bases: string[] }; answer: Fit[] };
  /** Texts for prompts. The pieces of the text are told to `progress` where there is one prompt. */
  generate: {
    params: { model: string; adapter?: string; prompts: string[]; options: Options };
    answer: { texts: string[]; scores: number[] }[];
  };
  /**
   * Scores a base, with or without an adapter. `progress` is told the rows that are done. `split`:
   * `validation` takes those that training holds out; of either, at most the first `rows` are scored.
   * (`limit` among the options is another matter: it cuts the file before rows are held out.)
   */
  evaluate: {
    params: {
      model: string;
      adapter?: string;
      path: string;
      options: Options;
      split: "all" | "validation";
      rows?: number;
    };
    answer: { metrics: Metrics; rows: EvaluatedRow[] };
  };
  /** Scores texts, without a model. */
  score: { params: { predictions: string[]; references: string[][]; options: Options }; answer: Metrics };
  /** Times what is asked for on made-up weights, on the device that was started. */
  bench: {
    params: {
      cases: string[];
      dtypes: Dtype[];
      shape: string;
      source: number;
      target: number;
      steps: number;
      options: Options;
    };
    answer: BenchReport;
  };
  /** Folds an adapter into its base and writes the whole model to a directory. */
  merge: { params: { model: string; adapter: string; output: string }; answer: null };
  /** Reads `OWNER/NAME[@REVISION]`. */
  hubModel: {
    params: { id: string; endpoint: string };
    answer: { repository: string; revision: string; pinned: boolean; folder: string; listing: string };
  };
  /** Which files of a revision are needed, from the hub's listing. Where the last is an index of shards, `hubShards` names the rest. */
  hubFiles: {
    params: { id: string; endpoint: string; listing: string };
    answer: { commit: string; files: { name: string; address: string }[]; shards: boolean };
  };
  hubShards: {
    params: { id: string; endpoint: string; commit: string; directory: string };
    answer: { name: string; address: string }[];
  };
}

export type RequestName = keyof Requests;

/** A request as it is sent: `{ "request": "loadModel", "model": "m", … }`. */
export type Request = { [Name in RequestName]: { request: Name } & Requests[Name]["params"] }[RequestName];

export interface Device {
  kind: "cpu" | "webgpu";
  name: string;
  software: boolean;
  limits: Record<string, number>;
}

/** What a GPU was found to compute. */
export interface Proof {
  device: string;
  driver: string;
  build: string;
  /** Whether it computes right, without what is left out. */
  right: boolean;
  /** The families of kernels that are left out, because they are wrong. */
  wrong: string[];
  /** The ways to make products, with the seconds of one. */
  products: { tiles: string; right: boolean; seconds?: number }[];
  /** The way that is taken. */
  tiles: string;
  seconds: number;
}

/** A set of our own, small enough to be learnt in a minute. */
export interface DemoSet {
  name: string;
  /** What is to be learnt, in a few words. */
  about: string;
  /** Keys of the section data. */
  data: Options;
  /** All others. */
  lora: Options;
  prompt: Options;
}

/** A key of the configuration, as a form offers it. */
export interface Key {
  section: string;
  /** In camelCase. */
  name: string;
  kind: { type: "text" | "number" | "integer" | "flag" | "choice" | "list"; choices?: string[] };
  default: string;
  /** Whether the default is in words. */
  words: boolean;
  summary: string;
  details: string;
  /** Whether a page has it in its list, in a field of its own, or nowhere. */
  place: "listed" | "own" | "hidden";
  /** The methods that it is for; none where it is for all. */
  methods: string[];
  /** The optimizers that it is for; none where it is for all. */
  optimizers: string[];
  /** Its bounds: `from` and `to` belong to it, `above` and `below` do not. */
  range: { from?: number; to?: number; above?: number; below?: number };
}

export interface ModelInfo {
  architecture: Omit<Architecture, "name">;
  /** By which adapters know their base. */
  hash: string;
  dtype: Dtype;
  /** Bytes of the weights in memory. */
  bytes: number;
}

export interface Inspection {
  rows: number;
  fields: string[];
  /** The first rows, as they stand in the file. */
  records: Record<string, unknown>[];
  skipped: { count: number; first: string[] };
}

export interface AdapterSummary {
  method: Method;
  parameters: number;
  bytes: number;
  base?: string;
  config: Record<string, unknown>;
}

/** What the core throws. */
export interface EngineError {
  code: string;
  message: string;
  hint?: string;
}

/**
 * What the worker gives the core. A path is `/`-separated, without a leading `/`. What is rejected
 * with `{ code: "not_found" }` is a file that is not there; any other rejection's message is shown.
 */
export interface EngineHost {
  length(path: string): Promise<number>;
  read(path: string, start: number, end: number): Promise<Uint8Array>;
  /** Opens a file for writing; it appears under its name, whole, at `finish`. */
  create(path: string): Promise<EngineWriter>;
  append(path: string, bytes: Uint8Array): Promise<void>;
  /** Names in a directory, sorted; nothing where there is none. */
  list(directory: string): Promise<string[]>;
  /** Removes a file, or a directory with all it holds, if it is there. */
  remove(path: string): Promise<void>;
  /** What a user calls the file or directory at a path, for messages. */
  shown(path: string): string;
  /** Seconds since some moment. */
  seconds(): number;
  /** Lets the event loop turn, and rejects with `{ code: "cancelled" }` where the work was called off. */
  turn(): Promise<void>;
  /** Told what a request has to say while it works: a piece of text, or a count of rows. */
  progress(id: number, value: string | number): void;
}

export interface EngineWriter {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  /** Closes without keeping anything. Called where `finish` was not. */
  abandon(): void;
}

/** The Wasm module's class. Requests must not overlap, except that `step` of one run may follow any other. */
export interface Engine {
  /** Answers a request, both as JSON text. Rejects with an `EngineError`. */
  call(id: number, request: string): Promise<string>;
  free(): void;
}
