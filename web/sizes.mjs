// What the page's first load weighs over the wire, and whether that is within its budget.

import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const MB = 1_000_000;
/** Bytes over the wire, from a host that compresses with brotli at its best. */
const BUDGETS = { module: 2.9 * MB, firstLoad: 12 * MB };
/** What "Try it" loads: the element, the worker, the module, the built-in model, one demo set. */
const FIRST_LOAD = /^(define\.js|page\.js|chunk-[^.]*\.js|worker\.js|flantune_wasm.*|snippets\/.*\.js|assets\/(index\.json|builtin\/.*|data\/reviews\/.*))$/;

/** What hosts compress. Weights are sent as they are: they hardly shrink. */
const COMPRESSED = new Set([".js", ".json", ".jsonl", ".txt", ".wasm"]);

/** Prints the sizes, and throws where one is over its budget, the module's in MB. It takes a minute. */
export function reportSizes(dist, budget) {
  let firstLoad = 0;
  let module = 0;
  for (const name of readdirSync(dist, { recursive: true }).sort()) {
    if (!FIRST_LOAD.test(name) || extname(name) === "") continue;
    const bytes = readFileSync(join(dist, name));
    const packed = COMPRESSED.has(extname(name)) ? compressed(bytes) : bytes.length;
    firstLoad += packed;
    if (name.endsWith(".wasm")) module = packed;
    console.log(`${megabytes(bytes.length)} raw, ${megabytes(packed)} sent: ${name}`);
  }
  if (module === 0) throw new Error(`${dist} has no Wasm module`);
  check("the Wasm module", module, budget === undefined ? BUDGETS.module : Number(budget) * MB);
  check("the first load", firstLoad, BUDGETS.firstLoad);
}

function check(what, bytes, budget) {
  const line = `${what}: ${megabytes(bytes)}, budget ${megabytes(budget)}`;
  if (bytes > budget) throw new Error(`over budget: ${line}`);
  console.log(line);
}

function compressed(bytes) {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params }).length;
}

function megabytes(bytes) {
  return `${(bytes / MB).toFixed(bytes < 0.1 * MB ? 3 : 2)} MB`;
}
