// Walks over all calls of one story, in a thread of its own: node:test watches every promise of its
// thread, which takes as long as the walk.

import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";

import type { Plan } from "./faults.js";
import {
  expectSound,
  look,
  nothingTold,
  STORIES,
  type Story,
  saysWhatIsWrong,
  type Told,
} from "./stories.js";
import { Origin, type Tab } from "./tab.js";

/** An origin in which what comes before a story has happened. */
async function prepared({ before }: Story): Promise<{ origin: Origin; told: Told }> {
  const [origin, told] = [new Origin(), nothingTold()];
  const tab = await origin.open();
  await before?.(tab, told);
  tab.close();
  return { origin, told };
}

/** Opens a tab and does something in it; returns what it was rejected with. */
async function doIn(tab: Tab, work: Promise<unknown>): Promise<unknown> {
  try {
    await tab.orClosed(work);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Another tab, which finds what the first has done so far, and leaves it alone. */
async function visit(origin: Origin): Promise<void> {
  const tab = await origin.open();
  await look(tab);
  tab.close();
}

/** Has a fault strike at every `step`th call of a story from the `first`, until it has none left. Returns about how many it has. */
async function walk(name: string, fault: Plan["fault"], first: number, step: number): Promise<number> {
  const story = STORIES[name];
  assert(story);
  const start = await prepared(story);
  for (let at = first; ; at += step) {
    const [origin, told] = [start.origin.copy(), structuredClone(start.told)];
    const plan = { fault, at, visit: () => visit(origin) };
    try {
      const tab = await origin.open(story.opening ? plan : undefined);
      if (!story.opening) tab.faults.begin(plan);
      const error = tab.faults.closed ? undefined : await doIn(tab, story.act(tab, told));
      const { struck } = tab.faults;
      tab.faults.plan = undefined;
      if (error !== undefined)
        assert(
          struck && fault !== "visited" && saysWhatIsWrong(error),
          `it is rejected with ${String(error)}`,
        );
      // A tab that was not closed goes on, and has lost nothing either.
      if (!tab.faults.closed) await look(tab);
      tab.close();
      await expectSound(origin, told);
      if (!struck) return at;
    } catch (error) {
      throw new Error(`${fault} after call ${at}`, { cause: error });
    }
  }
}

const { name, fault, first, step } = workerData as {
  name: string;
  fault: Plan["fault"];
  first: number;
  step: number;
};
parentPort?.postMessage(await walk(name, fault, first, step));
