#!/usr/bin/env node
// npx flantune copy-assets FOLDER
//
// Copies what Flantune loads at run time to a folder that a page serves: the worker, the Wasm module and
// `assets/` (the built-in model, the demo sets). Needed where a bundler does not (esbuild, Rollup, Parcel)
// and for pages without a bundler that do not serve the whole package. Then `workerUrl` names
// FOLDER/worker.js; the rest is found beside it.

import { cpSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(dirname(fileURLToPath(import.meta.url)), "dist");
const FILES = [
  "worker.js",
  "flantune_wasm_bg.wasm",
  "assets",
  "LICENSE",
  "LICENSE-MIT",
  "LICENSE-APACHE",
  "THIRD-PARTY.txt",
];
const USAGE = "usage: npx flantune copy-assets FOLDER";

const [command, folder, ...rest] = process.argv.slice(2);
if (command === "--help" || command === "-h") {
  console.log(USAGE);
} else if (command !== "copy-assets" || folder === undefined || folder.startsWith("-") || rest.length > 0) {
  fail(USAGE, 2);
} else {
  copy(resolve(folder));
}

function copy(to) {
  const missing = FILES.filter((name) => !existsSync(join(dist, name)));
  if (missing.length > 0) fail(`${dist} has no ${missing.join(", ")}: this package is not whole`, 1);
  try {
    mkdirSync(to, { recursive: true });
    for (const name of FILES) cpSync(join(dist, name), join(to, name), { recursive: true });
  } catch (error) {
    fail(`${to} cannot be written: ${error.message}`, 1);
  }
  console.log(`copied to ${relative(process.cwd(), to) || "."}: ${FILES.slice(0, 3).join(", ")}`);
}

function fail(message, code) {
  console.error(`flantune: ${message}`);
  process.exit(code);
}
