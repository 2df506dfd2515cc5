// What is remembered of runs and adapters, where it is of an earlier build, broken, or cannot be read.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Node } from "./disk.js";
import { look, MODEL, nothingTold, STORIES } from "./stories.js";
import { Origin } from "./tab.js";

const bytes = (words: string) => new TextEncoder().encode(words);

/** A directory of the disk, made where there is none. */
function directory(origin: Origin, path: string): Node {
  let node = origin.disk;
  for (const name of ["flantune", ...path.split("/")]) {
    const next = node.entries?.get(name) ?? new Node("directory");
    node.entries?.set(name, next);
    node = next;
  }
  return node;
}

function put(origin: Origin, path: string, words: string): void {
  const end = path.lastIndexOf("/");
  const file = new Node("file");
  file.bytes = bytes(words);
  directory(origin, path.slice(0, end)).entries?.set(path.slice(end + 1), file);
}

async function afterStory(name: string): Promise<Origin> {
  const origin = new Origin();
  const tab = await origin.open();
  await STORIES[name]?.before?.(tab, nothingTold());
  tab.close();
  return origin;
}

for (const words of ["", "{", "null", "[]", '{"info":{}}']) {
  test(`a run whose record is ${words || "empty"} is kept, says why, and can be removed`, async () => {
    const origin = await afterStory("removing a run");
    put(origin, "runs/r/page.json", words);
    for (let time = 0; time < 2; time += 1) {
      const tab = await origin.open();
      const [run] = await tab.call("listRuns", {});
      assert.equal(run?.state, "failed");
      assert.match(run.problem ?? "", /^runs\/r\/page\.json: it (holds no JSON|is no record)/);
      await assert.rejects(tab.call("describeRun", { run: "r" }), { code: "format" });
      assert(directory(origin, "runs/r/checkpoints").entries?.size);
      tab.close();
    }
    const tab = await origin.open();
    await tab.call("removeRun", { run: "r" });
    assert.deepEqual(await tab.call("listRuns", {}), []);
    assert.equal(directory(origin, "runs").entries?.size, 0);
  });

  test(`an adapter whose record is ${words || "empty"} can be used all the same`, async () => {
    const origin = await afterStory("removing an adapter");
    put(origin, "adapters/imported/page.json", words);
    const tab = await origin.open();
    const { adapters } = await look(tab);
    assert.deepEqual(
      adapters.map(({ id, name, method }) => ({ id, name, method })),
      [{ id: "imported", name: "imported", method: "lora" }],
    );
    await tab.call("renameAdapter", { adapter: "imported", name: "mine" });
    assert.equal((await tab.call("listAdapters", {}))[0]?.name, "mine");
  });
}

test("an adapter of before there were records is taken over", async () => {
  const origin = new Origin();
  put(origin, "adapters/old/adapter_config.json", '{"peft_type":"LORA"}');
  put(origin, "adapters/old/adapter_model.safetensors", '{"step":3}');
  const tab = await origin.open();
  const { adapters } = await look(tab);
  assert.equal(adapters[0]?.id, "old");
  const renamed = await tab.call("renameAdapter", { adapter: "old", name: "mine" });
  tab.close();
  assert.deepEqual((await look(await origin.open())).adapters, [renamed]);
});

test("what is no adapter and was never in the library is removed at the next start", async () => {
  const origin = new Origin();
  put(origin, "adapters/half/adapter_config.json", '{"peft_type":"LORA"}');
  put(origin, "adapters/half/adapter_model.safetensors.12-1.unfinished", '{"st');
  put(origin, "runs/half/rows/rows.jsonl", "{}");
  put(origin, "models/half/model.safetensors.part", "");
  put(origin, "merged/half/config.json", "{}");
  put(origin, "probes/half", "1");
  const tab = await origin.open();
  assert.deepEqual(await look(tab), { runs: [], adapters: [] });
  for (const area of ["adapters", "runs", "models", "merged", "probes"])
    assert.equal(directory(origin, area).entries?.size, 0, area);
});

test("what cannot be read of one run hides no other", async () => {
  const origin = await afterStory("removing a run");
  put(origin, "runs/broken/page.json", "{");
  const tab = await origin.open();
  const runs = await tab.call("listRuns", {});
  assert.deepEqual(
    runs.map(({ id, state }) => ({ id, state })),
    [
      { id: "r", state: "stopped" },
      { id: "broken", state: "failed" },
    ],
  );
});

test("where the disk is full, what there is can be read, and be removed", async () => {
  const origin = await afterStory("removing an adapter");
  const tab = await origin.open({ fault: "full", at: 0 });
  assert.equal((await look(tab)).adapters.length, 1);
  await assert.rejects(tab.call("renameAdapter", { adapter: "imported", name: "other" }), { code: "quota" });
  await tab.call("removeAdapter", { adapter: "imported" });
  assert.deepEqual((await look(tab)).adapters, []);
});

test("two tabs: what one works on the other refuses, and finds afterwards", async () => {
  const origin = await afterStory("removing a run");
  const [one, other] = [await origin.open(), await origin.open()];
  const model = {
    files: ["config.json", "model.safetensors"].map((path) => ({ path, file: new File(["{}"], path) })),
  };
  for (const tab of [one, other]) await tab.call("loadModel", { model: "m", source: model, dtype: "f32" });
  let begun = () => {};
  const told = new Promise<void>((resolve) => (begun = resolve));
  const params = { run: "r", model: "m", start: "resume" as const, replay: false };
  const end = one.call("run", params, { tell: () => begun() });
  await told;
  await one.call("pauseRun", { run: "r" });
  assert.equal((await other.call("listRuns", {}))[0]?.state, "paused");
  await assert.rejects(other.call("run", params), { code: "busy" });
  await assert.rejects(other.call("removeRun", { run: "r" }), { code: "busy" });
  await one.call("continueRun", { run: "r" });
  assert.equal((await end).state, "done");
  assert.equal((await other.call("listAdapters", {}))[0]?.id, "r");
});

test("beside a model each adapter says whether it belongs to it", async () => {
  const tab = await (await afterStory("removing an adapter")).open();
  const [alone] = await tab.call("listAdapters", {});
  assert.equal(alone?.fit, undefined);
  await tab.call("loadModel", { model: "m", source: MODEL, dtype: "f32" });
  for (let time = 0; time < 2; time += 1) {
    const [beside] = await tab.call("listAdapters", { model: "m" });
    assert.deepEqual(beside, { ...alone, fit: { fits: true } });
  }
  // It is of that model, and nothing that is kept.
  assert.deepEqual(await tab.call("listAdapters", {}), [alone]);
  tab.close();
});
