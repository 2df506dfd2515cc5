#!/usr/bin/env node
// Times one small block in training beside jax-js and TensorFlow.js, in one Chromium and in turn: the
// block of block/sizes.js, its four LoRA gradients, one of them read back. On WebGPU the adapter is
// SwiftShader's, unless ADAPTER names another (see Chromium's --use-webgpu-adapter).
//
// npm install --prefix PEERS @jax-js/jax@0.1.25 @tensorflow/tfjs@4.22.0 \
//     @tensorflow/tfjs-backend-wasm@4.22.0 @tensorflow/tfjs-backend-webgpu@4.22.0
// node scripts/bench/block.mjs MODULE PEERS [--device cpu,webgpu] [--rounds 3] [--steps 20]
//
// MODULE is a folder that wasm-bindgen wrote (flantune_wasm.js), PEERS the one of npm's above.

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { inPage, launch, machine, root, serve } from "./browser.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { build } = createRequire(join(root, "web/"))("esbuild");
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: "string", default: "cpu" },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "20" },
  },
});
const [module, peers] = positionals.map((path) => resolve(path));
if (!peers) throw new Error("name the folder of the module and that of the peers");

const [rounds, steps] = [Number(options.rounds), Number(options.steps)];
const folder = mkdtempSync(join(tmpdir(), "flantune-block-"));
writeFileSync(join(folder, "index.html"), "<!doctype html><title>block</title>");
copyFileSync(join(here, "engine.js"), join(folder, "engine.js"));
await build({
  entryPoints: [join(here, "block/jax.js"), join(here, "block/tensorflow.js")],
  bundle: true,
  format: "esm",
  outdir: folder,
  nodePaths: [join(peers, "node_modules")],
  logLevel: "error",
});
const server = await serve({
  "/": folder,
  "/module/": module,
  "/tf/": join(peers, "node_modules/@tensorflow/tfjs-backend-wasm/dist"),
});
const browser = await launch();
/** What is timed on each device: a name, and where it computes by its own words. */
const TIMED = {
  cpu: [
    ["flantune", "cpu"],
    ["jax", "wasm"],
    ["tensorflow", "wasm"],
    ["tensorflow", "cpu"],
  ],
  webgpu: [
    ["flantune", "webgpu"],
    ["jax", "webgpu"],
    ["tensorflow", "webgpu"],
  ],
};
try {
  console.log(machine(browser));
  for (const device of options.device.split(",")) {
    const results = new Map(TIMED[device].map(([name, at]) => [`${name} ${at}`, []]));
    for (let round = 0; round < rounds; round++)
      for (const [name, at] of TIMED[device]) results.get(`${name} ${at}`).push(await timed(name, at));
    for (const [name, all] of results) {
      const failed = all.find((found) => found.problem);
      const milliseconds = (values) => values.map((value) => value.toFixed(1)).join(", ");
      console.log(
        failed
          ? `${name}: ${failed.problem}`
          : `${name}: ${milliseconds(all.map(({ median }) => median))} ms a step, the first ${milliseconds(all.map(({ first }) => first))}`,
      );
    }
  }
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
}

/** The median step and the first, in milliseconds. */
async function timed(name, device) {
  const work = name === "flantune" ? ours : theirs;
  try {
    return await inPage(browser, new URL("index.html", server.url).href, work, { name, device, steps });
  } catch ({ message }) {
    return { problem: message.split("\n", 1)[0] };
  }
}

async function theirs({ name, device, steps }) {
  const { prepare } = await import(`/${name}.js`);
  const step = await prepare(device, "/tf/");
  const times = [];
  for (let count = 0; count <= steps; count++) {
    const begun = performance.now();
    const gradient = await step();
    times.push(performance.now() - begun);
    if (!(Math.abs(gradient[0]) > 0)) throw new Error("there is no gradient");
  }
  const first = times.shift();
  return { first, median: times.sort((a, b) => a - b)[steps >> 1] };
}

async function ours({ device, steps }) {
  const { bench } = await import("/engine.js");
  const sizes = { shape: "small", source: 64, target: 1, steps };
  const [{ seconds, first_seconds }] = await bench("/module/", device, { cases: ["block"], dtypes: ["f32"], ...sizes, options: {} });
  return { first: 1000 * first_seconds, median: 1000 * seconds };
}
