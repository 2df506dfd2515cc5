// How many numbers an adapter trains, from a model's own shape.

import type { Architecture, TargetModule, TrainSettings } from "../types.js";

/** Matrices of one shape: `count` times `[outputs, inputs]`. */
export interface Matrices {
  module: string;
  count: number;
  outputs: number;
  inputs: number;
}

/** The matrices that LoRA stands beside. Every decoder layer has two attentions, an encoder layer has one. */
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

export function trainedNumbers(shape: Architecture, options: TrainSettings): number {
  if (options.method === "prompt") return (options.numVirtualTokens ?? 20) * shape.d_model;
  const rank = options.rank ?? 8;
  return adapted(shape, options.targetModules ?? ["q", "v"])
    .map(({ count, outputs, inputs }) => count * rank * (outputs + inputs))
    .reduce((sum, value) => sum + value, 0);
}
