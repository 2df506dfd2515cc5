#!/usr/bin/env node
// Trains adapters in the page's own Chromium, exports them as zips, and writes down the losses that the
// page computes with them: page.py opens the zips in peft and holds its losses against these.
//
// node scripts/oracle/page.mjs OUT      (after scripts/test.sh has built web/dist)

import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const tests = fileURLToPath(new URL("../../tests/browser/", import.meta.url));
const { chromium } = createRequire(tests)("playwright-core");
const { launchOptions } = await import(join(tests, "chromium.mjs"));
const { serve } = await import(join(tests, "server.mjs"));

const out = process.argv[2];
if (out === undefined) throw new Error("where to? page.mjs OUT");
mkdirSync(out, { recursive: true });

const server = await serve({
  "/": join(tests, "api"),
  "/flantune/": join(tests, "../../web/dist"),
  "/tiny/": join(tests, "../oracle/tiny/gated"),
});
const browser = await chromium.launch(launchOptions());
try {
  const page = await browser.newPage();
  await page.goto(`${server.url}page.html`);
  const found = await page.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const settings = {
      lora: { method: "lora" },
      dora: { method: "lora", variant: "dora", targetModules: ["q", "v", "wo"] },
      rslora: { method: "lora", variant: "rslora" },
      prompt: { method: "prompt", numVirtualTokens: 4, learningRate: 0.3 },
    };
    const answers = {};
    for (const [name, options] of Object.entries(settings)) {
      const adapter = await flantune.train(model, data, { ...OPTIONS, ...options, name }).adapter;
      const zip = new Uint8Array(await (await flantune.adapters.export(adapter)).arrayBuffer());
      const { rows } = await model.evaluate(data, { adapter, metrics: ["loss"], split: "all" });
      answers[name] = { zip: [...zip], rows: rows.map(({ source, references, loss }) => ({ source, target: references[0], loss })) };
    }
    const { rows } = await model.evaluate(data, { metrics: ["loss"], split: "all" });
    return { answers, base: rows.map(({ loss }) => loss) };
  });
  for (const [name, { zip, rows }] of Object.entries(found.answers)) {
    writeFileSync(join(out, `${name}.zip`), Buffer.from(zip));
    writeFileSync(join(out, `${name}.json`), JSON.stringify({ rows, base: found.base }, null, 1));
  }
  console.log(`${Object.keys(found.answers).join(", ")}: written to ${out}`);
} finally {
  await browser.close();
  server.close();
}
