// Which directories are being worked on, in whichever tab: a lock each, which the browser releases when
// the tab or the worker ends, however that comes. Without a secure context there are none, and in frames
// of another site a browser may refuse them; then nothing is shared between tabs either.

import { FlantuneError } from "../error.js";

const PREFIX = "flantune-";
const RUNS = "runs/";
/** A worker that crashed has just been ended: its locks are released soon. */
const PATIENCE = 3000;

let usable: Promise<LockManager | undefined> | undefined;

/** The locks, where they may be used. */
function lockManager(): Promise<LockManager | undefined> {
  const { locks } = navigator;
  usable ??=
    locks === undefined
      ? Promise.resolve(undefined)
      : locks.query().then(
          () => locks,
          () => undefined,
        );
  return usable;
}

/** Holds the lock of a directory, and returns what releases it. */
async function holdLock(directory: string, busy: FlantuneError): Promise<() => void> {
  const locks = await lockManager();
  if (!locks) return () => {};
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE);
    const held = locks.request(PREFIX + directory, { signal }, () => {
      return new Promise<void>((release) => resolve(release));
    });
    held.catch(() => reject(busy));
  });
}

/** Does the work with the lock of a directory. Rejects with `busy` where another tab holds it. */
export async function exclusively<Result>(
  directory: string,
  work: () => Promise<Result>,
  busy = new FlantuneError(
    "busy",
    "Another tab is working on this",
    "Wait until that is done, then try again",
  ),
): Promise<Result> {
  const release = await holdLock(directory, busy);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Does the work with the lock of a directory where nobody holds it; else nothing. */
export async function whereFree(directory: string, work: () => Promise<void>): Promise<void> {
  const locks = await lockManager();
  await locks?.request(PREFIX + directory, { ifAvailable: true }, (held) => (held ? work() : undefined));
}

/** The ids of runs that any tab is working on. */
export async function lockedRuns(): Promise<Set<string>> {
  const locks = await lockManager();
  const names = (await locks?.query())?.held?.flatMap(({ name }) => name ?? []) ?? [];
  const prefix = PREFIX + RUNS;
  return new Set(names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)));
}

/** Resolves when nobody works on a run any more. */
export async function whenReleased(run: string): Promise<void> {
  const locks = await lockManager();
  // Shared, so that many may wait; it is given back at once.
  await locks?.request(PREFIX + RUNS + run, { mode: "shared" }, () => {});
}
