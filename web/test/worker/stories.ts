// What users do, as the worker sees it; and what must hold afterwards, whatever went wrong meanwhile.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { unzipSync, zipSync } from "fflate";

import { FlantuneError } from "../../src/error.js";
import type { RunNotice, WorkerSource } from "../../src/protocol.js";
import type { AdapterInfo, RunEvent, RunInfo, TrainOptions } from "../../src/types.js";
import { BEST } from "./core.js";
import { paths } from "./disk.js";
import type { Origin, Tab } from "./tab.js";

/** Steps between two checkpoints. */
export const INTERVAL = 3;
const STEPS = 7;
const OPTIONS: TrainOptions = { maxSteps: STEPS, checkpointEvery: INTERVAL, name: "words" };
const text = (words: string) => new TextEncoder().encode(words);

/** What the page was told until it was cut off. */
export interface Told {
  /** Whether the run is in the list of runs. */
  begun: boolean;
  /** The last step that was seen. */
  step: number;
  /** Adapters that were had, by the steps of their weights. */
  adapters: Map<string, number>;
  /** Names of models that are loaded, and so are whole. */
  models: Set<string>;
  /** What was asked to be removed: it may be there or not. */
  removed: Set<string>;
}

export interface Story {
  /** What was there before, made by a tab to which nothing happens. */
  before?: (tab: Tab, told: Told) => Promise<void>;
  /** Whether things may go wrong already when the tab is opened. */
  opening?: boolean;
  act: (tab: Tab, told: Told) => Promise<void>;
}

export function nothingTold(): Told {
  return { begun: false, step: 0, adapters: new Map(), models: new Set(), removed: new Set() };
}

export const MODEL: WorkerSource = {
  files: ["config.json", "model.safetensors"].map((path) => ({ path, file: new File(["{}"], path) })),
};

async function ready(tab: Tab): Promise<void> {
  await tab.call("loadModel", { model: "m", source: MODEL, dtype: "f32" });
  await tab.call("loadData", { data: "d", rows: { file: new Blob(["{}\n{}\n"]), name: "rows.jsonl" } });
}

/** Trains until the run ends, or until it has made some steps. */
async function train(
  tab: Tab,
  told: Told,
  options: TrainOptions,
  stopAt?: number,
  resume = false,
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  let stopping: Promise<unknown> | undefined;
  const tell = (notice: RunNotice) => {
    told.begun = true;
    if (!("event" in notice)) return;
    events.push(notice.event);
    if (notice.event.event !== "step") return;
    told.step = Math.max(told.step, notice.event.step);
    if (notice.event.step === stopAt) stopping = tab.call("stopRun", { run: "r" });
  };
  const start = resume
    ? ("resume" as const)
    : { data: "d", reading: {}, options: { ...OPTIONS, ...options } };
  const end = await tab.call("run", { run: "r", model: "m", start, replay: false }, { tell });
  await stopping;
  if (end.adapter) told.adapters.set("r", end.state === "done" ? expected(options) : told.step);
  return events;
}

/** The step whose weights a whole run gives. */
function expected({ evalEvery, maxSteps = STEPS }: TrainOptions): number {
  return evalEvery === undefined ? maxSteps : BEST;
}

export const ZIP = new Blob([
  zipSync({
    "mine/adapter_config.json": text(JSON.stringify({ peft_type: "LORA" })),
    "mine/adapter_model.safetensors": [text(JSON.stringify({ step: 77 })), { level: 0 }],
    "mine/README.md": text("# Mine\n"),
    "mine/other.txt": text("not taken"),
  }),
]);

/** A model of the hub whose weights come in several pieces. */
export function serve(origin: Origin, weights = new Uint8Array(5 << 18).fill(7)): void {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    "config.json": text("{}"),
    "tokenizer.json": text("{}"),
    "model.safetensors": weights,
  };
  const siblings = Object.entries(files).map(([rfilename, bytes]) => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    return { rfilename, size: bytes.length, ...(rfilename === "model.safetensors" && { lfs: { sha256 } }) };
  });
  const sha = "0".repeat(40);
  origin.server.files.set("https://hub.example/api/school/tiny?blobs=true", {
    bytes: text(JSON.stringify({ sha, siblings })),
  });
  for (const [name, bytes] of Object.entries(files))
    origin.server.files.set(`https://hub.example/${sha}/${name}`, { bytes });
}

const HUB: WorkerSource = { hub: "school/tiny" };

async function importZip(tab: Tab, told: Told): Promise<void> {
  const info = await tab.call("importAdapter", { adapter: "imported", file: ZIP, name: "mine" });
  told.adapters.set(info.id, 77);
}

export const STORIES: Record<string, Story> = {
  "a run with checkpoints": {
    act: async (tab, told) => {
      await ready(tab);
      await train(tab, told, {});
    },
  },
  "a run that is judged": {
    act: async (tab, told) => {
      await ready(tab);
      await train(tab, told, { evalEvery: 2 });
    },
  },
  "two stops": {
    act: async (tab, told) => {
      await ready(tab);
      await train(tab, told, {}, 4);
      await train(tab, told, {}, 5, true);
    },
  },
  "going on with a run that was stopped": {
    before: async (tab, told) => {
      await ready(tab);
      await train(tab, told, {}, 5);
    },
    act: async (tab, told) => {
      await ready(tab);
      await train(tab, told, {}, undefined, true);
    },
  },
  "training an adapter further": {
    before: importZip,
    act: async (tab, told) => {
      await ready(tab);
      await train(tab, told, { initAdapter: "imported", maxSteps: 2 });
    },
  },
  "an import": { act: importZip },
  "removing an adapter": {
    before: importZip,
    act: async (tab, told) => {
      told.removed.add("imported");
      await tab.call("removeAdapter", { adapter: "imported" });
    },
  },
  "renaming an adapter": {
    before: importZip,
    act: async (tab) => void (await tab.call("renameAdapter", { adapter: "imported", name: "other" })),
  },
  merging: {
    before: importZip,
    act: async (tab) => {
      await ready(tab);
      await tab.call("merge", { model: "m", adapter: "imported" });
    },
  },
  "removing a run": {
    before: async (tab, told) => {
      await ready(tab);
      await train(tab, told, {}, 5);
    },
    act: async (tab, told) => {
      told.removed.add("r");
      await tab.call("removeRun", { run: "r" });
    },
  },
  "a download": {
    before: async (tab) => serve(tab.origin),
    act: async (tab, told) => {
      await tab.call("loadModel", { model: "h", source: HUB, dtype: "f32" });
      told.models.add("school/tiny");
    },
  },
  "removing a model": {
    before: async (tab, told) => {
      serve(tab.origin);
      await tab.call("loadModel", { model: "h", source: HUB, dtype: "f32" });
      told.models.add("school/tiny");
    },
    act: async (tab, told) => {
      told.models.clear();
      const [model] = await tab.call("listModels", {});
      await tab.call("removeModel", { key: model?.key ?? "" });
    },
  },
};

STORIES["opening the page and looking at what there is"] = {
  async before(tab, told) {
    for (const name of ["removing a model", "going on with a run that was stopped", "removing an adapter"]) {
      await STORIES[name]?.before?.(tab, told);
    }
  },
  opening: true,
  act: async (tab) => void (await look(tab)),
};

/** Looks at all there is, and changes nothing. */
export async function look(tab: Tab): Promise<{ runs: RunInfo[]; adapters: AdapterInfo[] }> {
  const [runs, adapters] = [await tab.call("listRuns", {}), await tab.call("listAdapters", {})];
  await tab.call("listModels", {});
  for (const { id } of adapters) await tab.call("exportAdapter", { adapter: id });
  for (const { id } of runs) await tab.call("describeRun", { run: id });
  return { runs, adapters };
}

/** Opens a tab to which nothing happens, and holds what it finds against what the page was told. */
export async function expectSound(origin: Origin, told: Told): Promise<void> {
  const tab = await origin.open();
  const { runs, adapters } = await look(tab);
  expectNothingHidden(origin, runs, adapters);
  for (const info of adapters) await expectWhole(tab, info);
  for (const [id, step] of told.adapters) {
    if (told.removed.has(id)) continue;
    const info = adapters.find((adapter) => adapter.id === id);
    assert(info, `the adapter ${id} is lost`);
    assert((await stepOf(tab, info)) >= step, `the adapter ${id} is an earlier one`);
  }
  await expectRun(tab, runs, told);
  await expectModels(tab, told);
  tab.close();
}

/** Every directory is that of something that is listed, and holds nothing that is not needed. */
function expectNothingHidden(origin: Origin, runs: RunInfo[], adapters: AdapterInfo[]): void {
  const root = origin.disk.entries?.get("flantune");
  assert(root);
  const there = paths(root);
  assert.deepEqual(
    there.filter((path) => path.endsWith(".unfinished")),
    [],
  );
  const names = (area: string) => [...(root.entries?.get(area)?.entries?.keys() ?? [])].sort();
  assert.deepEqual(names("runs"), runs.map(({ id }) => id).sort());
  assert.deepEqual(names("adapters"), adapters.map(({ id }) => id).sort());
  assert.deepEqual(names("merged"), []);
  assert.deepEqual(names("probes"), []);
  for (const { id } of adapters) {
    const inside = there.filter((path) => path.startsWith(`adapters/${id}/`) && path !== `adapters/${id}/`);
    assert.equal(
      inside.filter((path) => path.endsWith("/")).length,
      1,
      `${id} has one folder: ${inside.join(", ")}`,
    );
    assert.equal(inside.filter((path) => path.endsWith("adapter_model.safetensors")).length, 1);
  }
  for (const { id, state } of runs) {
    if (state !== "done") continue;
    assert.deepEqual(
      there.filter((path) => path.startsWith(`runs/${id}/`)),
      [`runs/${id}/`, `runs/${id}/page.json`],
    );
  }
}

/** An adapter that is shown can be read, is exported as PEFT's files alone, and its name is true. */
async function expectWhole(tab: Tab, info: AdapterInfo): Promise<void> {
  const step = await stepOf(tab, info);
  const stopped = /stopped at step (\d+)/.exec(info.name)?.[1];
  if (stopped !== undefined)
    assert.equal(step, Number(stopped), `${info.name} has the weights of step ${step}`);
  // As `Core` scores it.
  const { of } = info.metrics as { of?: number };
  if (of !== undefined) assert.equal(step, of, "its scores are those of its weights");
}

async function stepOf(tab: Tab, { id }: AdapterInfo): Promise<number> {
  const zip = await tab.call("exportAdapter", { adapter: id });
  const files = unzipSync(new Uint8Array(await zip.arrayBuffer()));
  assert.deepEqual(
    Object.keys(files)
      .filter((name) => name !== "README.md")
      .sort(),
    ["adapter_config.json", "adapter_model.safetensors"],
  );
  return (JSON.parse(new TextDecoder().decode(files["adapter_model.safetensors"])) as { step: number }).step;
}

/** A run that had begun is there, has lost one interval at most, and comes to its end. */
async function expectRun(tab: Tab, runs: RunInfo[], told: Told): Promise<void> {
  const info = runs.find(({ id }) => id === "r");
  assert(info || !told.begun || told.removed.has("r"), "the run is lost");
  if (!info || info.state === "done") return;
  assert.notEqual(info.state, "running");
  const seen = told.step;
  await ready(tab);
  const events = await train(tab, told, info.options, undefined, true);
  const [first] = events;
  // One whose result is written misses nothing but the library.
  const from = first?.event === "start" ? (first.resumed_from ?? 0) : STEPS;
  assert(first?.event === "start" || first?.event === "done");
  assert(from >= seen - INTERVAL, `it goes on from step ${from}, after ${seen}`);
  const adapter = (await tab.call("listAdapters", {})).find(({ id }) => id === "r");
  assert(adapter);
  assert.equal(await stepOf(tab, adapter), expected(info.options));
}

async function expectModels(tab: Tab, told: Told): Promise<void> {
  const stored = await tab.call("listModels", {});
  for (const name of told.models)
    assert(
      stored.some((model) => model.name === name && model.complete),
      `${name} is lost`,
    );
  if (tab.origin.server.files.size === 0) return;
  await tab.call("loadModel", { model: "h2", source: HUB, dtype: "f32" });
  const found = await tab.call("listModels", {});
  assert.equal(found.length, 1);
  const root = tab.origin.disk.entries?.get("flantune")?.entries?.get("models");
  const [directory] = root?.entries?.values() ?? [];
  for (const [address, { bytes }] of tab.origin.server.files) {
    const name = address.slice(address.lastIndexOf("/") + 1);
    if (address.includes("/api/")) continue;
    assert.deepEqual(directory?.entries?.get(name)?.bytes, bytes, `${name} is what the hub has`);
  }
  assert.deepEqual([...(directory?.entries?.keys() ?? [])].sort(), [
    "config.json",
    "download.json",
    "model.safetensors",
    "tokenizer.json",
  ]);
}

/** Whether an error is one that says what is wrong with the storage. */
export function saysWhatIsWrong(error: unknown): boolean {
  return (
    error instanceof FlantuneError &&
    ["quota", "storage", "busy"].includes(error.code) &&
    error.message.length > 0
  );
}
