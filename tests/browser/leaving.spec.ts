// Runs and texts that are left before their end: by `break`, by a signal, by `await using`, by closing
// what they need.

import { expect, test } from "./support.js";

test("leaving the loop stops the run with a checkpoint, and `events` only looks on", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const whole = losses(await collect(flantune.train(model, data, OPTIONS)));
    const left = flantune.train(model, data, OPTIONS);
    for await (const event of left) if (event.step === 3) break;
    const [info] = (await flantune.runs.list()).filter(({ id }) => id === left.id);
    const thrown = flantune.train(model, data, OPTIONS);
    const error = await (async () => {
      for await (const event of thrown) if (event.step === 2) throw new Error("of the page");
    })().catch((error) => error.message);
    const watched = flantune.train(model, data, OPTIONS);
    for await (const event of watched.events()) if (event.step === 3) break;
    const adapter = await watched.adapter;
    const further = await flantune.runs.resume(left.id);
    const resumed = losses(await collect(further));
    // A loop that is left when all is over stops nothing.
    for await (const event of watched) if (event.event === "done") break;
    const result = { whole, info, states: [left.state, thrown.state, watched.state], error, adapter, resumed };
    await flantune.close();
    return result;
  });
  expect(found.info).toMatchObject({ state: "stopped", steps: 12 });
  expect(found.info.step).toBeLessThan(12);
  expect(found.error).toBe("of the page");
  expect(found.states).toEqual(["stopped", "stopped", "done"]);
  expect(found.adapter).toMatchObject({ method: "lora" });
  expect(found.resumed).toEqual(found.whole);
});

test("a signal ends a run and a text with `cancelled`", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, OPTIONS, ready, refusal } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const before = await refusal(flantune.train(model, data, { ...OPTIONS, signal: AbortSignal.abort() }).adapter);
    const none = await flantune.runs.list();
    const abort = new AbortController();
    const run = flantune.train(model, data, { ...OPTIONS, signal: abort.signal });
    const iterated = refusal((async () => {
      for await (const event of run) if (event.step === 3) abort.abort();
    })());
    const adapter = await refusal(run.adapter);
    const [info] = await flantune.runs.list();
    const text = new AbortController();
    const asked = refusal(model.generate(Array.from({ length: 40 }, () => "the cat sat on"), { maxNewTokens: 400, signal: text.signal }));
    text.abort();
    // A signal that comes when all is over changes nothing.
    const late = new AbortController();
    const done = flantune.train(model, data, { ...OPTIONS, maxSteps: 1, signal: late.signal });
    await collect(done);
    late.abort();
    const result = { before, none, iterated: await iterated, adapter, info, state: run.state, asked: await asked, done: await done.adapter };
    await flantune.close();
    return result;
  });
  for (const error of [found.before, found.iterated, found.adapter, found.asked]) expect(error).toMatchObject({ name: "FlantuneError", code: "cancelled" });
  expect(found.none).toEqual([]);
  expect(found.info).toMatchObject({ state: "stopped" });
  expect(found.state).toBe("stopped");
  expect(found.done).toMatchObject({ method: "lora" });
});

test("`await using` ends what its block began", async ({ api }) => {
  // As compilers write it for browsers that do not know it yet.
  const found = await api.evaluate(async () => {
    const { OPTIONS, ready, refusal } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const end = (thing) => thing[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]();
    const run = flantune.train(model, data, OPTIONS);
    for await (const event of run.events()) if (event.step === 2) break;
    await end(run);
    const { state } = run;
    await end(data);
    const rows = await refusal(data.preview(1));
    await end(model);
    const text = await refusal(model.generate("a"));
    await end(flantune);
    return { state, rows, text, closed: await refusal(flantune.keys()) };
  });
  expect(found.state).toBe("stopped");
  for (const error of [found.rows, found.text, found.closed]) expect(error).toMatchObject({ code: "closed" });
});

test("rows and a model that are closed while a run needs them stay until it ends, also over a crash", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { losses, OPTIONS, overhear, ready, start, tiny, trigger } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const whole = [];
    for await (const event of flantune.train(model, data, OPTIONS)) whole.push(event);
    await flantune.close();
    const messages = overhear();
    const other = await start({ hook: "trap" });
    const base = await other.loadModel({ files: await tiny() });
    const { rows } = await import("/page.js");
    const words = await other.loadData(rows(), { validationFraction: 0.2, name: "words" });
    const run = other.train(base, words, OPTIONS);
    // At once: the worker has not even begun.
    await words.close();
    await base.close();
    const events = [];
    let trapped = false;
    for await (const event of run) {
      events.push(event);
      if (event.step === 5 && !trapped) {
        trapped = true;
        trigger("now");
      }
    }
    await run.adapter;
    const dropped = () => messages.filter(({ name }) => name === "dropData" || name === "dropModel").map(({ name }) => name);
    const place = messages.findLastIndex(({ name }) => name === "run");
    const result = { whole: losses(whole), after: losses(events), dropped: dropped(), early: messages.slice(0, place).some(({ name }) => /^drop/.test(name ?? "")) };
    await other.close();
    return result;
  });
  expect(found.after).toEqual(found.whole);
  expect(found.early).toBe(false);
  expect(found.dropped.sort()).toEqual(["dropData", "dropModel"]);
});
