// What the element knows. Actions change it, views show it; nothing else holds state.

import type { Key } from "../engine.js";
import type {
  AdapterInfo,
  DataOptions,
  DeviceChoice,
  DeviceInfo,
  DownloadPlan,
  Dtype,
  EvaluatedRow,
  Fit,
  Lengths,
  Method,
  Metrics,
  Plan,
  Preview,
  Progress,
  RunEvent,
  RunInfo,
  Setting,
  StoredModel,
  TrainSettings,
  Warning,
} from "../types.js";
import type { DataSet, Model } from "./trainer.js";

export const STEPS = ["model", "data", "method", "train", "compare", "adapters"] as const;
export type StepName = (typeof STEPS)[number];

export const DEMOS = ["reviews", "dialogues", "casual"] as const;
export type Demo = (typeof DEMOS)[number];

export const PRESETS = ["quick", "balanced", "thorough"] as const;
export type Preset = (typeof PRESETS)[number];

/** What went wrong, as it is said beside the control that caused it. */
export interface Problem {
  code: string;
  message: string;
  hint?: string;
  /** Of one of Flantune's own files: why it is unavailable, and its address. */
  reason?: string;
  url?: string;
  /** What was said in English, where `message` is another language's. */
  detail?: string;
}

export interface ModelState {
  choice: "builtin" | "files" | "web" | "stored";
  /** A hub's OWNER/NAME or an address, as it was typed. */
  address: string;
  revision: string;
  dtype: Dtype;
  files: File[];
  phase: "none" | "planning" | "planned" | "loading" | "paused" | "ready";
  plan?: DownloadPlan;
  progress?: Progress;
  loaded?: Model;
  stored: StoredModel[];
  problem?: Problem;
}

export interface DataState {
  choice: Demo | "file";
  file?: File;
  phase: "none" | "reading" | "ready";
  options: DataOptions;
  set?: DataSet;
  previews: Preview[];
  lengths?: Lengths;
  /** With the choice of a set. */
  problem?: Problem;
  /** With its template or limits. */
  templateProblem?: Problem;
}

export type StartEvent = Extract<RunEvent, { event: "start" }>;
export type StepEvent = Extract<RunEvent, { event: "step" }>;
export type EvalEvent = Extract<RunEvent, { event: "eval" }>;

/** A curve, as the chart takes it. */
export interface Curve {
  steps: number[];
  loss: number[];
}

/** A fixed row, with what was written for it as training went on. */
export interface SampleHistory {
  source: string;
  reference: string;
  /** What the base writes. */
  before?: string;
  outputs: { step: number; text: string }[];
}

export interface RunView {
  id?: string;
  name: string;
  method: Method;
  modelName: string;
  dataName: string;
  phase: "starting" | "running" | "paused" | "stopping" | "stopped" | "done" | "failed";
  start?: StartEvent;
  last?: StepEvent;
  training: Curve;
  evaluation: Curve;
  samples: SampleHistory[];
  warnings: Warning[];
  adapter?: AdapterInfo;
  problem?: Problem;
  /** Of "Try it", which shows its rows itself. */
  attempt: boolean;
}

export interface TryRow {
  source: string;
  reference: string;
  base?: string;
  lora?: string;
  prompt?: string;
}

/** What "Try it" trains, one after the other. */
export type Tried = "lora" | "prompt";

export interface TryState {
  phase: "idle" | "preparing" | Tried | "done" | "stopped";
  curves: Record<Tried, Curve>;
  rows: TryRow[];
  problem?: Problem;
}

/** Scores and outputs of the base (`base`) or an adapter (its id) on held-out rows. */
export interface Scored {
  metrics: Metrics;
  rows: EvaluatedRow[];
}

export interface CompareState {
  prompts: string[];
  /** Adapters that are compared with the base. */
  chosen: Set<string>;
  /** By prompt's place, then by `base` or adapter's id. */
  outputs: Map<string, string>[];
  /** The prompts that `outputs` belong to. */
  asked: string[];
  scores: Map<string, Scored>;
  /** Data set that the scores are of. */
  scored?: string;
  /** Adapters that were trained on other rows, or with others held out: they may have seen some of these. */
  doubtful: Set<string>;
  phase: "idle" | "generating" | "scoring";
  /** Rows done and in all, while scoring. */
  done: number;
  total: number;
  onlyChanged: boolean;
  problem?: Problem;
}

export interface LibraryState {
  list: AdapterInfo[];
  /** The model that they were listed beside. */
  beside?: Model;
  /** What there is to know of those that were put beside a model. */
  warnings: Map<string, Warning[]>;
  /** What is being done with which adapter. */
  busy?: { id: string; work: "export" | "merge" | "delete" | "import" };
  /** Whose deletion awaits a second click. */
  doomed?: string;
  problem?: Problem & { id?: string };
}

/** The settings by their keys, as forms and addresses name them. */
export function byKey(settings: TrainSettings): Record<string, Setting | undefined> {
  return settings as Record<string, Setting | undefined>;
}

export interface State {
  device: { choice: DeviceChoice; info?: DeviceInfo; warnings: Problem[]; problem?: Problem };
  open: Record<StepName, boolean>;
  model: ModelState;
  data: DataState;
  settings: TrainSettings & { method: Method };
  preset: Preset | "own";
  keys: Key[];
  /** What a run with these settings, this model and these rows would be; of those before, until it is known. */
  plan?: Plan;
  /** Why there can be no such run. */
  planProblem?: Problem;
  settingsProblem?: Problem;
  /** Keys whose field holds what cannot be used. */
  invalid: Set<string>;
  /** "Train" was pressed, and the model or the rows are still being read. */
  starting: boolean;
  run?: RunView;
  runProblem?: Problem;
  interrupted: RunInfo[];
  attempt: TryState;
  compare: CompareState;
  library: LibraryState;
}

export function initialState(): State {
  return {
    device: { choice: "auto", warnings: [] },
    open: { model: true, data: false, method: false, train: false, compare: false, adapters: false },
    model: {
      choice: "builtin",
      address: "",
      revision: "",
      dtype: "f32",
      files: [],
      phase: "none",
      stored: [],
    },
    data: { choice: "reviews", phase: "none", options: {}, previews: [] },
    settings: { method: "lora" },
    preset: "balanced",
    keys: [],
    invalid: new Set(),
    starting: false,
    interrupted: [],
    attempt: emptyTry(),
    compare: {
      prompts: [""],
      chosen: new Set(),
      outputs: [],
      asked: [],
      scores: new Map(),
      doubtful: new Set(),
      phase: "idle",
      done: 0,
      total: 0,
      onlyChanged: false,
    },
    library: { list: [], warnings: new Map() },
  };
}

export function emptyCurve(): Curve {
  return { steps: [], loss: [] };
}

export function emptyTry(): TryState {
  return { phase: "idle", curves: { lora: emptyCurve(), prompt: emptyCurve() }, rows: [] };
}

/** Whether a run works or waits. */
export function isActive(run: RunView | undefined): boolean {
  return run !== undefined && ["starting", "running", "paused", "stopping"].includes(run.phase);
}

/** Whether "Try it" is at work, also between its two runs. */
export function isTrying({ phase }: TryState): boolean {
  return phase === "preparing" || phase === "lora" || phase === "prompt";
}

/** Whether something trains, or is about to: nothing else may begin then. */
export function isBusy({ run, attempt, starting }: State): boolean {
  return starting || isActive(run) || isTrying(attempt);
}

/** Whether a model or rows may be in use. */
export function isInUse(state: State): boolean {
  return isBusy(state) || state.compare.phase !== "idle" || state.library.busy !== undefined;
}

/** Whether an adapter may stand beside the loaded base, and what there is to know of that; nothing where it is not known. */
export function fitOf({ library, model }: State, adapter: AdapterInfo): Fit | undefined {
  return library.beside === model.loaded ? adapter.fit : undefined;
}

/** Whether an adapter may stand beside the loaded base, as far as that is known. */
export function fits(state: State, adapter: AdapterInfo): boolean {
  return fitOf(state, adapter)?.fits ?? true;
}
