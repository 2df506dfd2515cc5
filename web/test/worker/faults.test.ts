// Everything that a tab asks of the storage goes wrong once, in every story: the tab is closed there, or
// there is no more room, or what is read is refused; or another tab is opened in the middle of it.

import { availableParallelism } from "node:os";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";

import type { Plan } from "./faults.js";
import { STORIES } from "./stories.js";

const FAULTS = ["closed", "full", "unreadable", "visited"] as const;

/** Every call takes minutes: unless all are asked for, each fault strikes at every fourth one, each at others. */
const STEP = process.env["FLANTUNE_SLOW"] ? 1 : FAULTS.length;
if (STEP > 1) console.log("skipped, because all of them take minutes: three calls of four (FLANTUNE_SLOW=1)");

/** How many calls a story has; rejects with what was lost. */
function walk(name: string, fault: Plan["fault"]): Promise<number> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./walk.mjs", import.meta.url), {
      workerData: { name, fault, first: FAULTS.indexOf(fault) % STEP, step: STEP },
    });
    worker.on("message", resolve);
    worker.on("error", reject);
    worker.on("exit", () => reject(new Error("the walk ended without a word")));
  });
}

for (const fault of FAULTS) {
  describe(`${fault} at calls`, { concurrency: availableParallelism() }, () => {
    for (const name of Object.keys(STORIES)) {
      test(name, async (context) => context.diagnostic(`${await walk(name, fault)} calls`));
    }
  });
}
