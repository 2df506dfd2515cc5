#!/usr/bin/env node
// Times builds of the page's module against each other in Chromium, in turn, on the processor: training
// steps, texts and losses on made-up weights (`flantune bench` in a page).
//
// node scripts/bench/modules.mjs FOLDER[,KEY=VALUE...]... [--case lora] [--dtype f32] [--shape small]
//     [--batch-size 8] [--source 128] [--target 32] [--steps 5] [--rounds 2]
//
// A folder holds what wasm-bindgen wrote (flantune_wasm.js and flantune_wasm_bg.wasm); settings behind
// it, such as `products=int16`, are that build's alone, and `dtype` may be one of them.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { inPage, launch, machine, serve } from "./browser.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    case: { type: "string", default: "lora" },
    dtype: { type: "string", default: "f32" },
    shape: { type: "string", default: "small" },
    "batch-size": { type: "string", default: "8" },
    source: { type: "string", default: "128" },
    target: { type: "string", default: "32" },
    steps: { type: "string", default: "5" },
    rounds: { type: "string", default: "2" },
  },
});
const builds = positionals.map((text, place) => {
  const [folder, ...settings] = text.split(",");
  const { dtype = options.dtype, ...rest } = Object.fromEntries(settings.map((setting) => setting.split("=")));
  return { text, folder: resolve(folder), path: `/${place}/`, dtype, settings: rest, cases: [] };
});
if (builds.length === 0) throw new Error("name at least one folder with a module");

const server = await serve({
  "/": fileURLToPath(new URL(".", import.meta.url)),
  ...Object.fromEntries(builds.map(({ path, folder }) => [path, folder])),
});
const browser = await launch();
try {
  for (let round = 0; round < Number(options.rounds); round++)
    for (const build of builds) build.cases.push(await timed(build));
} finally {
  await browser.close();
  server.close();
}

console.log(`${machine(browser)}, ${options.shape}, ${options["batch-size"]} × (${options.source} + ${options.target})`);
for (const [place, name] of options.case.split(",").entries()) {
  const first = best(builds[0], place);
  for (const build of builds) {
    const all = build.cases.map((cases) => cases[place].seconds.toFixed(3)).join(", ");
    const peak = Math.max(...build.cases.map((cases) => cases[place].peak_bytes)) / 2 ** 20;
    const ratio = (best(build, place) / first).toFixed(2);
    console.log(`${name.padEnd(9)} ${build.dtype.padEnd(5)} ${all} s, ${ratio} of the first, ${peak.toFixed(0)} MiB  ${build.text}`);
  }
}

function best(build, place) {
  return Math.min(...build.cases.map((cases) => cases[place].seconds));
}

/** The cases of a build. */
function timed({ path, dtype, settings }) {
  const number = (name) => Number(options[name]);
  const request = {
    cases: options.case.split(","),
    dtypes: [dtype],
    shape: options.shape,
    source: number("source"),
    target: number("target"),
    steps: number("steps"),
    options: { batchSize: number("batch-size"), ...settings },
  };
  return inPage(browser, new URL("README.md", server.url).href, run, { path, request });
}

/** In the page. */
async function run({ path, request }) {
  const { bench } = await import("/engine.js");
  return bench(path, "cpu", request);
}
