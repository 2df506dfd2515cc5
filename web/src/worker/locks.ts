// Which runs are being worked on, in whichever tab: a lock each, which the browser releases when the
// tab or the worker ends, however that comes.

import { FlantuneError } from "../api/error.js";

const PREFIX = "flantune-run-";
/** A worker that crashed has just been ended: its locks are released soon. */
const PATIENCE = 3000;

/** Holds the lock of a run. Returns what releases it. */
export async function holdLock(run: string): Promise<() => void> {
  // Without a secure context there are none; then nothing is shared between tabs either.
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
