// What the page remembers of a run or an adapter, in its own directory. Whoever makes one writes the
// record last, and whoever removes it takes the record first: a directory without one is what a closed
// tab left.

import { FlantuneError } from "../error.js";
import type { Storage } from "./storage/storage.js";

export const RECORD = "page.json";

interface Recorded {
  info: { id: string };
}

/** The record in a directory; nothing where there is none, and only there. */
export async function readRecord<Kind extends Recorded>(
  storage: Storage,
  directory: string,
): Promise<Kind | undefined> {
  const path = `${directory}/${RECORD}`;
  const record = await storage.json<Kind | null>(path);
  if (record === undefined || typeof record?.info?.id === "string") return record;
  throw new FlantuneError("format", `${path}: it is no record of this page`);
}

/** Puts the record into a directory, whole, in place of the one that was there. */
export async function writeRecord<Kind extends Recorded>(
  storage: Storage,
  directory: string,
  record: Kind,
): Promise<void> {
  await storage.writeJson(`${directory}/${RECORD}`, record);
}

/** Removes a directory that has a record. */
export async function removeRecorded(storage: Storage, directory: string): Promise<void> {
  await storage.remove(`${directory}/${RECORD}`);
  await storage.remove(directory);
}
