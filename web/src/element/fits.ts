// Which adapters belong to which base.

import type { AdapterInfo } from "../types.js";
import type { Model } from "./trainer.js";

/** Whether an adapter may stand beside a base, as far as both are known. */
export function fits({ base }: AdapterInfo, model: Model | undefined): boolean {
  return base === undefined || model === undefined || base === model.hash;
}
