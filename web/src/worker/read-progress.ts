// How much of a model's weights is read: the core asks for them tensor by tensor.

import type { Progress } from "../types.js";
import { throttled } from "./throttle.js";

/** What is to hear of reads. `weights` are the files that count, with their lengths; the rest is small. */
export function readProgress(
  weights: Map<string, number>,
  onProgress: (progress: Progress) => void,
): (path: string, bytes: number) => void {
  const { tell, flush } = throttled(onProgress);
  const total = [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
  let loaded = 0;
  return (path, bytes) => {
    const file = path.slice(path.lastIndexOf("/") + 1);
    if (!weights.has(file) || loaded === total) return;
    // A few small tensors are read twice: by them adapters know their base.
    loaded = Math.min(loaded + bytes, total);
    tell({ stage: "read", file, loaded, total });
    if (loaded < total) return;
    flush();
    onProgress({ stage: "load", loaded: 0 });
  };
}
