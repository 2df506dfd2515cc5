// The files that a model consists of.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { cancelled, FlantuneError } from "../error.js";
import type { ChosenFile } from "../protocol.js";
import { plainName } from "./storage/files.js";
import type { Storage } from "./storage/storage.js";

/** What a model is called whose files were chosen without a folder. */
const UNNAMED = "files";

/** The model among the files that were chosen: where a folder was, those beside its config.json. */
export function modelFiles(chosen: ChosenFile[]): { files: Map<string, Blob>; name: string } {
  const split = chosen.map(({ path, file }) => {
    const end = path.lastIndexOf("/") + 1;
    return { folder: path.slice(0, end), name: path.slice(end), file };
  });
  const config = split
    .filter(({ name }) => name === "config.json")
    .sort((one, other) => one.folder.length - other.folder.length)[0];
  if (!config) {
    const names =
      split
        .slice(0, 5)
        .map(({ name }) => name)
        .join(", ") || "no files";
    const message = `A model's files begin with its config.json; found ${names}`;
    const hint = "Choose config.json, model.safetensors and tokenizer.json together, or their folder";
    throw new FlantuneError("not_found", message, hint);
  }
  const beside = split.filter(({ folder }) => folder === config.folder);
  const files = new Map(beside.map(({ name, file }) => [plainName(name), file]));
  return { files, name: config.folder.split("/").at(-2) ?? UNNAMED };
}

/** The SHA-256 of a file, which may be larger than memory. */
export async function hash(storage: Storage, path: string, signal?: AbortSignal): Promise<string> {
  const PIECE = 4 << 20;
  const length = await storage.length(path);
  const hasher = sha256.create();
  for (let offset = 0; offset < length; offset += PIECE) {
    if (signal?.aborted) throw cancelled();
    hasher.update(await storage.read(path, offset, Math.min(offset + PIECE, length)));
  }
  return bytesToHex(hasher.digest());
}
