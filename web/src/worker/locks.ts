// What is being worked on, in whichever tab: a lock each, which the browser releases when the tab or
// the worker ends, however that comes. Without a secure context there are none; then nothing is
// shared between tabs either.

import { FlantuneError } from "../api/error.js";
import type { OpfsMount } from "./storage/opfs.js";
import type { Storage } from "./storage/storage.js";

const PREFIX = "flantune-run-";
/** A worker that crashed has just been ended: its locks are released soon. */
const PATIENCE = 3000;

/** Holds the lock of a run. Returns what releases it. */
export async function holdLock(run: string): Promise<() => void> {
  if (!navigator.locks) return () => {};
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE);
    const held = navigator.locks.request(PREFIX + run, { signal }, () => {
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(() => {
      reject(new FlantuneError("busy", "Another tab is working on this run", "Go on with it there, or close that tab"));
    });
  });
}

/** The ids of runs that any tab is working on. */
export async function lockedRuns(): Promise<Set<string>> {
  const names = (await navigator.locks?.query())?.held?.flatMap(({ name }) => name ?? []) ?? [];
  return new Set(names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length)));
}

/** Does the work, unless another tab does. */
export async function exclusively(what: string, otherwise: string, work: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return work();
  await navigator.locks.request(`flantune-${what}`, { ifAvailable: true }, async (held) => {
    if (held) return work();
    throw new FlantuneError("busy", otherwise, "Wait until that is done, then try again");
  });
}

/** Removes what tabs that were closed in the middle of something left behind, where no other tab is open. */
export async function tidyUp(storage: Storage, opfs: OpfsMount): Promise<void> {
  if (!navigator.locks) return;
  await navigator.locks.request("flantune-open", { ifAvailable: true }, async (alone) => {
    if (!alone) return;
    await storage.remove("merged");
    await opfs.removeUnfinished();
  });
  // Held until the worker ends.
  void navigator.locks.request("flantune-open", { mode: "shared" }, () => new Promise<void>(() => {}));
}
