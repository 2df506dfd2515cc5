// Settings that go together. Prompt tuning needs more passes and a far higher rate: its few numbers
// must move as far as word embeddings are apart (Lester et al. 2021 train at 0.3).

import type { Method, TrainSettings } from "../types.js";
import { PRESETS, type Preset } from "./state.js";

export const PRESET_SETTINGS: Record<Method, Record<Preset, TrainSettings>> = {
  lora: {
    quick: { rank: 4, targetModules: ["q", "v"], epochs: 1, learningRate: 3e-3, batchSize: 8 },
    balanced: { rank: 8, targetModules: ["q", "v"], epochs: 4, learningRate: 2e-3, batchSize: 8 },
    thorough: { rank: 16, targetModules: ["q", "k", "v", "o"], epochs: 8, learningRate: 1e-3, batchSize: 8 },
  },
  ia3: {
    quick: { targetModules: ["k", "v", "wo"], epochs: 2, learningRate: 1e-2, batchSize: 8 },
    balanced: { targetModules: ["k", "v", "wo"], epochs: 6, learningRate: 8e-3, batchSize: 8 },
    thorough: { targetModules: ["q", "k", "v", "o", "wo"], epochs: 12, learningRate: 5e-3, batchSize: 8 },
  },
  prompt: {
    quick: { numVirtualTokens: 10, epochs: 3, learningRate: 0.3, batchSize: 8 },
    balanced: { numVirtualTokens: 20, epochs: 10, learningRate: 0.3, batchSize: 8 },
    thorough: { numVirtualTokens: 50, epochs: 20, learningRate: 0.3, batchSize: 8 },
  },
};

/** The preset that settings are, but for the seed. */
export function presetOf({
  method,
  seed: _,
  ...settings
}: TrainSettings & { method: Method }): Preset | "own" {
  const said = (options: TrainSettings) => JSON.stringify(Object.entries(options).sort());
  return PRESETS.find((preset) => said(PRESET_SETTINGS[method][preset]) === said(settings)) ?? "own";
}

/** The methods, in the order of the form. */
export const METHODS = Object.keys(PRESET_SETTINGS) as Method[];
