#!/usr/bin/env node
// Runs the checks of tests/checks in headless Chromium: in a worker, on the CPU and on WebGPU.
//
// node run.mjs --wasm FOLDER [--device cpu,webgpu] [--only TEXT] [--limit SECONDS]
//
// FOLDER holds what wasm-bindgen wrote. A check fails when it says so, panics, or takes longer than
// the limit; without a WebGPU adapter all of WebGPU's fail. The exit status is 0 if none failed.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { chromium } from "playwright-core";

import { launchOptions } from "./chromium.mjs";
import { serve } from "./server.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

const { values: options } = parseArgs({
  options: {
    wasm: { type: "string" },
    device: { type: "string", default: "cpu,webgpu" },
    only: { type: "string", default: "" },
    limit: { type: "string", default: "180" },
  },
});
if (!options.wasm) fail("--wasm FOLDER is missing: scripts/test.sh builds it");
const limit = Number(options.limit) * 1000;

const server = await serve({ "/": here, "/oracle/": join(here, "../oracle"), "/wasm/": options.wasm });
const browser = await chromium.launch(launchOptions());
const count = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const device of options.device.split(",")) await runAll(device);
} finally {
  await browser.close();
  server.close();
}
if (count.passed + count.failed === 0) fail("there was no check to run");
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;

async function runAll(device) {
  let worker = await startWorker();
  const checks = await within(limit, worker.evaluate(() => self.listChecks()));
  if (device === "webgpu") console.log(`webgpu: ${await worker.evaluate(() => self.adapterName())}`);
  for (const { name, files } of checks) {
    if (!name.includes(options.only)) {
      count.skipped += 1;
      continue;
    }
    worker ??= await startWorker();
    const start = performance.now();
    const run = worker.evaluate((check) => self.runCheck(check), { name, device, files });
    const result = await within(limit, run).catch(({ message }) => ({ broken: true, message }));
    const took = `${Math.round(performance.now() - start)} ms`;
    if (result.ok) {
      count.passed += 1;
      console.log(`ok ${device} ${name} ${took}`);
    } else {
      count.failed += 1;
      console.log(`FAILED ${device} ${name} ${took}\n${indent(result.message)}`);
    }
    if (result.broken) worker = await stop(worker);
  }
  await stop(worker);
}

/** A page of its own for each worker: closing it ends a worker that hangs. */
async function startWorker() {
  const page = await browser.newPage();
  const started = page.waitForEvent("worker", { timeout: limit });
  await page.goto(new URL("page.html", server.url).href);
  const worker = await started;
  // The module's top level must have run before its functions can be called.
  await within(limit, worker.evaluate(loaded));
  worker.page = page;
  return worker;
}

async function loaded() {
  await import("/worker.js");
}

async function stop(worker) {
  await worker?.page.close();
}

function within(milliseconds, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    const error = new Error(`not done after ${milliseconds / 1000} s`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function indent(text) {
  return text.replace(/^/gm, "    ");
}

function fail(message) {
  console.error(`run.mjs: ${message}`);
  process.exit(1);
}
