// A model's files, from a hub or a folder on the web into the storage.

import type { Base } from "../engine.js";
import { FlantuneError } from "../error.js";
import type { Progress } from "../types.js";
import { download, lengthOf, mismatch } from "./download.js";
import type { Remote, RemoteFile } from "./hub.js";
import type { Storage } from "./storage/storage.js";

/** What is known of a stored model: written first, and again, as complete, when all is there. */
export const RECORD = "download.json";

export interface StoredRecord {
  name: string;
  commit?: string;
  url?: string;
  base?: Base;
  complete: boolean;
}

export interface Work {
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** Fetches what is missing of a model. It is marked as complete last. */
export async function fetchModel(
  storage: Storage,
  remote: Remote,
  directory: string,
  { signal, onProgress }: Work,
): Promise<void> {
  const { name, url, base } = remote;
  const commit = base?.revision;
  const record = {
    name,
    ...(url !== undefined && { url }),
    ...(base && { base }),
    ...(commit !== undefined && { commit }),
  };
  await storage.writeJson(`${directory}/${RECORD}`, { ...record, complete: false });
  const files = [...remote.files];
  const there = new Map<string, number>();
  for (let place = 0; place < files.length; place += 1) {
    const file = files[place];
    if (!file) break;
    const sizes = files.map(({ bytes }) => bytes);
    await fetchFile(storage, file, directory, signal, (loaded, total) => {
      there.set(file.name, loaded);
      if (total !== undefined) sizes[place] = total;
      const known = sizes.every((bytes) => bytes !== undefined);
      onProgress({
        stage: "download",
        file: file.name,
        loaded: [...there.values()].reduce((sum, bytes) => sum + bytes, 0),
        ...(known && { total: sizes.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0) }),
      });
    });
    file.bytes = await lengthOf(storage, `${directory}/${file.name}`);
    there.set(file.name, file.bytes);
    // The index of shards is the last of the files until they are known.
    if (place === files.length - 1 && remote.shards && files.length === remote.files.length) {
      files.push(...(await remote.shards(directory)));
    }
  }
  await storage.writeJson(`${directory}/${RECORD}`, { ...record, complete: true });
}

async function fetchFile(
  storage: Storage,
  file: RemoteFile,
  directory: string,
  signal: AbortSignal,
  onProgress: (loaded: number, total: number | undefined) => void,
): Promise<void> {
  const path = `${directory}/${file.name}`;
  const { address, bytes, sha256 } = file;
  if (await storage.exists(path)) {
    // Of an earlier time; what became of it since then nobody knows.
    if ((await mismatch(storage, path, { ...file, signal })) === undefined) return;
    await storage.remove(path);
  }
  try {
    const known = { ...(bytes !== undefined && { bytes }), ...(sha256 !== undefined && { sha256 }) };
    await download(storage, { address, path, ...known, signal, onProgress });
  } catch (error) {
    if (file.optional && FlantuneError.from(error).code === "not_found") return;
    throw error;
  }
}
