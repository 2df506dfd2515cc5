// Zips of adapters that strangers made.

import { readFileSync } from "node:fs";

import { zipSync, type Zippable } from "fflate";

import { expect, test } from "./support.js";

const ADAPTERS = new URL("../oracle/tiny/gated/adapters/", import.meta.url);
const read = (path: string) => new Uint8Array(readFileSync(new URL(path, ADAPTERS)));
const CONFIG = read("lora/trained/adapter_config.json");
const WEIGHTS = read("lora/trained/adapter_model.safetensors");
const text = (text: string) => new TextEncoder().encode(text);

const REFUSED: Record<string, { files: Zippable; claim?: number; message: RegExp }> = {
  "of nothing": { files: {}, message: /no adapter_config\.json; found nothing/ },
  "without a configuration": { files: { "adapter_model.safetensors": WEIGHTS }, message: /no adapter_config\.json; found adapter_model/ },
  "without weights": { files: { "adapter_config.json": CONFIG }, message: /no adapter_model\.safetensors/ },
  "with pickled weights": {
    files: { "adapter_config.json": CONFIG, "adapter_model.bin": WEIGHTS },
    message: /pickled weights, which can run code/,
  },
  "of several adapters": {
    files: { "a/adapter_config.json": CONFIG, "b/adapter_config.json": CONFIG },
    message: /several adapters: a\/adapter_config\.json, b/,
  },
  "with a path that leads out of it": {
    files: { "../adapter_config.json": CONFIG, "../adapter_model.safetensors": WEIGHTS },
    message: /outside of it: \.\.\/adapter_config\.json/,
  },
  "with too many files": {
    files: Object.fromEntries(Array.from({ length: 1100 }, (_, place) => [`${place}`, new Uint8Array()])),
    message: /more than 1000 files/,
  },
  "that is larger unpacked than an adapter may be": {
    files: { "adapter_config.json": CONFIG, "adapter_model.safetensors": WEIGHTS },
    claim: 513 << 20,
    message: /unpacked it has more than/,
  },
  "that holds more than it claims": {
    files: { "adapter_config.json": CONFIG, "adapter_model.safetensors": new Uint8Array(1 << 20) },
    claim: 100,
    message: /adapter/,
  },
  "of a broken configuration": {
    files: { "adapter_config.json": text("{"), "adapter_model.safetensors": WEIGHTS },
    message: /adapter_config\.json/,
  },
  "of weights that are none": {
    files: { "adapter_config.json": CONFIG, "adapter_model.safetensors": text("none") },
    message: /adapter_model\.safetensors/,
  },
};

/** A zip whose last file claims to have so many bytes. */
function zipOf(files: Zippable, claim?: number): string {
  const zip = Buffer.from(zipSync(files));
  const entry = zip.lastIndexOf("PK\x01\x02", undefined, "latin1");
  if (claim !== undefined) zip.writeUInt32LE(claim, entry + 24);
  return zip.toString("base64");
}

test("zips that are no adapter are refused with words, and leave nothing", async ({ api }) => {
  const zips = Object.entries(REFUSED).map(([name, { files, claim }]) => ({ name, zip: zipOf(files, claim) }));
  const found = await api.evaluate(async (zips) => {
    const { refusal, start } = await import("/page.js");
    const flantune = await start();
    const refusals = {};
    for (const { name, zip } of zips) {
      const file = await (await fetch(`data:application/zip;base64,${zip}`)).blob();
      refusals[name] = await refusal(flantune.adapters.import(file));
    }
    return { refusals, left: await flantune.adapters.list() };
  }, zips);
  for (const [name, { message }] of Object.entries(REFUSED)) {
    expect(found.refusals[name], name).toMatchObject({ name: "FlantuneError", message: expect.stringMatching(message) });
  }
  expect(found.left).toEqual([]);
});

test("PEFT's own adapters are taken in, from a folder in the zip too", async ({ api }) => {
  const packed = zipSync({
    "my adapter/": new Uint8Array(),
    "my adapter/adapter_config.json": CONFIG,
    "my adapter/adapter_model.safetensors": WEIGHTS,
    "my adapter/tokenizer.json": text("{}"),
  });
  const found = await api.evaluate(async (zip) => {
    const { ready } = await import("/page.js");
    const { flantune, model } = await ready();
    const file = await (await fetch(`data:application/zip;base64,${zip}`)).blob();
    const adapter = await flantune.adapters.import(file, "peft's");
    return { adapter, texts: await model.generate(["the cat"], { adapter, maxNewTokens: 3 }) };
  }, Buffer.from(packed).toString("base64"));
  expect(found.adapter).toMatchObject({ name: "peft's", method: "lora", config: { peft_type: "LORA" } });
  expect(found.texts).toHaveLength(1);
});
