// Which adapters belong to which base.

import type { AdapterInfo } from "../types.js";
import type { Model } from "./trainer.js";

/** What two hashes of bases say of each other: one base, one in two precisions, or two. */
export type Bases = { same: true } | { same: true; was: string; is: string } | { same: false };

const OTHER: Bases = { same: false };

/**
 * Compares the hash that an adapter records with that of a base, as the core does before it takes the
 * adapter (`same_base` and `other_precision` in crate/core/src/model/files.rs). Both are held to
 * web/test/worker/bases.json.
 */
export function compareBases(recorded: string, base: string): Bases {
  if (recorded === base) return { same: true };
  const [then, now] = [recorded.split("-"), base.split("-")];
  if (then.length === 5 && now.length === 5) {
    const [was = "", is = ""] = [then[3], now[3]];
    if (was === is) return then[0] === now[0] ? { same: true } : OTHER;
    return then[1] === now[1] || then[2] === now[2] ? { same: true, was, is } : OTHER;
  }
  // What the first versions recorded, which tells as much as it can.
  if (then.length === 2 && now.length >= 4) return then[0] === now.at(-1) ? { same: true } : OTHER;
  if (now.length === 2 && then.length >= 4) return now[0] === then.at(-1) ? { same: true } : OTHER;
  return OTHER;
}

/** Whether an adapter may stand beside a base, as far as both are known. */
export function fits(adapter: AdapterInfo, model: Model | undefined): boolean {
  return basesOf(adapter, model).same;
}

/** The precisions of an adapter's base and of the loaded one, where they are the same base in two. */
export function otherPrecision(
  adapter: AdapterInfo,
  model: Model | undefined,
): { was: string; is: string } | undefined {
  const bases = basesOf(adapter, model);
  return "was" in bases ? bases : undefined;
}

function basesOf({ base }: AdapterInfo, model: Model | undefined): Bases {
  return base === undefined || model === undefined ? { same: true } : compareBases(base, model.hash);
}
