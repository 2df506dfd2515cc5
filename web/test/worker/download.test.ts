// Downloads that are cut off and gone on with, while the server's files change or are what they were.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { Origin, type Tab } from "./tab.js";

const SHA = "1".repeat(40);
const WEIGHTS = `https://hub.example/${SHA}/model.safetensors`;
const OLD = new Uint8Array(5 << 18).fill(1);
const NEW = new Uint8Array(5 << 18).fill(2);
const text = (words: string) => new TextEncoder().encode(words);

/** A hub that tells of its files what it is to tell. */
function hub(
  weights: Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  tells: { sha256?: boolean; size?: boolean },
): Origin {
  const origin = new Origin();
  const sha256 = createHash("sha256").update(weights).digest("hex");
  const told = { ...(tells.size && { size: weights.length }), ...(tells.sha256 && { lfs: { sha256 } }) };
  const siblings = [{ rfilename: "config.json" }, { rfilename: "model.safetensors", ...told }];
  origin.server.files.set("https://hub.example/api/school/tiny?blobs=true", {
    bytes: text(JSON.stringify({ sha: SHA, siblings })),
  });
  origin.server.files.set(`https://hub.example/${SHA}/config.json`, { bytes: text("{}") });
  origin.server.files.set(WEIGHTS, { bytes: weights, headers });
  return origin;
}

function load(tab: Tab, signal?: AbortSignal, loaded?: (bytes: number) => void): Promise<unknown> {
  const tell = (progress: { file?: string; loaded: number }) =>
    progress.file === "model.safetensors" && loaded?.(progress.loaded);
  return tab.call(
    "loadModel",
    { model: "h", source: { hub: "school/tiny" }, dtype: "f32" },
    { ...(signal && { signal }), tell },
  );
}

/** Loads a part of the weights, and calls it off. */
async function begin(origin: Origin): Promise<void> {
  const tab = await origin.open();
  origin.server.breakAt = 1 << 20;
  const abort = new AbortController();
  await assert.rejects(
    load(tab, abort.signal, (bytes) => bytes > 1 << 19 && abort.abort()),
    { code: "cancelled" },
  );
  origin.server.breakAt = undefined;
  tab.close();
  assert((stored(origin, "model.safetensors.part")?.length ?? 0) > 0, "a part is kept");
}

function stored(origin: Origin, name: string): Uint8Array<ArrayBuffer> | undefined {
  const models = origin.disk.entries?.get("flantune")?.entries?.get("models");
  const [model] = models?.entries?.values() ?? [];
  return model?.entries?.get(name)?.bytes;
}

interface Case {
  /** What the server says of the file before and after, and whether it is another file then. */
  before: Record<string, string>;
  after: Record<string, string>;
  changes: boolean;
  sha256?: boolean;
  ranges?: boolean;
  /** Whether what is there is gone on with. */
  resumes: boolean;
}

const CASES: Record<string, Case> = {
  "no word of its version": { before: {}, after: {}, changes: true, resumes: false },
  "no word of its version, the same": { before: {}, after: {}, changes: false, resumes: false },
  "the same entity tag": { before: { etag: '"1"' }, after: { etag: '"1"' }, changes: false, resumes: true },
  "another entity tag": { before: { etag: '"1"' }, after: { etag: '"2"' }, changes: true, resumes: false },
  "a weak entity tag": { before: { etag: 'W/"1"' }, after: { etag: 'W/"1"' }, changes: true, resumes: false },
  "an entity tag only later": { before: {}, after: { etag: '"2"' }, changes: true, resumes: false },
  "an entity tag only at first": { before: { etag: '"1"' }, after: {}, changes: true, resumes: false },
  "the same date": {
    before: { "last-modified": "Mon, 02 Nov 2026 08:00:00 GMT" },
    after: { "last-modified": "Mon, 02 Nov 2026 08:00:00 GMT" },
    changes: false,
    resumes: true,
  },
  "another date": {
    before: { "last-modified": "Mon, 02 Nov 2026 08:00:00 GMT" },
    after: { "last-modified": "Tue, 03 Nov 2026 08:00:00 GMT" },
    changes: true,
    resumes: false,
  },
  "a hash, and no word of its version": {
    before: {},
    after: {},
    changes: false,
    sha256: true,
    resumes: true,
  },
  "a hash, and another entity tag": {
    before: { etag: '"1"' },
    after: { etag: '"2"' },
    changes: false,
    sha256: true,
    resumes: false,
  },
  "no ranges": {
    before: { etag: '"1"' },
    after: { etag: '"1"' },
    changes: false,
    ranges: false,
    resumes: false,
  },
};

for (const [name, { before, after, changes, sha256 = false, ranges = true, resumes }] of Object.entries(
  CASES,
)) {
  test(`a download that is gone on with is one file: ${name}`, async () => {
    const origin = hub(OLD, before, { sha256, size: sha256 });
    await begin(origin);
    origin.server.files.set(WEIGHTS, { bytes: changes ? NEW : OLD, headers: after });
    origin.server.ranges = ranges;
    origin.server.requests.length = 0;
    await load(await origin.open());
    assert.deepEqual(stored(origin, "model.safetensors"), changes ? NEW : OLD);
    const asked = origin.server.requests.filter(({ address }) => address === WEIGHTS);
    const went = ranges && asked.every(({ from }) => from !== undefined);
    assert.equal(went, resumes, JSON.stringify(asked.map(({ from }) => from)));
    assert.equal(stored(origin, "model.safetensors.part.json"), undefined);
  });
}

test("parts that do not fit together, as the hub's hash tells, are thrown away, and the file is had anew", async () => {
  const origin = hub(NEW, {}, { sha256: true, size: true });
  // The beginning is of a version that the hub has no more.
  origin.server.files.set(WEIGHTS, { bytes: OLD, headers: {} });
  await begin(origin);
  origin.server.files.set(WEIGHTS, { bytes: NEW, headers: {} });
  await load(await origin.open());
  assert.deepEqual(stored(origin, "model.safetensors"), NEW);
});

test("a file that is not what the hub tells never has its name", async () => {
  const origin = hub(NEW, {}, { sha256: true, size: true });
  origin.server.files.set(WEIGHTS, { bytes: OLD, headers: {} });
  const tab = await origin.open();
  await assert.rejects(load(tab), { code: "hub", message: /hash/ });
  assert.equal(stored(origin, "model.safetensors"), undefined);
  assert.equal((await tab.call("listModels", {}))[0]?.complete, false);
});

test("what is damaged while a tab was closed in the middle is found out, wherever that was", async () => {
  for (let at = 0; ; at += 1) {
    const origin = hub(OLD, {}, { sha256: true, size: true });
    const tab = await origin.open();
    tab.faults.begin({ fault: "closed", at });
    await tab.orClosed(load(tab));
    if (!tab.faults.struck) break;
    for (const name of ["model.safetensors", "model.safetensors.part"]) stored(origin, name)?.fill(9, 5, 6);
    const whole = (await (await origin.open()).call("listModels", {})).some(({ complete }) => complete);
    await load(await origin.open());
    // Once it counts it is read as it lies there.
    if (!whole) assert.deepEqual(stored(origin, "model.safetensors"), OLD, `closed after call ${at}`);
  }
});
