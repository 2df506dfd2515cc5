// Which keys of the configuration belong to what is asked. The keys are the core's own.

import type { Key } from "../engine.js";
import { unknownOption } from "./check.js";
import type { Client } from "./client.js";

interface Belonging {
  /** Whole sections of the configuration, but for some of their keys. */
  sections: string[];
  without: string[];
  /** Keys of other sections. */
  with: string[];
}

/** What only judges while training. */
const WHILE_TRAINING = ["evalEvery", "evalRows", "evalSamples", "bestMetric", "patience"];

const BELONGING = {
  // Where a run computes is said when Flantune is started, what with when the model is loaded.
  train: { sections: ["model", "method", "train", "eval"], without: ["model", "dtype", "device"], with: [] },
  // The page brings files, and always passes over bad rows.
  rows: { sections: ["data"], without: ["train", "validation", "templateFile", "skipBadRows"], with: [] },
  evaluate: { sections: ["eval"], without: WHILE_TRAINING, with: ["seed", "batchSize"] },
  generate: { sections: ["eval"], without: [...WHILE_TRAINING, "metrics", "stemmer"], with: ["batchSize"] },
} satisfies Record<string, Belonging>;

/**
 * Refuses options that do not belong to a call: what they may be besides is for the core to say. `own`
 * are those that are no keys of the configuration.
 *
 * Errors: `setting`.
 */
export async function checkKeys(
  client: Client,
  call: keyof typeof BELONGING,
  where: string,
  options: object,
  own: string[] = [],
): Promise<void> {
  const names = namesOf(call, await client.keys());
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw unknownOption(where, name, [...own, ...names]);
}

function namesOf(call: keyof typeof BELONGING, keys: Key[]): string[] {
  const { sections, without, with: others }: Belonging = BELONGING[call];
  const belongs = ({ section, name }: Key) =>
    (sections.includes(section) && !without.includes(name)) || others.includes(name);
  return keys.filter(belongs).map(({ name }) => name);
}
