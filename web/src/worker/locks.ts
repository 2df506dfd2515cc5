// What is being worked on, in whichever tab: a lock each, which the browser releases when the tab or
// the worker ends, however that comes. Without a secure context there are none, and in frames of
// another site a browser may refuse them; then nothing is shared between tabs either.

import { FlantuneError } from "../api/error.js";
import type { OpfsMount } from "./storage/opfs.js";
import type { Storage } from "./storage/storage.js";

const PREFIX = "flantune-run-";
/** A worker that crashed has just been ended: its locks are released soon. */
const PATIENCE = 3000;

let usable: Promise<LockManager | undefined> | undefined;

/** The locks, where they may be used. */
function lockManager(): Promise<LockManager | undefined> {
  const { locks } = navigator;
  usable ??= locks === undefined ? Promise.resolve(undefined) : locks.query().then(() => locks, () => undefined);
  return usable;
}

/** Holds the lock of a run. Returns what releases it. */
export async function holdLock(run: string): Promise<() => void> {
  const locks = await lockManager();
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE);
    const held = locks.request(PREFIX + run, { signal }, () => {
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(() => {
      reject(new FlantuneError("busy", "Another tab is working on this run", "Go on with it there, or close that tab"));
    });
  });
}

/** The ids of runs that any tab is working on. */
export async function lockedRuns(): Promise<Set<string>> {
  const locks = await lockManager();
  const names = (await locks?.query())?.held?.flatMap(({ name }) => name ?? []) ?? [];
  return new Set(names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length)));
}

/** Does the work, unless another tab does. */
export async function exclusively(what: string, otherwise: string, work: () => Promise<void>): Promise<void> {
  const locks = await lockManager();
  if (!locks) return work();
  await locks.request(`flantune-${what}`, { ifAvailable: true }, async (held) => {
    if (held) return work();
    throw new FlantuneError("busy", otherwise, "Wait until that is done, then try again");
  });
}

/** Removes what tabs that were closed in the middle of something left behind, where no other tab is open. */
export async function tidyUp(storage: Storage, opfs: OpfsMount): Promise<void> {
  const locks = await lockManager();
  if (!locks) return;
  await locks.request("flantune-open", { ifAvailable: true }, async (alone) => {
    if (!alone) return;
    await storage.remove("merged");
    await opfs.removeUnfinished();
  });
  // Held until the worker ends.
  void locks.request("flantune-open", { mode: "shared" }, () => new Promise<void>(() => {}));
}
