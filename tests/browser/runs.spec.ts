// Runs: paused, stopped, cut off, crashed, and gone on with.

import { expect, test } from "./support.js";

test("a run is paused, gone on with, asked while it trains, and stopped", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const options = { ...OPTIONS, maxSteps: 16, checkpointEvery: 100, evalEvery: 100 };
    const whole = losses(await collect(flantune.train(model, data, options)));

    const run = flantune.train(model, data, options);
    const events = [];
    const seen = async (step) => {
      for await (const event of run.events()) if (event.step === step) return;
    };
    const following = collect(run).then((all) => events.push(...all));
    await seen(2);
    await run.pause();
    const paused = { state: run.state, listed: (await flantune.runs.list())[0] };
    // What else is asked is answered meanwhile, and the run stays where it is.
    const text = await model.generate(["the cat"], { maxNewTokens: 2 });
    const still = (await flantune.runs.list())[0].step;
    await run.resume();
    await seen(paused.listed.step + 2);
    const during = await model.generate(["the cat"], { maxNewTokens: 2 });
    await run.stop();
    await following;
    const stopped = { state: run.state, adapter: await run.adapter, listed: (await flantune.runs.list())[0] };
    const resumed = await flantune.runs.resume(run.id);
    const rest = await collect(resumed);
    return { whole, paused, text, still, during, events, stopped, rest, all: losses(rest), runs: await flantune.runs.list() };
  });
  expect(found.paused).toMatchObject({ state: "paused", listed: { state: "paused" } });
  expect(found.still).toBe(found.paused.listed.step);
  expect(found.during).toEqual(found.text);
  expect(found.events.at(-1)).toMatchObject({ event: "checkpoint", step: found.stopped.listed.step });
  expect(found.stopped).toMatchObject({ state: "stopped", adapter: { method: "lora" }, listed: { state: "stopped" } });
  expect(found.stopped.listed.step).toBeLessThan(16);
  // The earlier events are told first; the losses are those of a run that nobody touched.
  expect(found.all).toEqual(found.whole);
  expect(found.rest.at(-1)).toMatchObject({ event: "done", steps: 16 });
  expect(found.runs.map(({ state, step }) => ({ state, step }))).toEqual([
    { state: "done", step: 16 },
    { state: "done", step: 16 },
  ]);
});

test("a stopped run that was judged has its best adapter", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 200, evalEvery: 2, name: "early" });
    for await (const { event } of run.events()) if (event === "eval") break;
    await run.stop();
    const adapter = await run.adapter;
    const { metrics } = await model.evaluate(data, { adapter, split: "validation" });
    return { adapter, loss: metrics.loss, list: await flantune.adapters.list() };
  });
  expect(found.adapter.name).toMatch(/^early, stopped at step \d+$/);
  expect(found.loss).toBeGreaterThan(0);
  expect(found.list).toHaveLength(1);
});

test("a second stop gives the weights of the second stop", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { keptFile, OPTIONS, ready, tensors } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const options = { ...OPTIONS, maxSteps: 400, evalEvery: 400, checkpointEvery: 400, name: "twice" };
    const stopAfter = async (run, steps) => {
      for await (const { step } of run.events()) if (step === steps) break;
      await run.stop();
      const { step } = (await flantune.runs.list())[0];
      const { id, name } = await run.adapter;
      const [config, weights] = await Promise.all(
        ["adapter_config.json", "adapter_model.safetensors"].map((file) => keptFile(`runs/${id}/${file}`)),
      );
      const zip = new File([await flantune.adapters.export(id)], "twice.zip");
      const again = await flantune.adapters.import(zip);
      const { metrics } = await model.evaluate(data, { adapter: again });
      await flantune.adapters.delete(again);
      const checkpoint = await keptFile(`runs/${id}/checkpoints/step-${step}/weights.safetensors`);
      return { id, name, step, loss: metrics.loss, written: await tensors(weights), config: config.size, checkpoint: await tensors(checkpoint) };
    };
    const run = flantune.train(model, data, options);
    const first = await stopAfter(run, 3);
    const second = await stopAfter(await flantune.runs.resume(run.id, { model }), first.step + 3);
    return { first, second, adapters: await flantune.adapters.list() };
  });
  const { first, second } = found;
  expect(second.step).toBeGreaterThan(first.step);
  for (const { name, step, written, checkpoint } of [first, second]) {
    expect(name).toBe(`twice, stopped at step ${step}`);
    expect(written).toEqual(checkpoint);
  }
  expect(second.written).not.toEqual(first.written);
  expect(second.loss).not.toBe(first.loss);
  expect(found.adapters).toMatchObject([{ id: second.id, name: second.name }]);
});

test("closing comes to an end where the device does not answer", async ({ api }) => {
  await api.clock.install();
  await api.evaluate(async () => {
    const { OPTIONS, ready, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "silent" });
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 400, evalEvery: 400 });
    for await (const { event, step } of run.events()) if (event === "checkpoint" && step >= 4) break;
    trigger("silent");
    const closing = flantune.close();
    Object.assign(globalThis, { closing: closing.then(() => run.adapter.catch(({ code }) => code)) });
  });
  await api.clock.fastForward(30_000);
  const found = await api.evaluate(async () => {
    const { ready } = await import("/page.js");
    const code = await globalThis.closing;
    const { flantune, model } = await ready();
    const [info] = await flantune.runs.list();
    const run = await flantune.runs.resume(info.id, { model });
    for await (const { event, resumed_from: from } of run) {
      if (event !== "start" || from === undefined) continue;
      await run.stop();
      return { code, state: info.state, from };
    }
  });
  expect(found).toMatchObject({ code: "closed", state: "interrupted" });
  expect(found?.from).toBeGreaterThanOrEqual(4);
});

test("names and scores of adapters outlive every index", async ({ api }) => {
  const before = await api.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const { id } = await flantune.train(model, data, { ...OPTIONS, maxSteps: 4 }).adapter;
    await flantune.adapters.rename(id, "the good one");
    return flantune.adapters.list();
  });
  expect(before).toMatchObject([{ name: "the good one", metrics: { loss: expect.any(Number) }, model: { kind: "files" } }]);
  await api.reload();
  const after = await api.evaluate(async () => {
    const { start } = await import("/page.js");
    for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
    return (await start()).adapters.list();
  });
  expect(after).toEqual(before);
});

test("an adapter of before adapters had records keeps its name and scores", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { file, ready } = await import("/page.js");
    // As it once lay there: PEFT's files in the adapter's directory, what is known of it in IndexedDB.
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle("flantune", { create: true });
    const adapters = await root.getDirectoryHandle("adapters", { create: true });
    for (const id of ["known", "unknown"]) {
      const directory = await adapters.getDirectoryHandle(id, { create: true });
      for (const name of ["adapter_config.json", "adapter_model.safetensors"]) {
        const writable = await (await directory.getFileHandle(name, { create: true })).createWritable();
        await writable.write(await file(`/adapters/lora/trained/${name}`));
        await writable.close();
      }
    }
    const info = { id: "known", name: "of old", created: 5, model: null, metrics: { loss: 0.25 } };
    await new Promise((resolve) => {
      const opening = indexedDB.open("flantune", 1);
      opening.onupgradeneeded = () => {
        for (const name of ["runs", "adapters"]) opening.result.createObjectStore(name, { keyPath: "id" });
      };
      opening.onsuccess = () => {
        const transaction = opening.result.transaction("adapters", "readwrite");
        transaction.objectStore("adapters").put(info);
        transaction.oncomplete = () => resolve(opening.result.close());
      };
    });
    const first = await ready();
    const list = await first.flantune.adapters.list();
    await first.flantune.close();
    await new Promise((resolve) => (indexedDB.deleteDatabase("flantune").onsuccess = resolve));
    const { flantune, model } = await ready();
    const again = await flantune.adapters.list();
    const texts = await model.generate(["the cat"], { adapter: "known", maxNewTokens: 2 });
    const databases = await indexedDB.databases();
    return { list, again, texts, databases };
  });
  expect(found.list).toHaveLength(2);
  expect(found.list.find(({ id }) => id === "known")).toMatchObject({ name: "of old", created: 5, metrics: { loss: 0.25 }, method: "lora" });
  expect(found.list.find(({ id }) => id === "unknown")).toMatchObject({ name: "unknown", metrics: {} });
  expect(found.again).toEqual(found.list);
  expect(found.texts).toHaveLength(1);
  expect(found.databases).toEqual([]);
});

test("a run that was cut off by closing its tab goes on to the same losses", async ({ api, context, site }) => {
  const tab = await context.newPage();
  await tab.goto(`${site.url}page.html`);
  const id = await tab.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 40 });
    for await (const event of run.events()) if (event.step === 7) break;
    await run.pause();
    globalThis.run = run;
    return run.id;
  });
  // Meanwhile another tab neither offers it nor takes it.
  const meanwhile = await api.evaluate(async () => {
    const { ready, refusal } = await import("/page.js");
    const { flantune, model } = await ready();
    const [run] = await flantune.runs.list();
    const busy = await refusal((await flantune.runs.resume(run.id, { model })).adapter);
    const removed = await refusal(flantune.runs.delete(run.id));
    await flantune.close();
    return { run, busy, removed };
  });
  expect(meanwhile).toMatchObject({ run: { id }, busy: { code: "busy" }, removed: { code: "busy" } });
  // It works when it is cut off.
  await tab.evaluate(async () => {
    const { run } = globalThis;
    const { step } = run.info;
    await run.resume();
    for await (const event of run.events()) if (event.step === step + 3) break;
  });
  await tab.close();
  const found = await api.evaluate(async (id) => {
    const { collect, losses, OPTIONS, ready, refusal } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const [info] = await flantune.runs.list();
    const events = await collect(await flantune.runs.resume(id, { model }));
    const whole = await collect(flantune.train(model, data, { ...OPTIONS, maxSteps: 40 }));
    return { info, events, resumed: losses(events), whole: losses(whole), done: whole.at(-1), missing: await refusal(flantune.runs.resume("nothing")) };
  }, id);
  expect(found.info).toMatchObject({ id, state: "interrupted", data: { name: "words", rows: 40 }, model: { kind: "files" } });
  const starts = found.events.filter(({ event }) => event === "start");
  expect(starts.at(-1).resumed_from).toBeGreaterThanOrEqual(6);
  expect(found.resumed).toHaveLength(40);
  expect(found.resumed).toEqual(found.whole);
  expect(found.events.at(-1).metrics).toEqual(found.done.metrics);
  expect(found.missing).toMatchObject({ code: "not_found" });
});

test("a run that was cut off before its first checkpoint tells each step once", async ({ api, context, site }) => {
  const tab = await context.newPage();
  await tab.goto(`${site.url}page.html`);
  await tab.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 400, checkpointEvery: 400, evalEvery: 400 });
    for await (const event of run.events()) if (event.step === 3) break;
  });
  await tab.close();
  const steps = await api.evaluate(async () => {
    const { ready } = await import("/page.js");
    const { flantune, model } = await ready();
    const [{ id }] = await flantune.runs.list();
    const run = await flantune.runs.resume(id, { model });
    const steps = [];
    for await (const { event, step } of run) {
      if (event === "step") steps.push(step);
      if (step === 5) break;
    }
    await run.stop();
    return steps;
  });
  expect(steps).toEqual([1, 2, 3, 4, 5]);
});

test("a run whose base is the user's files asks for them", async ({ api }) => {
  const id = await api.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 100 });
    for await (const { event } of run.events()) if (event === "checkpoint") break;
    await flantune.close();
    return run.id;
  });
  const found = await api.evaluate(async (id) => {
    const { refusal, start } = await import("/page.js");
    const flantune = await start();
    const asked = await refusal(flantune.runs.resume(id));
    await flantune.runs.delete(id);
    return { asked, left: await flantune.runs.list() };
  }, id);
  expect(found.asked).toMatchObject({ code: "model_needed", hint: expect.stringContaining("files") });
  expect(found.left).toEqual([]);
});

test("a run goes on although its base was closed, which is loaded for it and closed again", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, models, OPTIONS, overhear, rows, start, tiny } = await import("/page.js");
    const messages = overhear();
    const flantune = await start();
    const base = await flantune.loadModel({ builtin: true });
    const data = await flantune.loadData(rows());
    const run = flantune.train(base, data, { ...OPTIONS, maxSteps: 6 });
    for await (const event of run.events()) if (event.step === 2) break;
    await run.stop();
    await base.close();
    const closed = { lengths: await data.lengths().catch(({ code }) => code), preview: await data.preview(1) };
    const own = await flantune.loadModel({ files: await tiny() });
    const open = { lengths: await data.lengths(), preview: await data.preview(1) };
    const events = await collect(await flantune.runs.resume(run.id));
    // Rows are still read with the model that the user has.
    const after = await data.preview(1);
    return { closed, open, after, own: own.id, events, ...models(messages), runs: await flantune.runs.list() };
  });
  expect(found.closed.lengths).toBe("model_needed");
  expect(found.closed.preview[0].source).not.toHaveProperty("tokens");
  expect(found.open.lengths.rows).toBe(40);
  expect(found.open.preview[0].source.tokens.length).toBeGreaterThan(0);
  expect(found.after).toEqual(found.open.preview);
  expect(found.events.at(-1)).toMatchObject({ event: "done", steps: 6 });
  expect(found.runs).toMatchObject([{ state: "done" }]);
  expect(found.loaded).toHaveLength(3);
  expect(found.dropped).toEqual(found.loaded.filter((id) => id !== found.own));
});

test("after a crash the run goes on from its checkpoint", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "trap" });
    const options = { ...OPTIONS, maxSteps: 14 };
    const whole = losses(await collect(flantune.train(model, data, options)));
    const run = flantune.train(model, data, options);
    for await (const event of run.events()) if (event.step === 5) break;
    trigger("trap");
    const events = await collect(run);
    const adapter = await run.adapter;
    // Model and rows are there again too.
    const text = await model.generate(["the cat"], { adapter, maxNewTokens: 2 });
    const preview = await data.preview(1);
    return { whole, events, losses: losses(events), state: run.state, text, preview, runs: await flantune.runs.list() };
  });
  const warning = found.events.findIndex(({ event }) => event === "warning");
  expect(found.events[warning]).toMatchObject({ code: "crash", message: expect.stringContaining("goes on from step") });
  expect(found.events[warning + 1].resumed_from).toBeGreaterThanOrEqual(4);
  expect(found.losses).toEqual(found.whole);
  expect(found).toMatchObject({ state: "done", preview: [{ row: 0 }] });
  expect(found.runs.map(({ state }) => state)).toEqual(["done", "done"]);
});

test("a run for which the memory does not suffice goes on with ever fewer rows at a time", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, OPTIONS, start, tiny, trigger } = await import("/page.js");
    const flantune = await start({ hook: "no-memory" });
    const model = await flantune.loadModel({ files: await tiny() });
    const source = "the cat sat on the dog ran ".repeat(70);
    const long = Array.from({ length: 72 }, (_, row) => ({ source: `${row} ${source}`, target: "the cat" }));
    const data = await flantune.loadData(long, { validationFraction: 0.1 });
    const run = flantune.train(model, data, { ...OPTIONS, batchSize: 64, maxSteps: 1 });
    const events = [];
    for await (const event of run) {
      events.push(event);
      // The second worker has no more than the first.
      if (event.event === "start" && events.filter(({ event }) => event === "start").length < 3) trigger("fill");
    }
    const [info] = await flantune.runs.list();
    return { events, info, adapter: await run.adapter };
  });
  const warnings = found.events.filter(({ code }) => code === "out_of_memory");
  expect(warnings).toMatchObject([
    { code: "out_of_memory", message: expect.stringMatching(/bytes more were refused.*with 32 rows at a time/) },
    { code: "out_of_memory", message: expect.stringMatching(/bytes more were refused.*with 16 rows at a time/) },
  ]);
  expect(found.events.at(-1)).toMatchObject({ event: "done", steps: 1 });
  expect(found.info).toMatchObject({ state: "done", rowsAtOnce: 16 });
});

test("a run that is stopped while it recovers from a crash stops", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { OPTIONS, ready, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "trap" });
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 400, evalEvery: 2 });
    const crashed = (async () => {
      for await (const { event } of run.events()) if (event === "warning") return;
    })();
    for await (const event of run.events()) if (event.step === 5) break;
    trigger("trap");
    await crashed;
    await run.stop();
    return { state: run.state, info: (await flantune.runs.list())[0] };
  });
  expect(found).toMatchObject({ state: "stopped", info: { state: "stopped" } });
  expect(found.info.step).toBeLessThan(400);
});

test("a run that crashes again without progress ends, and keeps its checkpoint", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, OPTIONS, ready, refusal, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "trap" });
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 400, checkpointEvery: 3, evalEvery: 1000 });
    const crash = async (until) => {
      for await (const event of run.events()) if (until(event)) break;
      trigger("trap");
    };
    const events = [];
    const following = refusal(
      (async () => {
        for await (const event of run) events.push(event);
      })(),
    );
    await crash(({ step }) => step === 4);
    // As soon as it has begun again, before the next checkpoint.
    await crash(({ event, resumed_from }) => event === "start" && resumed_from !== undefined);
    const error = await following;
    const [info] = await flantune.runs.list();
    const resumed = await flantune.runs.resume(run.id);
    for await (const event of resumed.events()) if (event.step > 10) break;
    await resumed.stop();
    return { error, last: events.at(-1), state: run.state, info, adapter: await refusal(run.adapter) };
  });
  expect(found.error).toMatchObject({ code: "crash", message: expect.stringMatching(/the checkpoint of step \d+ is kept/) });
  // For people a sentence, for programs a number: going on takes it up by itself.
  expect(found.error).toMatchObject({ rowsAtOnce: 4, hint: expect.stringMatching(/^Go on with it: [^`(]+$/) });
  expect(found.info.rowsAtOnce).toBe(4);
  expect(found.last).toMatchObject({ event: "error", code: "crash" });
  expect(found).toMatchObject({ state: "failed", info: { state: "failed" }, adapter: { code: "crash" } });
});

test("a full disk ends the run with a choice, and nothing is lost", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, OPTIONS, ready, refusal, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "full" });
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 300 });
    for await (const event of run.events()) if (event.step === 5) break;
    trigger("full");
    const error = await refusal(run.adapter);
    trigger("room");
    const [info] = await flantune.runs.list();
    const resumed = await flantune.runs.resume(run.id);
    for await (const event of resumed.events()) if (event.step > 10) break;
    await resumed.stop();
    return { error, info, state: resumed.state };
  });
  expect(found.error).toMatchObject({ code: "quota", hint: expect.stringContaining("Remove") });
  expect(found).toMatchObject({ info: { state: "failed" }, state: "stopped" });
});

test("a run that failed after its last step is offered, and ends with its adapter", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, OPTIONS, ready, refusal, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "full-library" });
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 5, checkpointEvery: 2 });
    const error = await refusal(run.adapter);
    const failed = await flantune.runs.list();
    trigger("room");
    const events = await collect(await flantune.runs.resume(run.id));
    return { error, failed, events, runs: await flantune.runs.list(), adapters: await flantune.adapters.list() };
  });
  expect(found.error).toMatchObject({ code: "quota" });
  expect(found.failed).toMatchObject([{ state: "failed", step: 5, steps: 5, problem: expect.stringContaining("room") }]);
  expect(found.events.at(-1)).toMatchObject({ event: "done", steps: 5 });
  expect(found.runs).toMatchObject([{ state: "done", adapter: found.adapters[0].id }]);
  expect(found.adapters).toHaveLength(1);
});

test("nothing of the rows stays in the browser when a run is done, and nothing at all without its adapter", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { kept, OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const train = (options) => flantune.train(model, data, { ...OPTIONS, maxSteps: 4, ...options });
    const first = await train().adapter;
    const done = await kept();
    const second = train({ initAdapter: first.id, maxSteps: 100 });
    for await (const event of second.events()) if (event.step === 3) break;
    await second.stop();
    const stopped = await kept();
    await flantune.adapters.delete(first);
    await flantune.adapters.delete(second.id);
    const runs = await flantune.runs.list();
    await flantune.runs.delete(second.id);
    return { done, stopped, runs, second: second.id, left: await kept(), listed: await flantune.runs.list() };
  });
  const rows = (paths: string[]) => paths.filter((path) => path.endsWith(".jsonl"));
  expect(rows(found.done)).toEqual([]);
  expect(found.done.filter((path) => path.startsWith("runs/"))).toEqual([expect.stringMatching(/page\.json$/)]);
  // What is stopped can be gone on with.
  expect(rows(found.stopped).length).toBeGreaterThan(0);
  expect(found.runs).toMatchObject([{ id: found.second, state: "stopped" }]);
  expect(found).toMatchObject({ left: [], listed: [] });
});
