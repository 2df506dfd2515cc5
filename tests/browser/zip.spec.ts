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
    message: /unpacked it has \d+ bytes, more than the 536870912/,
  },
  "that holds more than it claims": {
    files: { "adapter_config.json": CONFIG, "adapter_model.safetensors": new Uint8Array(1 << 20) },
    claim: 100,
    message: /adapter_model\.safetensors has more than the 100 bytes that it says/,
  },
  "that claims to hold nothing": {
    files: { "adapter_config.json": CONFIG, "adapter_model.safetensors": new Uint8Array(64 << 20) },
    claim: 0,
    message: /adapter_model\.safetensors has more than the 0 bytes that it says/,
  },
  "in a zip": {
    files: { "adapter.zip": zipSync({ "adapter_config.json": CONFIG, "adapter_model.safetensors": WEIGHTS }) },
    message: /another zip: unpack it, and take adapter\.zip/,
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

/** A zip whose last file claims to have so many bytes, in both of its headers. */
function zipOf(files: Zippable, claim?: number): string {
  const zip = Buffer.from(zipSync(files));
  const entry = zip.lastIndexOf("PK\x01\x02", undefined, "latin1");
  if (claim !== undefined) {
    zip.writeUInt32LE(claim, entry + 24);
    zip.writeUInt32LE(claim, zip.readUInt32LE(entry + 42) + 22);
  }
  return zip.toString("base64");
}

test("zips that are no adapter are refused with words, and leave nothing", async ({ api }) => {
  const zips = Object.entries(REFUSED).map(([name, { files, claim }]) => ({ name, zip: zipOf(files, claim) }));
  const found = await api.evaluate(async (zips) => {
    const { kept, refusal, start } = await import("/page.js");
    const flantune = await start();
    const refusals = {};
    for (const { name, zip } of zips) {
      const file = await (await fetch(`data:application/zip;base64,${zip}`)).blob();
      refusals[name] = await refusal(flantune.adapters.import(file));
    }
    return { refusals, left: await flantune.adapters.list(), kept: await kept() };
  }, zips);
  for (const [name, { message }] of Object.entries(REFUSED)) {
    expect(found.refusals[name], name).toMatchObject({ name: "FlantuneError", message: expect.stringMatching(message) });
  }
  expect(found.left).toEqual([]);
  expect(found.kept).toEqual([]);
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

test("what a model lacks of an adapter from elsewhere is said beside it", async ({ api }) => {
  const config = JSON.parse(new TextDecoder().decode(CONFIG));
  const packed = zipSync({
    // Names of T5 v1.0 beside those of this model, as a recipe for both has them; and a key of some later peft.
    "adapter_config.json": text(JSON.stringify({ ...config, target_modules: [...config.target_modules, "wi"], later: 1 })),
    "adapter_model.safetensors": WEIGHTS,
  });
  const found = await api.evaluate(async (zip) => {
    const { ready } = await import("/page.js");
    const { flantune, model } = await ready();
    const adapter = await flantune.adapters.import(await (await fetch(`data:application/zip;base64,${zip}`)).blob());
    return { told: await flantune.adapters.check(model, adapter), again: await flantune.adapters.check(model, adapter.id) };
  }, Buffer.from(packed).toString("base64"));
  expect(found.told.map(({ code }) => code)).toEqual(["target_modules", "adapter_keys"]);
  expect(found.told[0].message).toMatch(/^adapter_config\.json: .*`wi`/);
  expect(found.again).toEqual(found.told);
});

test("a zip whose files lie over each other, or are damaged, is refused", async ({ api }) => {
  const plain = Buffer.from(zipSync({ "adapter_config.json": CONFIG, "adapter_model.safetensors": WEIGHTS, "README.md": text("x") }, { level: 0 }));
  const entries = [...plain.toString("latin1").matchAll(/PK\x01\x02/g)].map(({ index }) => index);
  const over = Buffer.from(plain);
  over.writeUInt32LE(plain.readUInt32LE((entries[1] ?? 0) + 42), (entries[2] ?? 0) + 42);
  const damaged = Buffer.from(plain);
  damaged[plain.indexOf("adapter_model.safetensors") + 500] ^= 1;
  const found = await api.evaluate(async (zips) => {
    const { kept, refusal, start } = await import("/page.js");
    const flantune = await start();
    const refusals = [];
    for (const zip of zips) {
      const file = await (await fetch(`data:application/zip;base64,${zip}`)).blob();
      refusals.push(await refusal(flantune.adapters.import(file)));
    }
    return { refusals, kept: await kept() };
  }, [over, damaged].map((zip) => zip.toString("base64")));
  expect(found.refusals).toMatchObject([
    { code: "adapter", message: expect.stringContaining("lies over what comes after it") },
    { code: "adapter", message: expect.stringContaining("is damaged: its checksum") },
  ]);
  expect(found.kept).toEqual([]);
});
