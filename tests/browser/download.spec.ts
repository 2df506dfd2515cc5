// Models from a hub and from folders on the web, against a local server that behaves like the hub.

import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

import { COMMIT, inShards, modelFiles, startHub } from "./hub.mjs";
import { expect, test as base } from "./support.js";

const TINY = fileURLToPath(new URL("../oracle/tiny/gated", import.meta.url));
const WEIGHTS = "model.safetensors";

const test = base.extend<{ hub: Awaited<ReturnType<typeof startHub>> }>({
  hub: async ({ allowed }, use) => {
    const hub = await startHub(modelFiles(TINY));
    allowed.push(hub.url, hub.downloads);
    await use(hub);
    hub.close();
  },
});

test("a model is planned, downloaded, kept, and deleted", async ({ api, hub }) => {
  const found = await api.evaluate(async (hubEndpoint) => {
    const { OPTIONS, rows, start } = await import("/page.js");
    const flantune = await start({ hubEndpoint });
    const plan = await flantune.planModel({ hub: "school/tiny" }, { options: { method: "lora", batchSize: 4 } });
    const progress = [];
    const model = await flantune.loadModel({ hub: "school/tiny" }, { onProgress: (now) => progress.push(now) });
    const data = await flantune.loadData(rows());
    const adapter = await flantune.train(model, data, { ...OPTIONS, maxSteps: 2 }).adapter;
    const stored = await flantune.models.list();
    const after = await flantune.planModel({ hub: "school/tiny" });
    return { plan, progress, recipe: model.recipe, name: model.name, config: adapter.config, stored, after };
  }, hub.url);
  const sizes = Object.values(modelFiles(TINY)).map((bytes) => bytes.length);
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
  expect(found.plan).toMatchObject({ repository: "school/tiny", commit: COMMIT, bytes: total, architecture: { d_model: 32, name: "school/tiny" } });
  expect(found.plan.memory.total).toBeGreaterThan(200_000);
  expect(found.plan.files.every(({ stored }) => !stored)).toBe(true);
  expect(found.progress.map(({ stage }) => stage)).toEqual(expect.arrayContaining(["list", "download", "load"]));
  expect(found.progress.filter(({ stage }) => stage === "download").at(-1)).toMatchObject({ loaded: total, total });
  expect(found.recipe).toEqual({ kind: "hub", name: "school/tiny", revision: COMMIT, dtype: "f32" });
  expect(found.config).toMatchObject({ base_model_name_or_path: "school/tiny", revision: COMMIT });
  expect(found.stored).toMatchObject([{ name: "school/tiny", commit: COMMIT, complete: true }]);
  expect(found.after.bytes).toBe(0);
  // Plain GETs, which tell nothing of the page they come from.
  for (const { method, headers } of hub.requests) {
    expect(method).toBe("GET");
    expect(headers).not.toHaveProperty("referer");
    expect(headers).not.toHaveProperty("range");
    expect(headers).not.toHaveProperty("cookie");
  }
  // By its commit it is had without the network; by its branch, where there is none.
  const before = hub.requests.length;
  hub.pause();
  const left = await api.evaluate(
    async ({ hubEndpoint, revision }) => {
      const { start } = await import("/page.js");
      const flantune = await start({ hubEndpoint });
      const model = await flantune.loadModel({ hub: "school/tiny", revision });
      await model.generate(["the cat"]);
      const offline = await flantune.loadModel({ hub: "school/tiny" });
      if (offline.recipe.revision !== revision) throw new Error("another commit");
      const [{ key }] = await flantune.models.list();
      await flantune.models.delete(key);
      return flantune.models.list();
    },
    { hubEndpoint: hub.url, revision: COMMIT },
  );
  expect(hub.requests).toHaveLength(before);
  expect(left).toEqual([]);
});

for (const ranges of [false, true]) {
  test(`a transfer that breaks is ${ranges ? "taken up where it broke" : "begun again where the server knows no ranges"}`, async ({ api, hub }) => {
    Object.assign(hub.behaviour, { ranges, holdAt: 100_000 });
    await api.exposeFunction("breakHeld", () => hub.breakHeld());
    const found = await api.evaluate(async (hubEndpoint) => {
      const { start } = await import("/page.js");
      const flantune = await start({ hubEndpoint });
      let broken = false;
      const onProgress = ({ file, loaded }) => {
        if (broken || file !== "model.safetensors" || loaded < 50_000) return;
        broken = true;
        void globalThis.breakHeld();
      };
      const model = await flantune.loadModel({ hub: "school/tiny" }, { onProgress });
      const [stored] = await flantune.models.list();
      return { text: await model.generate(["the cat"], { maxNewTokens: 2 }), stored };
    }, hub.url);
    expect(found.stored.complete).toBe(true);
    const asked = hub.asked(WEIGHTS).map(({ method, headers }) => ({ method, range: headers.range }));
    expect(asked).toEqual([
      { method: "GET", range: undefined },
      { method: "GET", range: expect.stringMatching(/^bytes=[1-9]\d*-$/) },
    ]);
  });
}

test("a download that is called off is gone on with later", async ({ api, hub }) => {
  Object.assign(hub.behaviour, { ranges: true, holdAt: 100_000 });
  const called = await api.evaluate(async (hubEndpoint) => {
    const { refusal, start } = await import("/page.js");
    const flantune = await start({ hubEndpoint });
    const abort = new AbortController();
    const onProgress = ({ file, loaded }) => {
      if (file === "model.safetensors" && loaded > 50_000) abort.abort();
    };
    const error = await refusal(flantune.loadModel({ hub: "school/tiny" }, { onProgress, signal: abort.signal }));
    const again = await refusal(flantune.loadModel({ hub: "school/tiny" }, { signal: abort.signal }));
    return { error, again, stored: await flantune.models.list(), plan: await flantune.planModel({ hub: "school/tiny" }) };
  }, hub.url);
  expect(called.error).toMatchObject({ name: "FlantuneError", code: "cancelled" });
  expect(called.again).toMatchObject({ code: "cancelled" });
  expect(called.stored).toMatchObject([{ name: "school/tiny", complete: false }]);
  const { length } = modelFiles(TINY)[WEIGHTS];
  expect(called.plan.bytes).toBeLessThan(length);
  hub.behaviour.holdAt = undefined;
  await api.reload();
  const found = await api.evaluate(async (hubEndpoint) => {
    const { start } = await import("/page.js");
    const flantune = await start({ hubEndpoint });
    const progress = [];
    await flantune.loadModel({ hub: "school/tiny" }, { onProgress: (now) => progress.push(now) });
    return { progress, stored: await flantune.models.list() };
  }, hub.url);
  expect(found.stored).toMatchObject([{ complete: true }]);
  expect(Number(/\d+/.exec(hub.asked(WEIGHTS).at(-1).headers.range)[0])).toBe(length - called.plan.bytes);
});

for (const [told, headers] of Object.entries({ nothing: {}, "its date": { "last-modified": "Mon, 02 Nov 2026 08:00:00 GMT" } })) {
  test(`a folder's file that changed while its download was interrupted is one version: the server tells ${told}`, async ({ api, allowed }) => {
    const files = modelFiles(TINY);
    const hub = await startHub(files);
    allowed.push(hub.url, hub.downloads);
    Object.assign(hub.behaviour, { ranges: true, holdAt: 100_000, headers });
    const load = (abortAt?: number) =>
      api.evaluate(
        async ([url, abortAt]) => {
          const { keptFile, refusal, start } = await import("/page.js");
          const flantune = await start();
          const abort = new AbortController();
          const onProgress = ({ file, loaded }) => file === "model.safetensors" && loaded > (abortAt ?? Infinity) && abort.abort();
          const loading = flantune.loadModel({ url }, { onProgress, signal: abort.signal });
          if (abortAt !== undefined) return refusal(loading);
          await loading;
          const [{ key }] = await flantune.models.list();
          const bytes = new Uint8Array(await (await keptFile(`models/${key}/model.safetensors`)).arrayBuffer());
          return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))];
        },
        [hub.downloads, abortAt] as const,
      );
    expect(await load(50_000)).toMatchObject({ code: "cancelled" });
    // Another version in its first half, where nobody has told that it is the same.
    const changed = Buffer.from(files[WEIGHTS]);
    if (told === "nothing") changed.writeFloatLE(0.125, 60_000);
    files[WEIGHTS] = changed;
    hub.behaviour.holdAt = undefined;
    expect(await load()).toEqual([...createHash("sha256").update(changed).digest()]);
    const ranges = hub.asked(WEIGHTS).map(({ headers }) => headers.range !== undefined);
    expect(ranges.at(-1)).toBe(told !== "nothing");
    hub.close();
  });
}

test("weights in shards, and a folder on the web", async ({ api, allowed, site }) => {
  const hub = await startHub(inShards(modelFiles(TINY)));
  allowed.push(hub.url, hub.downloads);
  hub.behaviour.sizes = false;
  const found = await api.evaluate(
    async ({ hubEndpoint, downloads, folder }) => {
      const { start } = await import("/page.js");
      const flantune = await start({ hubEndpoint });
      const plan = await flantune.planModel({ hub: "school/tiny" });
      const sharded = await flantune.loadModel({ hub: "school/tiny" });
      const single = await flantune.loadModel({ url: folder });
      const folderInShards = await flantune.loadModel({ url: downloads }, { dtype: "int8" });
      const options = { maxNewTokens: 4 };
      return {
        plan,
        texts: [await sharded.generate(["the cat"], options), await single.generate(["the cat"], options)],
        hashes: [sharded.hash, single.hash],
        dtype: folderInShards.dtype,
        recipe: single.recipe,
        stored: await flantune.models.list(),
      };
    },
    { hubEndpoint: hub.url, downloads: hub.downloads, folder: `${site.url}tiny/` },
  );
  hub.close();
  // Without lengths in the listing those of plain GETs are taken.
  expect(found.plan.files).toHaveLength(6);
  expect(found.plan.bytes).toBeGreaterThan(230_000);
  expect(found.texts[0]).toEqual(found.texts[1]);
  expect(found.dtype).toBe("int8");
  expect(found.recipe).toEqual({ kind: "url", name: "tiny", url: `${site.url}tiny/`, dtype: "f32" });
  expect(found.stored).toHaveLength(3);
  expect(found.stored.every(({ complete }) => complete)).toBe(true);
});

test("a folder on the web is kept by its address, however that is written", async ({ api, site }) => {
  const kept = await api.evaluate(async (folder) => {
    const { start } = await import("/page.js");
    const flantune = await start();
    const { key } = await flantune.planModel({ url: folder });
    await flantune.loadModel({ url: folder });
    return { key, stored: await flantune.models.list() };
  }, `${site.url}tiny`);
  expect(kept.stored).toMatchObject([{ key: kept.key, name: "tiny", url: `${site.url}tiny/`, complete: true }]);
  // From now on nobody is asked.
  const asked: string[] = [];
  api.on("request", (request) => request.url().includes("/tiny") && asked.push(request.url()));
  const found = await api.evaluate(
    async ({ folder, stored }) => {
      const { start } = await import("/page.js");
      const flantune = await start();
      const names = [];
      for (const url of [stored, folder, `${folder}/config.json`]) names.push((await flantune.loadModel({ url })).recipe.url);
      return names;
    },
    { folder: `${site.url}tiny`, stored: kept.stored[0].url },
  );
  expect(found).toEqual(Array(3).fill(`${site.url}tiny/`));
  expect(asked).toEqual([]);
});

test("one partial download is given up, and no other", async ({ api, hub, site }) => {
  Object.assign(hub.behaviour, { ranges: true, holdAt: 100_000 });
  const found = await api.evaluate(
    async ({ hubEndpoint, folder }) => {
      const { refusal, start } = await import("/page.js");
      const flantune = await start({ hubEndpoint });
      await flantune.loadModel({ url: folder });
      const abort = new AbortController();
      let key, loading;
      const coming = new Promise((resolve) => {
        const onProgress = (now) => {
          key = now.key;
          if (now.file === "model.safetensors" && now.loaded > 50_000) resolve();
        };
        loading = refusal(flantune.loadModel({ hub: "school/tiny" }, { onProgress, signal: abort.signal }));
      });
      await coming;
      const busy = await refusal(flantune.models.delete(key));
      const before = (await flantune.models.list()).map(({ complete }) => complete);
      // Without waiting for what was called off.
      abort.abort();
      await flantune.models.delete(key);
      const after = await flantune.models.list();
      return { busy, before, after, called: await loading, later: await flantune.models.list() };
    },
    { hubEndpoint: hub.url, folder: `${site.url}tiny/` },
  );
  expect(found.busy).toMatchObject({ code: "busy" });
  expect(found.before.sort()).toEqual([false, true]);
  expect(found.called).toMatchObject({ code: "cancelled" });
  expect(found.after).toMatchObject([{ url: `${site.url}tiny/`, complete: true }]);
  expect(found.later).toEqual(found.after);
});

test("what goes wrong at a hub is told in words", async ({ api, hub, site }) => {
  await api.exposeFunction("behave", (behaviour: object) => Object.assign(hub.behaviour, behaviour));
  const found = await api.evaluate(
    async ({ hubEndpoint, folder }) => {
      const { refusal, start } = await import("/page.js");
      const flantune = await start({ hubEndpoint });
      const load = (source) => refusal(flantune.loadModel(source));
      const found = {
        id: await load({ hub: "no id" }),
        missing: await load({ hub: "school/large" }),
        address: await load({ url: "ftp://localhost/x" }),
        folder: await load({ url: `${folder}nothing/` }),
      };
      await globalThis.behave({ status: 401 });
      found.gated = await load({ hub: "school/tiny" });
      await globalThis.behave({ status: 200, wrong: true });
      found.hash = await load({ hub: "school/tiny" });
      found.stored = await flantune.models.list();
      await flantune.close();
      const elsewhere = await start({ hubEndpoint: folder });
      found.noHub = await refusal(elsewhere.loadModel({ hub: "school/tiny" }));
      return found;
    },
    { hubEndpoint: hub.url, folder: site.url },
  );
  expect(found.id).toMatchObject({ code: "setting", message: expect.stringContaining("google/flan-t5-small") });
  expect(found.missing).toMatchObject({ code: "hub", message: expect.stringContaining("school/large") });
  expect(found.address).toMatchObject({ code: "setting" });
  expect(found.folder).toMatchObject({ name: "FlantuneError", code: "not_found" });
  expect(found.gated).toMatchObject({ code: "hub", hint: expect.stringContaining("gated") });
  expect(found.hash).toMatchObject({ code: "hub", message: expect.stringContaining("hash") });
  expect(found.stored).toMatchObject([{ complete: false }]);
  expect(found.noHub).toMatchObject({ code: "hub" });
});

base("a server that cannot be reached is named", async ({ api, allowed }) => {
  const hub = await startHub({});
  allowed.push(hub.url);
  hub.close();
  const found = await api.evaluate(async (hubEndpoint) => {
    const { refusal, start } = await import("/page.js");
    const flantune = await start({ hubEndpoint });
    return refusal(flantune.planModel({ hub: "school/tiny" }));
  }, hub.url);
  expect(found).toMatchObject({ code: "network", message: expect.stringContaining(new URL(hub.url).host) });
});
