// The real model, FLAN-T5-small, from files that a user chooses, against what transformers and peft
// compute. It needs FLANTUNE_REAL_MODEL and FLANTUNE_SHARED (see tests/real.rs) and says so where it
// is skipped: neither may ship with the project.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { zipSync } from "fflate";

import { expect, test } from "./support.js";

const MODEL = process.env["FLANTUNE_REAL_MODEL"];
const SHARED = process.env["FLANTUNE_SHARED"];

test("the real model loads from local files and takes LoRA's first five steps", { tag: "@slow" }, async ({ api }) => {
  test.skip(!MODEL || !SHARED, "FLANTUNE_REAL_MODEL and FLANTUNE_SHARED name no directories");
  const read = (path: string) => readFileSync(join(SHARED ?? "", path));
  const { losses, template } = JSON.parse(read("oracle/real/lora_steps.json").toString());
  const rows = read("data/dialogsum/train.jsonl").toString().split("\n").slice(0, 40).map((line) => JSON.parse(line));
  const names = ["adapter_config.json", "adapter_model.safetensors"];
  const initial = zipSync(Object.fromEntries(names.map((name) => [name, new Uint8Array(read(`oracle/real/lora-initial/${name}`))])));

  await api.setContent('<input type="file" multiple>');
  const files = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
  await api.locator("input").setInputFiles(files.map((name) => join(MODEL ?? "", name)));
  const found = await api.evaluate(
    async ({ rows, template, zip }) => {
      const { collect, losses, start } = await import("/page.js");
      const flantune = await start();
      const model = await flantune.loadModel({ files: document.querySelector("input").files });
      const data = await flantune.loadData(rows, { template, validationFraction: 0 });
      const file = await (await fetch(`data:application/zip;base64,${zip}`)).blob();
      const { id: initAdapter } = await flantune.adapters.import(file, "initial");
      const options = { initAdapter, learningRate: 1e-3, schedule: "constant", batchSize: 8, maxSteps: 5, shuffle: false };
      const events = await collect(flantune.train(model, data, options));
      return { losses: losses(events), bytes: model.bytes, peak: events.at(-1).peak_bytes };
    },
    { rows, template, zip: Buffer.from(initial).toString("base64") },
  );
  console.log(`weights ${Math.round(found.bytes / 2 ** 20)} MiB, the module's memory at most ${Math.round(found.peak / 2 ** 20)} MiB`);
  expect(found.losses).toHaveLength(5);
  found.losses.forEach((loss, step) => expect(Math.abs(loss / losses[step] - 1), `step ${step + 1}`).toBeLessThan(1e-3));
});
