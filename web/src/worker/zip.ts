// Adapters and models as zips. Files are stored as they are (weights do not shrink), with fixed
// dates, so that the same files give the same bytes each time.

import { Zip, ZipPassThrough } from "fflate";

import { unreadable } from "./storage/storage.js";

/** Local time, which is what a zip holds. The first that it can hold. */
const DATE = new Date(1980, 0, 1);
/** Pieces that are kept as bytes before they become a Blob, which the browser may put on disk. */
const GATHERED = 16 << 20;
const PIECE = 4 << 20;

/** One zip of files, in the order given. */
export async function zip(files: { name: string; file: Blob }[]): Promise<Blob> {
  const done: Blob[] = [];
  let gathered: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let failed: Error | undefined;
  const flush = () => {
    done.push(new Blob(gathered));
    gathered = [];
    size = 0;
  };
  const archive = new Zip((error, bytes) => {
    if (error) failed = error;
    else gathered.push(bytes.slice());
    size += bytes?.length ?? 0;
    if (size >= GATHERED) flush();
  });
  for (const { name, file } of files) {
    const entry = new ZipPassThrough(name);
    entry.mtime = DATE;
    archive.add(entry);
    for (let offset = 0; offset < file.size; offset += PIECE) {
      entry.push(await read(name, file.slice(offset, offset + PIECE)));
    }
    entry.push(new Uint8Array(), true);
  }
  archive.end();
  if (failed) throw failed;
  flush();
  return new Blob(done, { type: "application/zip" });
}

async function read(name: string, piece: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await piece.arrayBuffer());
  } catch (error) {
    throw unreadable(name, error);
  }
}
