// What the page and the worker tell each other: types only. Requests, replies and handlers are all
// derived from `Calls`, so that neither side can forget one.

import type { ModelInfo, Options, Requests } from "./engine.js";
import type { PlainError } from "./error.js";
import type {
  AdapterInfo,
  DataOptions,
  DeviceChoice,
  DeviceInfo,
  DownloadPlan,
  Dtype,
  Evaluation,
  Lengths,
  ModelRecipe,
  Plan,
  Preview,
  Progress,
  RunEvent,
  RunInfo,
  StoredModel,
  TrainSettings,
  Warning,
} from "./types.js";

/** Where a model comes from, as it crosses. */
export type WorkerSource = { builtin: true } | { files: ChosenFile[] } | RemoteSource;

export type RemoteSource = { url: string } | { hub: string; revision?: string };

/** A file with its path in the folder that was chosen, which a File forgets when it crosses. */
export interface ChosenFile {
  path: string;
  file: File;
}

/** Rows, as they cross. */
export type WorkerRows = { file: Blob; name: string } | { demo: "reviews" | "dialogues" | "casual" };

export interface StartParams {
  /** The page's version. */
  version: string;
  device: DeviceChoice;
  hubEndpoint: string;
  /** The folder of the assets; beside the worker where none is named. */
  assetsUrl?: string;
  wasmUrl?: string;
}

export interface LoadedModel extends ModelInfo {
  name: string;
  recipe: ModelRecipe;
}

export interface LoadedData {
  name: string;
  /** The template that a demo set brings. */
  template?: string;
  rows: number;
  fields: string[];
  /** The first rows, as they stand in the file. */
  records: Record<string, unknown>[];
  /** Rows that were left out because they cannot be read, and what is wrong with the first of them. */
  skipped: { count: number; first: string[] };
}

/** How a run ended. */
export type RunEnd = { state: "done"; adapter: AdapterInfo } | { state: "stopped"; adapter?: AdapterInfo };

/** A run's keys of the configuration, and what its adapter will be called. */
export type RunOptions = TrainSettings & { name?: string };

/** What a run is begun with; `resume` has what is stored of one. */
export interface RunParams {
  run: string;
  model: string;
  start: { data: string; reading: DataOptions; options: RunOptions } | "resume";
  /** Has batches computed in parts of at most so many rows. */
  rowsAtOnce?: number;
  /** Whether the events before the checkpoint are told again. */
  replay: boolean;
}

/** What a run tells while it works. */
export type RunNotice = { event: RunEvent } | { info: RunInfo };

/** Calls that the worker passes on to the core as they are. */
type PassedOn = {
  [Name in "keys" | "demos" | "score" | "bench"]: {
    params: Requests[Name]["params"];
    result: Requests[Name]["answer"];
    progress: never;
  };
};

/** Each call by its name: what it takes, what it answers, what it tells while it works. */
export interface Calls extends PassedOn {
  start: { params: StartParams; result: { device: DeviceInfo; warnings: PlainError[] }; progress: never };
  plan: {
    params: { options: Options; model?: string; data?: string; reading?: DataOptions };
    result: Plan;
    progress: never;
  };

  planModel: { params: { source: WorkerSource; options: Options }; result: DownloadPlan; progress: never };
  loadModel: {
    params: { model: string; source: WorkerSource; dtype: Dtype };
    result: LoadedModel;
    progress: Progress;
  };
  dropModel: { params: { model: string }; result: null; progress: never };
  listModels: { params: {}; result: StoredModel[]; progress: never };
  removeModel: { params: { key: string }; result: null; progress: never };

  loadData: { params: { data: string; rows: WorkerRows }; result: LoadedData; progress: never };
  dropData: { params: { data: string }; result: null; progress: never };
  preview: {
    params: { data: string; reading: DataOptions; first: number; count: number; model?: string };
    result: Preview[];
    progress: never;
  };
  lengths: {
    params: { data: string; reading: DataOptions; model: string };
    result: Lengths;
    progress: never;
  };

  generate: {
    params: { model: string; adapter?: string; prompts: string[]; options: Options };
    result: Requests["generate"]["answer"];
    progress: string;
  };
  evaluate: {
    params: {
      model: string;
      adapter?: string;
      data: string;
      reading: DataOptions;
      options: Options;
      split: "all" | "validation";
      /** At most so many of them. */
      rows?: number;
    };
    result: Evaluation;
    progress: number;
  };
  merge: { params: { model: string; adapter: string }; result: Blob; progress: never };

  run: { params: RunParams; result: RunEnd; progress: RunNotice };
  pauseRun: { params: { run: string }; result: null; progress: never };
  continueRun: { params: { run: string }; result: null; progress: never };
  stopRun: { params: { run: string }; result: null; progress: never };
  /** A run that ended by an error on the page's side keeps its checkpoint and is said to have failed. */
  failRun: { params: { run: string; error: PlainError }; result: null; progress: never };
  listRuns: { params: {}; result: RunInfo[]; progress: never };
  describeRun: { params: { run: string }; result: RunInfo; progress: never };
  removeRun: { params: { run: string }; result: null; progress: never };

  /** Beside a model each says whether it belongs to it. */
  listAdapters: { params: { model?: string }; result: AdapterInfo[]; progress: never };
  renameAdapter: { params: { adapter: string; name: string }; result: AdapterInfo; progress: never };
  removeAdapter: { params: { adapter: string }; result: null; progress: never };
  /** What there is to know of an adapter beside a model. */
  checkAdapter: { params: { model: string; adapter: string }; result: Warning[]; progress: never };
  exportAdapter: { params: { adapter: string }; result: Blob; progress: never };
  importAdapter: {
    params: { adapter: string; file: Blob; name: string };
    result: AdapterInfo;
    progress: never;
  };
}

export type CallName = keyof Calls;
export type Params<Name extends CallName> = Calls[Name]["params"];
export type Result<Name extends CallName> = Calls[Name]["result"];
export type Told<Name extends CallName> = Calls[Name]["progress"];

/** The lists of what is kept. */
export type Changed = "adapters" | "runs" | "models";

/** A call of one name, with what goes with it. */
export interface Call<Name extends CallName> {
  kind: "call";
  id: number;
  name: Name;
  params: Params<Name>;
}

/** Page to worker. */
export type PageMessage = { [Name in CallName]: Call<Name> }[CallName] | { kind: "abort"; id: number };

/** Worker to page. */
export type WorkerMessage =
  | { kind: "result"; id: number; result: Result<CallName> }
  | { kind: "error"; id: number; error: PlainError }
  | { kind: "progress"; id: number; progress: Told<CallName> }
  /** What is kept in this browser has changed, by this page or another. */
  | { kind: "changed"; what: Changed }
  /** The engine cannot go on: the worker is to be ended, and another started. */
  | { kind: "crash"; error: PlainError };
