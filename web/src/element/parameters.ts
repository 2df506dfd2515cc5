// How many numbers an adapter trains, from a model's own shape.

import type { Architecture, LinearMap, Method, TargetModule, TrainSettings } from "../types.js";

/** Matrices of one shape: `count` times `[outputs, inputs]`. */
export interface Matrices {
  module: string;
  count: number;
  outputs: number;
  inputs: number;
}

/** The matrices that something stands beside. Every decoder layer has two attentions, an encoder layer has one. */
export function adapted(shape: Architecture, modules: TargetModule[]): Matrices[] {
  const inner = shape.num_heads * shape.d_kv;
  const attentions = shape.num_layers + 2 * shape.num_decoder_layers;
  const layers = shape.num_layers + shape.num_decoder_layers;
  const found: Matrices[] = [];
  for (const module of modules) {
    if (["q", "k", "v"].includes(module)) found.push({ module, count: attentions, outputs: inner, inputs: shape.d_model });
    else if (module === "o") found.push({ module, count: attentions, outputs: shape.d_model, inputs: inner });
    else if (feedForward(shape).includes(module)) {
      const down = module === "wo";
      found.push({ module, count: layers, outputs: down ? shape.d_model : shape.d_ff, inputs: down ? shape.d_ff : shape.d_model });
    }
  }
  return found;
}

/** The layers that this model has. */
export function targetModules(shape: Architecture | undefined): TargetModule[] {
  return ["q", "k", "v", "o", ...(shape === undefined ? (["wi_0", "wi_1", "wo"] as const) : feedForward(shape))];
}

function feedForward(shape: Architecture): TargetModule[] {
  return shape.gated ? ["wi_0", "wi_1", "wo"] : ["wi", "wo"];
}

/** The layers that something stands beside where none are chosen. */
export function defaultModules(method: Method): LinearMap[] {
  return method === "ia3" ? ["k", "v", "wo"] : ["q", "v"];
}

/** How many numbers are trained beside one matrix: with DoRA a length for each output, too. */
export function beside({ module, outputs, inputs }: Matrices, { method = "lora", rank = 8, variant }: TrainSettings): number {
  if (method === "ia3") return module === "wo" ? inputs : outputs;
  return rank * (outputs + inputs) + (variant === "dora" ? outputs : 0);
}

export function trainedNumbers(shape: Architecture, settings: TrainSettings): number {
  if (settings.method === "prompt") return (settings.numVirtualTokens ?? 20) * shape.d_model;
  return adapted(shape, settings.targetModules ?? defaultModules(settings.method ?? "lora"))
    .map((matrices) => matrices.count * beside(matrices, settings))
    .reduce((sum, value) => sum + value, 0);
}
