// Devices: which is taken, why, and what happens when it is lost.

import { expect, test } from "./support.js";

test("says why it is not the GPU", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { refusal, start } = await import("/page.js");
    const device = async (options) => {
      const flantune = await start(options);
      const { device } = flantune;
      await flantune.close();
      return device;
    };
    return {
      software: await device({ device: "auto" }),
      none: await device({ device: "auto", hook: "no-webgpu" }),
      broken: await device({ device: "auto", hook: "broken-driver" }),
      asked: await refusal(start({ device: "webgpu", hook: "no-webgpu" })),
      gpu: await device({ device: "webgpu" }),
      cpu: await device({ device: "cpu" }),
      noWorker: await refusal(start({ workerUrl: "/nothing.js" })),
      noWasm: await refusal(start({ wasmUrl: "/nothing.wasm" })),
    };
  });
  expect(found.software).toMatchObject({ kind: "cpu", reason: { code: "software", hint: expect.any(String) } });
  expect(found.none).toMatchObject({ kind: "cpu", reason: { code: "no_webgpu", hint: expect.stringContaining("Firefox") } });
  expect(found.broken).toMatchObject({ kind: "cpu", reason: { code: "failed", message: expect.stringContaining("unreachable") } });
  expect(found.asked).toMatchObject({ name: "FlantuneError", code: "device", message: expect.stringContaining("no WebGPU") });
  expect(found.gpu).toMatchObject({ kind: "webgpu", name: expect.stringMatching(/swiftshader/i) });
  expect(found.gpu.limits.maxBufferSize).toBeGreaterThan(256 * 1024 * 1024);
  expect(found.cpu).toEqual({ kind: "cpu", name: expect.any(String), limits: {} });
  expect(found.noWorker).toMatchObject({ code: "network" });
  expect(found.noWasm).toMatchObject({ code: "network" });
});

test("a GPU that never answers is not waited for", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { OPTIONS, ready, refusal, start } = await import("/page.js");
    const found = {};
    for (const what of ["adapter", "driver"]) {
      const { flantune, model, data } = await ready({ device: "auto", hook: `mute-gpu=${what}` });
      const { method } = await flantune.train(model, data, { ...OPTIONS, maxSteps: 2 }).adapter;
      found[what] = { device: flantune.device, method };
      await flantune.close();
    }
    return { ...found, asked: await refusal(start({ device: "webgpu", hook: "mute-gpu=driver" })) };
  });
  const reason = { code: "failed", message: expect.stringContaining("does not answer") };
  for (const what of ["adapter", "driver"]) expect(found[what]).toMatchObject({ method: "lora", device: { kind: "cpu", reason } });
  expect(found.asked).toMatchObject({ code: "device", message: expect.stringContaining("does not answer") });
});

test("does not train on a GPU that computes wrong numbers", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { OPTIONS, ready, refusal, start } = await import("/page.js");
    const { flantune, model, data } = await ready({ device: "auto", hook: "wrong-numbers" });
    const { device } = flantune;
    const { method } = await flantune.train(model, data, { ...OPTIONS, maxSteps: 2 }).adapter;
    await flantune.close();
    return { device, method, asked: await refusal(start({ device: "webgpu", hook: "wrong-numbers" })) };
  });
  const message = "This graphics driver computes wrong numbers; training on the processor";
  expect(found.device).toMatchObject({ kind: "cpu", reason: { code: "wrong_numbers", message, hint: expect.any(String) } });
  expect(found.method).toBe("lora");
  expect(found.asked).toMatchObject({ code: "device", message: expect.stringContaining("wrong numbers") });
});

test("a GPU is compared with the processor once, and what was found is kept", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { kept, keptFile, start } = await import("/page.js");
    const proof = async () => {
      const flantune = await start({ device: "webgpu" });
      const { leftOut } = flantune.device;
      await flantune.close();
      const [path, ...more] = (await kept()).filter((path) => path.startsWith("devices/"));
      return { leftOut, more, text: await (await keptFile(path)).text() };
    };
    return [await proof(), await proof()];
  });
  const [first, second] = found;
  expect(first).toMatchObject({ leftOut: undefined, more: [] });
  expect(JSON.parse(first.text)).toMatchObject({ right: true, wrong: [], driver: expect.stringContaining("Chrome") });
  // With the seconds that it took: nothing was measured again.
  expect(second).toEqual(first);
});

test("trains on a GPU whose browser hides timestamp-query", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready({ device: "webgpu", hook: "no-timestamp-query" });
    const events = await collect(flantune.train(model, data, { ...OPTIONS, maxSteps: 3, evalSamples: 0 }));
    return { device: flantune.device.kind, losses: losses(events) };
  });
  expect(found.device).toBe("webgpu");
  expect(found.losses).toHaveLength(3);
  for (const loss of found.losses) expect(loss).toBeGreaterThan(0);
});

test("a run goes on when its GPU is lost", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready, trigger } = await import("/page.js");
    const options = { ...OPTIONS, maxSteps: 8, evalSamples: 0, evalEvery: 8 };
    const { flantune, model, data } = await ready({ device: "webgpu", hook: "lose-device" });
    const run = flantune.train(model, data, options);
    for await (const event of run.events()) if (event.step === 3) break;
    trigger("lose");
    const events = await collect(run);
    const adapter = await run.adapter;
    const { kind } = flantune.device;
    await flantune.close();
    const cpu = await ready();
    const whole = losses(await collect(cpu.flantune.train(cpu.model, cpu.data, options)));
    return { events, losses: losses(events), whole, adapter, kind };
  });
  const warning = found.events.findIndex(({ event }) => event === "warning");
  expect(found.events[warning]).toMatchObject({ code: "device_lost", message: expect.stringMatching(/from step [24], with 4 rows at a time/) });
  expect(found.events[warning + 1]).toMatchObject({ event: "start", resumed_from: expect.any(Number), device: "webgpu" });
  expect(found.events.at(-1)).toMatchObject({ event: "done", steps: 8 });
  expect(found.kind).toBe("webgpu");
  // Half batches give the same steps.
  expect(found.losses).toHaveLength(8);
  found.whole.forEach((loss, step) => expect(Math.abs(found.losses[step] / loss - 1)).toBeLessThan(1e-3));
});

test("trains where the browser keeps nothing, and says so", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready({ hook: "no-opfs" });
    const adapter = await flantune.train(model, data, OPTIONS).adapter;
    const zip = await flantune.adapters.export(adapter);
    const { warnings } = flantune;
    const [run] = await flantune.runs.list();
    return { warnings, bytes: zip.size, run: run.state, listed: (await flantune.adapters.list()).length };
  });
  expect(found.warnings).toMatchObject([{ code: "no_storage", hint: expect.stringContaining("Export") }]);
  expect(found.bytes).toBeGreaterThan(10_000);
  expect(found).toMatchObject({ run: "done", listed: 1 });
});

test("a closed Flantune says so", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { ready, refusal } = await import("/page.js");
    const { flantune, model } = await ready();
    await flantune.close();
    return refusal(model.generate(["the cat"]));
  });
  expect(found).toMatchObject({ name: "FlantuneError", code: "closed" });
});
