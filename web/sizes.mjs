// What the page's first load weighs over the wire, and whether that is within its budget.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";

import { compressed } from "./compress.mjs";

const MB = 1_000_000;
/** Bytes over the wire, from a host that sends what compress.mjs makes. */
const BUDGETS = { module: 2.9 * MB, firstLoad: 12 * MB };
/** What "Try it" loads: the element, the worker, the module, the built-in model, one demo set. */
const FIRST_LOAD =
  /^(define\.js|page\.js|chunk-[^.]*\.js|worker\.js|flantune_wasm.*|assets\/(index\.json|builtin\/.*|data\/reviews\/.*))$/;

/** Prints the sizes, and throws where one is over its budget, the module's in MB. It takes a minute where nothing is compressed yet. */
export function reportSizes(dist, budget) {
  let firstLoad = 0;
  let module = 0;
  for (const name of readdirSync(dist, { recursive: true }).sort()) {
    if (!FIRST_LOAD.test(name) || extname(name) === "" || name.endsWith(".br")) continue;
    const path = join(dist, name);
    const raw = statSync(path).size;
    const sent = existsSync(`${path}.br`)
      ? statSync(`${path}.br`).size
      : (compressed(name, readFileSync(path))?.length ?? raw);
    firstLoad += sent;
    if (name.endsWith(".wasm")) module = sent;
    console.log(`${megabytes(raw)} raw, ${megabytes(sent)} sent: ${name}`);
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

function megabytes(bytes) {
  return `${(bytes / MB).toFixed(bytes < 0.1 * MB ? 3 : 2)} MB`;
}
