// A trainer that only pretends: the same answers every time and as fast as wanted, so that every
// state of the element can be tested and photographed without a model.

import type { Model, Start, Trainer } from "../src/element/trainer.js";
import type { Key } from "../src/engine.js";
import type {
  AdapterInfo,
  Architecture,
  DeviceInfo,
  LoadModelOptions,
  Method,
  ModelRecipe,
  ModelSource,
  RunInfo,
  StoredModel,
} from "../src/types.js";
import { demoRows, FakeData, readRows } from "./fake-data.js";
import { answer, evaluate } from "./fake-model.js";
import { planOf } from "./fake-plan.js";
import { FakeRun } from "./fake-run.js";

export interface FakeOptions {
  /** Milliseconds between steps; 0 lets the event loop turn once. */
  pace?: number;
  /** A run waits at this step until `release` is called. */
  holdAt?: number;
  /** The method whose run waits; any where none is named. */
  holdMethod?: "lora" | "prompt";
  /** A download waits when this part of it is done. */
  holdDownload?: number;
  /** A run ends with an error at this step. */
  failAt?: number;
  /** The trainer does not start. */
  failStart?: boolean;
  adapters?: AdapterInfo[];
  runs?: RunInfo[];
  stored?: StoredModel[];
  device?: DeviceInfo;
}

export interface Fake {
  start: Start;
  /** Lets a run that waits go on. */
  release(): void;
  /** How many trainers are open. */
  open(): number;
  options: FakeOptions;
}

/** A moment in the past, always the same. */
export const MOMENT = Date.UTC(2026, 9, 14, 9, 30);

export class FakeError extends Error {
  override readonly name = "FlantuneError";
  constructor(
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

export const SMALL: Architecture = {
  name: "flan-t5-small",
  parameters: 76_961_152,
  d_model: 512,
  d_kv: 64,
  d_ff: 1024,
  num_heads: 6,
  num_layers: 8,
  num_decoder_layers: 8,
  vocab_size: 32_128,
  gated: true,
};

export const BUILTIN: Architecture = {
  name: "builtin",
  parameters: 7_114_000,
  d_model: 256,
  d_kv: 32,
  d_ff: 512,
  num_heads: 8,
  num_layers: 4,
  num_decoder_layers: 2,
  vocab_size: 8_000,
  gated: true,
};

const PROCESSOR: DeviceInfo = {
  kind: "cpu",
  name: "the processor",
  reason: {
    code: "no_webgpu",
    message: "This browser offers no WebGPU.",
    hint: "Chrome, Edge or Safari 26 can use the graphics card, which is several times faster.",
  },
  limits: {},
};

export function fake(options: FakeOptions = {}): Fake {
  const gates = new Set<() => void>();
  let open = 0;
  return {
    options,
    open: () => open,
    release() {
      delete options.holdAt;
      delete options.holdDownload;
      for (const gate of gates) gate();
      gates.clear();
    },
    async start() {
      if (options.failStart === true) {
        throw new FakeError(
          "wasm",
          "The page's WebAssembly module could not be read",
          "Reload the page; if that does not help, update the browser.",
        );
      }
      open += 1;
      return trainer(
        options,
        () => new Promise((resolve) => gates.add(resolve)),
        () => (open -= 1),
      );
    },
  };
}

function trainer(options: FakeOptions, gate: () => Promise<void>, onClose: () => void): Trainer {
  let adapters = [...(options.adapters ?? [])];
  let runs = [...(options.runs ?? [])];
  let stored = [...(options.stored ?? [])];
  const find = (id: string) => {
    const adapter = adapters.find((known) => known.id === id);
    if (adapter === undefined) throw new FakeError("not_found", `There is no adapter ${id}`);
    return adapter;
  };
  const keep = (adapter: AdapterInfo) => {
    adapters = [...adapters, adapter];
    return adapter;
  };
  return {
    device: options.device ?? PROCESSOR,
    warnings: [],
    keys: async () => KEYS,
    demos: async () => [
      {
        name: "reviews",
        about: "a title in the shop's own form for a review",
        data: {},
        lora: { method: "lora", rank: 8, learningRate: 5e-3, epochs: 3 },
        prompt: { method: "prompt", numVirtualTokens: 20, learningRate: 0.5, epochs: 4 },
      },
    ],
    plan: async ({ name: _, ...settings }, model, data) =>
      planOf(settings, model?.architecture, data && (data as FakeData).counted()),
    toml: async ({ name: _, ...settings }) =>
      Object.entries(settings)
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
        .join("\n"),
    close: async () => onClose(),
    onChange: () => () => undefined,
    loadModel: (source, load) => loadModel(options, gate, source, load ?? {}, stored),
    async loadData(source, data = {}) {
      if (typeof source === "string")
        return new FakeData(source, demoRows(source), { count: 0, first: [] }, data);
      if (Array.isArray(source))
        return new FakeData(data.name ?? "rows", source, { count: 0, first: [] }, data);
      const name = source instanceof File ? source.name : "rows";
      const { rows, errors } = readRows(name, await source.text());
      return new FakeData(name, rows, errors, data);
    },
    train(model, data, settings = {}) {
      return new FakeRun(
        options,
        gate,
        model,
        data as FakeData,
        settings,
        `adapter-${adapters.length + 1}`,
        keep,
      );
    },
    adapters: {
      list: async ({ model } = {}) =>
        adapters.map((adapter) =>
          model === undefined || adapter.base === undefined
            ? adapter
            : { ...adapter, fit: { fits: adapter.base === model.hash } },
        ),
      async rename(id, name) {
        const renamed = { ...find(id), name };
        adapters = adapters.map((adapter) => (adapter.id === id ? renamed : adapter));
        return renamed;
      },
      check: async () => [],
      export: async (id) => new Blob([find(id).name], { type: "application/zip" }),
      async import(file) {
        const name = file instanceof File ? file.name.replace(/\.zip$/, "") : "imported";
        if (!(await file.text()).startsWith("PK")) {
          throw new FakeError(
            "adapter",
            `${name} is not a zip`,
            "Choose a zip with adapter_config.json and adapter_model.safetensors.",
          );
        }
        return keep(adapterOf(`adapter-${adapters.length + 1}`, name, "lora", 24_576));
      },
      merge: async (_, id) => new Blob([find(id).name], { type: "application/zip" }),
      async delete(id) {
        adapters = adapters.filter((adapter) => adapter.id !== id);
      },
    },
    runs: {
      list: async () => [...runs],
      async resume(id) {
        const info = runs.find((run) => run.id === id);
        if (info === undefined) throw new FakeError("not_found", `There is no run ${id}`);
        const model = await loadModel(options, gate, { builtin: true }, {}, stored);
        const data = new FakeData("reviews", demoRows("reviews"), { count: 0, first: [] }, {});
        runs = runs.filter((run) => run.id !== id);
        return new FakeRun(
          options,
          gate,
          model,
          data,
          { ...info.options, name: info.name },
          `adapter-${adapters.length + 1}`,
          keep,
          info.step,
        );
      },
      async delete(id) {
        runs = runs.filter((run) => run.id !== id);
      },
    },
    models: {
      async plan(source) {
        const name = nameOf(source);
        if (name.startsWith("nobody/")) {
          throw new FakeError(
            "not_found",
            `${name} is not on the hub`,
            "Check the spelling of OWNER/NAME; private models cannot be read.",
          );
        }
        return {
          repository: name,
          commit: "0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab",
          files: ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors"].map(
            (file) => ({ name: file, stored: false }),
          ),
          bytes: 310_500_000,
          architecture: SMALL,
          memory: { total: 612_000_000, weights: 308_000_000, activations: 304_000_000 },
        };
      },
      list: async () => [...stored],
      async delete(key) {
        stored = stored.filter((model) => model.key !== key);
      },
    },
  };
}

export function adapterOf(id: string, name: string, method: Method, parameters: number): AdapterInfo {
  const model: ModelRecipe = { kind: "builtin", name: "builtin" };
  return {
    id,
    name,
    method,
    parameters,
    bytes: parameters * 4 + 1_200,
    created: MOMENT,
    model,
    metrics: {},
    config: {},
  };
}

function nameOf(source: ModelSource): string {
  if ("hub" in source) return source.hub;
  if ("url" in source) return source.url;
  return "builtin" in source ? "builtin" : "files";
}

async function loadModel(
  options: FakeOptions,
  gate: () => Promise<void>,
  source: ModelSource,
  { onProgress, signal }: LoadModelOptions,
  stored: StoredModel[],
): Promise<Model> {
  const builtin = "builtin" in source;
  if ("files" in source) {
    const names = [...source.files].map((file) => file.name);
    for (const needed of ["config.json", "tokenizer.json"]) {
      if (!names.includes(needed))
        throw new FakeError("files", `${needed} is missing`, "Choose the whole folder of the model.");
    }
  }
  const total = builtin ? 7_300_000 : 310_500_000;
  const parts = builtin ? 2 : 20;
  for (let part = 1; part <= parts; part += 1) {
    signal?.throwIfAborted();
    onProgress?.({
      stage: builtin ? "read" : "download",
      file: "model.safetensors",
      loaded: (total / parts) * part,
      total,
    });
    if (!builtin && options.holdDownload !== undefined && part / parts >= options.holdDownload) {
      await Promise.race([
        gate(),
        new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      ]);
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  onProgress?.({ stage: "load", loaded: 0 });
  const architecture = builtin ? BUILTIN : SMALL;
  const name = nameOf(source);
  if ("hub" in source) {
    const key = `${name}@0fc9ddf`;
    if (!stored.some((model) => model.key === key))
      stored.push({
        key,
        name,
        commit: "0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab",
        bytes: total,
        complete: true,
      });
  }
  return {
    name,
    architecture,
    hash: name,
    close: async () => undefined,
    bytes: architecture.parameters * (builtin ? 1 : 4),
    recipe: builtin
      ? { kind: "builtin", name }
      : { kind: "hub", name, revision: "0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab", dtype: "f32" },
    generate: async (prompts, { adapter } = {}) =>
      prompts.map((prompt) => answer(prompt, typeof adapter === "string" ? adapter : adapter?.id)),
    evaluate: (data, asked = {}) => evaluate(data as FakeData, asked),
  };
}

/** Keys that have a place of their own, and of the others one of each kind. */
const KEYS: Key[] = [
  ...[
    "method",
    "rank",
    "targetModules",
    "numVirtualTokens",
    "learningRate",
    "epochs",
    "maxSteps",
    "batchSize",
    "seed",
  ].map(
    (name): Key =>
      key({
        section: "train",
        name,
        kind: { type: "integer" },
        place: "own",
        range: name === "rank" ? { from: 1, to: 4096 } : {},
      }),
  ),
  key({
    section: "method",
    name: "alpha",
    kind: { type: "number" },
    default: "2 * rank",
    summary: "LoRA: the strength of the update, which is multiplied by alpha / rank",
    details: "",
  }),
  key({
    section: "method",
    name: "variant",
    kind: { type: "choice", choices: ["plain", "rslora", "dora"] },
    default: "plain",
    summary: "LoRA: plain, rank-stabilised (rslora), or magnitude and direction apart (dora)",
    details: "",
  }),
  key({
    section: "train",
    name: "schedule",
    kind: { type: "choice", choices: ["linear", "constant", "cosine", "inverse_sqrt"] },
    default: "linear",
    summary: "How the learning rate changes after the warm-up",
    details: "",
  }),
  key({
    section: "train",
    name: "warmupSteps",
    kind: { type: "integer" },
    default: "0",
    summary: "Steps in which the learning rate rises from 0",
    details: "",
  }),
  key({
    section: "train",
    name: "shuffle",
    kind: { type: "flag" },
    default: "true",
    summary: "Draws the rows in a new order each epoch",
    details: "Without it they come in the file's order, and `group_by_length` has no effect.",
  }),
  key({
    section: "eval",
    name: "metrics",
    kind: { type: "list" },
    default: "loss",
    summary: "What to measure",
    details: "Text is generated for all but the loss, which takes longer.",
  }),
  key({
    section: "eval",
    name: "numBeams",
    kind: { type: "integer" },
    default: "1",
    summary: "How many beams to search with; 1 is greedy",
    details: "",
  }),
];

function key(given: Pick<Key, "section" | "name" | "kind"> & Partial<Key>): Key {
  return {
    default: "",
    words: false,
    summary: "",
    details: "",
    place: "listed",
    methods: [],
    optimizers: [],
    range: {},
    ...given,
  };
}
