#!/usr/bin/env node
// What the page's process takes of memory while runs follow each other in one page, their adapters deleted:
// LoRA and prompt tuning in turn, on the built-in model and the processor (Linux).
//
// node scripts/bench/runs.mjs [--runs 30] [--steps 10]    (after scripts/start.sh or test.sh has built web/dist)

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { launch, machine, root, serve } from "./browser.mjs";

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "30" }, steps: { type: "string", default: "10" } },
});
const server = await serve({ "/": join(root, "web/dist") });
const browser = await launch();
try {
  const page = await browser.newPage();
  const address = new URL("empty.html", server.url).href;
  await page.route(address, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await page.goto(address);
  await page.evaluate(begin);
  console.log(machine(browser));
  for (let run = 1; run <= Number(options.runs); run++) {
    const method = run % 2 ? "lora" : "prompt";
    await page.evaluate(train, { method, maxSteps: Number(options.steps) });
    if (run === 3 || run % 5 === 0) console.log(`after ${run} runs: ${resident().toFixed(0)} MiB`);
  }
} finally {
  await browser.close();
  server.close();
}

/** In the page. */
async function begin() {
  const { Flantune } = await import("/flantune.js");
  const flantune = await Flantune.start({ device: "cpu" });
  globalThis.held = { flantune, model: await flantune.loadModel({ builtin: true }), data: await flantune.loadData("reviews") };
}

/** In the page. */
async function train(settings) {
  const { flantune, model, data } = globalThis.held;
  const run = flantune.train(model, data, settings);
  for await (const _ of run);
  await flantune.adapters.delete(await run.adapter);
}

/** MiB of the browser's largest process for pages. */
function resident() {
  const read = (pid, name) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, "utf8");
    } catch {
      return ""; // it has ended
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const pages = pids.filter((pid) => read(pid, "cmdline").includes("--type=renderer"));
  return Math.max(...pages.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(read(pid, "status"))?.[1] ?? 0))) / 1024;
}
