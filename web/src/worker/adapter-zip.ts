// An adapter in a zip: PEFT's files of one folder.

import { FlantuneError } from "../error.js";
import { CARD, CONFIG, WEIGHTS } from "./peft.js";
import { type Entry, entriesOf, shown, unpack } from "./unzip.js";

/** No adapter that is brought in is larger, packed or unpacked. */
const LARGEST = 512 << 20;
const MOST_ENTRIES = 1000;

export interface PackedFile {
  name: string;
  /** Its bytes, piece by piece; rejects with `adapter` where they are not what the zip says. */
  pieces(): AsyncIterable<Uint8Array>;
}

/** The files of an adapter in a zip, which may lie in a folder of it. What else is there is left out. */
export async function adapterFiles(file: Blob): Promise<PackedFile[]> {
  if (file.size > LARGEST)
    throw refused(`it has ${file.size} bytes, more than the ${LARGEST} that an adapter may have`);
  const entries = await entriesOf(file, MOST_ENTRIES).catch((error: unknown) => {
    throw inWords(error);
  });
  const wanted = filesOfAdapter(entries);
  const size = wanted.reduce((sum, entry) => sum + entry.size, 0);
  if (size > LARGEST)
    throw refused(`unpacked it has ${size} bytes, more than the ${LARGEST} that an adapter may have`);
  return wanted.map((entry) => ({ name: base(entry.name), pieces: () => pieces(file, entry) }));
}

async function* pieces(file: Blob, entry: Entry): AsyncGenerator<Uint8Array> {
  try {
    yield* unpack(file, entry);
  } catch (error) {
    throw inWords(error);
  }
}

/** Those of the one folder that has an adapter. */
function filesOfAdapter(entries: Entry[]): Entry[] {
  const names = entries.map(({ name }) => name);
  const outside = names.find(
    (name) => name.startsWith("/") || name.includes("\\") || name.split("/").includes(".."),
  );
  if (outside !== undefined) throw refused(`it has a file outside of it: ${shown(outside)}`);
  const configs = names.filter((name) => base(name) === CONFIG);
  const [config] = configs;
  if (config === undefined) throw refused(missing(names, CONFIG));
  if (configs.length > 1) throw refused(`it holds several adapters: ${list(configs)}`);
  const folder = config.slice(0, -CONFIG.length);
  return [CONFIG, WEIGHTS, CARD].flatMap((name) => {
    const found = entries.filter((entry) => entry.name === folder + name);
    if (found.length > 1) throw refused(`it has ${found.length} files of the name ${shown(folder + name)}`);
    if (found.length === 0 && name === WEIGHTS) throw refused(missing(names, WEIGHTS));
    return found;
  });
}

function base(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function missing(names: string[], wanted: string): string {
  if (names.some((name) => /\.(bin|pt|pth|ckpt)$/.test(name)) && wanted === WEIGHTS) {
    return `it has pickled weights, which can run code when they are loaded, and no ${WEIGHTS}`;
  }
  const inner = names.find((name) => /\.zip$/i.test(name));
  if (inner !== undefined) return `it has no ${wanted}, but another zip: unpack it, and take ${shown(inner)}`;
  return `it has no ${wanted}; found ${names.length === 0 ? "nothing" : list(names)}`;
}

function list(names: string[]): string {
  return names.slice(0, 5).map(shown).join(", ");
}

/** What the zip's reader refuses, as what it means for an adapter. */
function inWords(error: unknown): FlantuneError {
  const found = FlantuneError.from(error);
  return found.code === "format" ? refused(found.message) : found;
}

function refused(why: string): FlantuneError {
  const hint = `A zip of an adapter that PEFT saved has ${CONFIG} and ${WEIGHTS}`;
  return new FlantuneError("adapter", `This is no adapter that can be read: ${why}`, hint);
}
