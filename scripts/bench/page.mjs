#!/usr/bin/env node
// Times the page as a newcomer meets it: loads the site that web/dist makes, presses "Try it", and
// tells when the first losses came, how fast steps are, and how long the page's thread was held up.
//
// node scripts/bench/page.mjs [--device cpu|webgpu] [--steps N]     (after scripts/start.sh or test.sh)
//
// --steps ends it after so many steps of the first method. On WebGPU the adapter is SwiftShader's,
// unless ADAPTER names another (see Chromium's --use-webgpu-adapter).

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { writeSite } from "../../web/site.mjs";
import { launch, serve } from "./browser.mjs";

const { values: options } = parseArgs({
  options: { device: { type: "string", default: "cpu" }, steps: { type: "string", default: "100000" } },
});

const folder = mkdtempSync(join(tmpdir(), "flantune-site-"));
await writeSite({ output: join(folder, "site") });
const server = await serve({ "/": join(folder, "site") });
const browser = await launch();
try {
  const page = await browser.newPage();
  const begun = performance.now();
  await page.goto(server.url);
  const button = page.getByRole("button", { name: /^Try it/ }).first();
  await button.waitFor();
  const ready = performance.now() - begun;
  await page.evaluate((device) => document.querySelector("flan-tune").setAttribute("device", device), options.device);
  await page.evaluate((most) => {
    const found = { steps: [], longest: 0 };
    const element = document.querySelector("flan-tune");
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) found.longest = Math.max(found.longest, duration);
    }).observe({ type: "longtask" });
    document.addEventListener("click", () => (found.clicked ??= performance.now()), { capture: true });
    const done = new Promise((resolve) => {
      let adapters = 0;
      element.addEventListener("flantune:adapter", () => ++adapters === 2 && resolve());
      element.addEventListener("flantune:error", ({ detail }) => resolve(detail));
      element.addEventListener("flantune:step", ({ detail }) => {
        const { step, loss } = detail;
        found.steps.push({ at: performance.now(), step, loss });
        if (found.steps.length >= most) resolve();
      });
    });
    globalThis.measured = done.then((problem) => ({ ...found, problem, ended: performance.now() }));
  }, Number(options.steps));
  await button.click();
  const found = await page.evaluate(() => globalThis.measured);
  if (found.problem) throw new Error(JSON.stringify(found.problem));
  report(ready, found);
} finally {
  await browser.close();
  server.close();
  rmSync(folder, { recursive: true });
}

function report(ready, { clicked, ended, steps, longest }) {
  const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;
  const falling = steps.find(({ loss }, place) => place > 0 && loss < steps[0].loss);
  const second = steps.findIndex(({ step }, place) => place > 0 && step === 1);
  const runs = second < 0 ? [steps] : [steps.slice(0, second), steps.slice(second)];
  console.log(`${cpus()[0]?.model}, ${cpus().length} cores; ${options.device}`);
  console.log(`the page is there after ${seconds(ready)}`);
  console.log(`after the click: the first loss ${seconds(steps[0].at - clicked)}, the first that is lower ${falling ? seconds(falling.at - clicked) : "never"}`);
  for (const [place, run] of runs.entries()) {
    const gaps = run.slice(1).map(({ at }, index) => at - run[index].at).sort((a, b) => a - b);
    const median = gaps[Math.floor(gaps.length / 2)] ?? 0;
    console.log(`${["LoRA", "prompt"][place]}: ${run.length} steps, ${seconds(median)} each in the median, loss ${run[0].loss.toFixed(3)} to ${run.at(-1).loss.toFixed(3)}`);
  }
  console.log(`all of it ${seconds(ended - clicked)}; the longest task on the page's thread ${longest.toFixed(0)} ms`);
}
