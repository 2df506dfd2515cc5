// Adapters and models as zips. Files are stored as they are (weights do not shrink), with fixed
// dates, so that the same files give the same bytes each time.

import { type Unzipped, unzipSync, Zip, ZipPassThrough } from "fflate";

import { FlantuneError } from "../api/error.js";

/** Local time, which is what a zip holds. The first that it can hold. */
const DATE = new Date(1980, 0, 1);
/** Pieces that are kept as bytes before they become a Blob, which the browser may put on disk. */
const GATHERED = 16 << 20;
const PIECE = 4 << 20;
/** No adapter that is brought in is larger, packed or unpacked. */
const LARGEST = 512 << 20;
const MOST_ENTRIES = 1000;

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
      entry.push(new Uint8Array(await file.slice(offset, offset + PIECE).arrayBuffer()));
    }
    entry.push(new Uint8Array(), true);
  }
  archive.end();
  if (failed) throw failed;
  flush();
  return new Blob(done, { type: "application/zip" });
}

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
const CARD = "README.md";

/** The files of an adapter in a zip, which may lie in a folder of it. What else is there is left out. */
export async function unzipAdapter(file: Blob): Promise<Map<string, Uint8Array>> {
  if (file.size > LARGEST) throw refused(`it has ${file.size} bytes, more than the ${LARGEST} that an adapter may have`);
  const names: string[] = [];
  const entries = unpack(new Uint8Array(await file.arrayBuffer()), names);
  const configs = names.filter((name) => base(name) === CONFIG);
  const [config] = configs;
  if (config === undefined) throw refused(missing(names, CONFIG));
  if (configs.length > 1) throw refused(`it holds several adapters: ${configs.slice(0, 5).join(", ")}`);
  const folder = config.slice(0, -CONFIG.length);
  const files = new Map<string, Uint8Array>();
  for (const name of [CONFIG, WEIGHTS, CARD]) {
    const bytes = entries[folder + name];
    if (bytes) files.set(name, bytes);
  }
  if (!files.has(WEIGHTS)) throw refused(missing(names, WEIGHTS));
  return files;
}

function unpack(bytes: Uint8Array, names: string[]): Unzipped {
  let total = 0;
  const filter = ({ name, originalSize }: { name: string; originalSize: number }) => {
    names.push(name);
    if (names.length > MOST_ENTRIES) throw refused(`it has more than ${MOST_ENTRIES} files`);
    if (name.startsWith("/") || name.includes("\\") || name.split("/").includes("..")) {
      throw refused(`it has a file outside of it: ${name.slice(0, 100)}`);
    }
    if (![CONFIG, WEIGHTS, CARD].includes(base(name))) return false;
    total += originalSize;
    if (total > LARGEST) throw refused(`unpacked it has more than ${LARGEST} bytes`);
    return true;
  };
  try {
    // Not the asynchronous form, which starts workers that a page's security policy may forbid.
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof FlantuneError) throw error;
    throw refused(`it cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function base(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function missing(names: string[], wanted: string): string {
  if (names.some((name) => /\.(bin|pt|pth|ckpt)$/.test(name)) && wanted === WEIGHTS) {
    return `it has pickled weights, which can run code when they are loaded, and no ${WEIGHTS}`;
  }
  const found = names.length === 0 ? "nothing" : names.slice(0, 5).join(", ");
  return `it has no ${wanted}; found ${found}`;
}

function refused(why: string): FlantuneError {
  const hint = `A zip of an adapter that PEFT saved has ${CONFIG} and ${WEIGHTS}`;
  return new FlantuneError("adapter", `This is no adapter that can be read: ${why}`, hint);
}
