// Compresses files with brotli as well as it can, for hosts that would compress them less well or not.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

/** Brotli's quality. */
export const BEST = constants.BROTLI_MAX_QUALITY;
/** Weights are a fifteenth smaller after a moment; twenty seconds more would spare nothing. */
const QUICK = new Map([[".safetensors", 5]]);
const KINDS = new Set([".css", ".html", ".js", ".json", ".jsonl", ".safetensors", ".svg", ".txt", ".wasm"]);
/** A file of one packet stays one. */
const LEAST = 1400;
/** What is spared must be worth a second file. */
const WORTH = 0.95;

/** A file's bytes as a host sends them; nothing where they are sent as they are. */
export function compressed(name, bytes, quality = BEST) {
  const kind = extname(name);
  if (!KINDS.has(kind) || bytes.length < LEAST) return undefined;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: Math.min(quality, QUICK.get(kind) ?? quality),
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const packed = brotliCompressSync(bytes, { params });
  return packed.length < bytes.length * WORTH ? packed : undefined;
}

/** Puts beside each file of a folder what may be sent in its place, as NAME.br. It takes a minute. */
export function compressAll(folder, quality) {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!KINDS.has(extname(name))) continue;
    const path = join(folder, name);
    const packed = compressed(name, readFileSync(path), quality);
    if (packed) writeFileSync(`${path}.br`, packed);
  }
}
