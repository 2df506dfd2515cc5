// What the fake says that a run would be. The real one asks the core.

import type { Rows } from "../src/engine.js";
import type {
  Architecture,
  LinearMap,
  Method,
  Plan,
  Setting,
  TargetModule,
  TrainSettings,
} from "../src/types.js";

/** Matrices of one shape: `count` times `[outputs, inputs]`. */
interface Matrices {
  module: string;
  count: number;
  outputs: number;
  inputs: number;
}

/** The matrices that something stands beside. Every decoder layer has two attentions, an encoder layer has one. */
function adapted(shape: Architecture, modules: TargetModule[]): Matrices[] {
  const inner = shape.num_heads * shape.d_kv;
  const attentions = shape.num_layers + 2 * shape.num_decoder_layers;
  const layers = shape.num_layers + shape.num_decoder_layers;
  const found: Matrices[] = [];
  for (const module of modules) {
    if (["q", "k", "v"].includes(module))
      found.push({ module, count: attentions, outputs: inner, inputs: shape.d_model });
    else if (module === "o") found.push({ module, count: attentions, outputs: shape.d_model, inputs: inner });
    else if (feedForward(shape).includes(module)) {
      const down = module === "wo";
      found.push({
        module,
        count: layers,
        outputs: down ? shape.d_model : shape.d_ff,
        inputs: down ? shape.d_ff : shape.d_model,
      });
    }
  }
  return found;
}

/** The layers that this model has. */
function targetModules(shape: Architecture | undefined): TargetModule[] {
  return [
    "q",
    "k",
    "v",
    "o",
    ...(shape === undefined ? (["wi_0", "wi_1", "wo"] as const) : feedForward(shape)),
  ];
}

function feedForward(shape: Architecture): TargetModule[] {
  return shape.gated ? ["wi_0", "wi_1", "wo"] : ["wi", "wo"];
}

/** The layers that something stands beside where none are chosen. */
function defaultModules(method: Method): LinearMap[] {
  return method === "ia3" ? ["k", "v", "wo"] : ["q", "v"];
}

/** The trainable parameters beside one matrix: with DoRA a length for each output, too. */
function beside(
  { module, outputs, inputs }: Matrices,
  { method = "lora", rank = 8, variant }: TrainSettings,
): number {
  if (method === "ia3") return module === "wo" ? inputs : outputs;
  return rank * (outputs + inputs) + (variant === "dora" ? outputs : 0);
}

export function trainedNumbers(shape: Architecture, settings: TrainSettings): number {
  if (settings.method === "prompt") return (settings.numVirtualTokens ?? 20) * shape.d_model;
  return adapted(shape, settings.targetModules ?? defaultModules(settings.method ?? "lora"))
    .map((matrices) => matrices.count * beside(matrices, settings))
    .reduce((sum, value) => sum + value, 0);
}

export function planOf(
  settings: TrainSettings,
  shape: Architecture | undefined,
  rows: Rows | undefined,
): Plan {
  const {
    method = "lora",
    rank = 8,
    numVirtualTokens = 20,
    epochs = 3,
    batchSize = 8,
    accumulate = 1,
    maxSteps,
    seed = 0,
  } = settings;
  const learningRate = settings.learningRate ?? 1e-3;
  const modules = settings.targetModules ?? defaultModules(method);
  const train: Record<string, Setting> = { epochs, batchSize, accumulate, learningRate, seed };
  const plan: Plan = {
    title: method,
    description: method,
    config: { method: { method, rank, numVirtualTokens, targetModules: modules }, train, eval: {} },
    toml: Object.entries(settings)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
      .join("\n"),
    modules: targetModules(shape),
  };
  if (shape !== undefined) {
    const trainable = trainedNumbers(shape, settings);
    const matrices = method === "prompt" ? [] : adapted(shape, modules);
    plan.parameters = {
      trainable,
      base: shape.parameters,
      share: trainable / shape.parameters,
      matrices: matrices.map((found) => ({ ...found, trainable: beside(found, settings) })),
      ...(method === "prompt" && { prompt: { tokens: numVirtualTokens, width: shape.d_model } }),
    };
  }
  if (rows !== undefined) {
    const held = rows.validation ?? Math.round(rows.train * 0.1);
    const examples = rows.validation === undefined ? rows.train - held : rows.train;
    const steps = maxSteps ?? Math.ceil(Math.ceil(examples / batchSize) / accumulate) * epochs;
    plan.length = { steps, examples_per_step: batchSize * accumulate, examples, validation_examples: held };
  }
  return plan;
}
