// The API, from start to export, in a real browser.

import { expect, test } from "./support.js";

for (const device of ["cpu", "webgpu"]) {
  test(`trains LoRA and a soft prompt on ${device}`, async ({ api }) => {
    const found = await api.evaluate(async (device) => {
      const { collect, losses, OPTIONS, ready } = await import("/page.js");
      const { flantune, model, data } = await ready({ device });
      const train = async (options) => {
        const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 8, ...options });
        return { events: await collect(run), adapter: await run.adapter };
      };
      const lora = await train({ method: "lora" });
      const prompt = await train({ method: "prompt", numVirtualTokens: 4, learningRate: 0.3 });
      const { adapter } = lora;
      const prompts = data.records.slice(0, 8).map(({ source }) => source);
      const result = {
        device: flantune.device,
        lora: losses(lora.events),
        prompt: losses(prompt.events),
        events: lora.events,
        adapter,
        base: await model.generate(prompts, { maxNewTokens: 4 }),
        tuned: await model.generate(prompts, { adapter, maxNewTokens: 4 }),
        before: (await model.evaluate(data, { split: "validation" })).metrics,
        after: (await model.evaluate(data, { split: "validation", adapter, metrics: ["loss", "rougeL"] })).metrics,
      };
      await flantune.close();
      return result;
    }, device);
    expect(found.device.kind).toBe(device);
    for (const losses of [found.lora, found.prompt]) {
      expect(losses).toHaveLength(8);
      expect(losses.at(-1)).toBeLessThan(losses[0] * 0.9);
    }
    expect(found.events[0]).toMatchObject({ event: "start", method: "lora", steps: 8, examples: 32, validation_examples: 8, device });
    expect(found.events.at(-1)).toMatchObject({ event: "done", steps: 8 });
    expect(found.adapter).toMatchObject({ method: "lora", parameters: 3072, name: "words, LoRA of rank 4" });
    expect(found.tuned).not.toEqual(found.base);
    expect(found.after.loss).toBeLessThan(found.before.loss);
    // The run kept its best step, and said so.
    expect(found.after.loss).toBeCloseTo(found.adapter.metrics.loss, 4);
    expect(found.after.rougeL.f1).toBeGreaterThan(0);
  });
}

test("the GPU's losses are the CPU's", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready } = await import("/page.js");
    const run = async (device) => {
      const { flantune, model, data } = await ready({ device });
      const events = await collect(flantune.train(model, data, { ...OPTIONS, maxSteps: 5 }));
      await flantune.close();
      return losses(events);
    };
    return { cpu: await run("cpu"), webgpu: await run("webgpu") };
  });
  expect(found.cpu).toHaveLength(5);
  found.cpu.forEach((loss, step) => expect(Math.abs(found.webgpu[step] / loss - 1)).toBeLessThan(1e-4));
});

test("an adapter is exported, imported, and survives a reload", async ({ api }) => {
  const first = await api.evaluate(async () => {
    const { OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const adapter = await flantune.train(model, data, OPTIONS).adapter;
    const bytes = async () => [...new Uint8Array(await (await flantune.adapters.export(adapter)).arrayBuffer())];
    const prompts = ["the cat sat", "dog ran on"];
    return {
      adapter,
      zip: await bytes(),
      again: await bytes(),
      texts: await model.generate(prompts, { adapter, maxNewTokens: 4 }),
    };
  });
  expect(first.again).toEqual(first.zip);
  await api.reload();
  const second = await api.evaluate(async (zip) => {
    const { ready } = await import("/page.js");
    const { flantune, model } = await ready();
    const imported = await flantune.adapters.import(new File([new Uint8Array(zip)], "from elsewhere.zip"));
    const prompts = ["the cat sat", "dog ran on"];
    const listed = await flantune.adapters.list();
    const texts = [];
    for (const { id } of listed) texts.push(await model.generate(prompts, { adapter: id, maxNewTokens: 4 }));
    const renamed = await flantune.adapters.rename(imported, "mine");
    await flantune.adapters.delete(listed[1]);
    const merged = await model.merge(imported);
    return { imported, listed, texts, renamed, left: await flantune.adapters.list(), merged: merged.size };
  }, first.zip);
  expect(second.listed.map(({ name }) => name)).toEqual(["from elsewhere", "words, LoRA of rank 4"]);
  expect(second.imported).toMatchObject({ method: "lora", parameters: first.adapter.parameters, base: first.adapter.base });
  expect(second.texts).toEqual([first.texts, first.texts]);
  expect(second.renamed.name).toBe("mine");
  expect(second.left.map(({ name }) => name)).toEqual(["mine"]);
  expect(second.merged).toBeGreaterThan(220_000);
});

test("several adapters are swapped per request, and one of another base is refused", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, file, losses, OPTIONS, ready, refusal, tiny } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const train = (options) => flantune.train(model, data, { ...OPTIONS, ...options }).adapter;
    const first = await train({ name: "first" });
    const further = await collect(flantune.train(model, data, { ...OPTIONS, initAdapter: first.id, maxSteps: 1 }));
    const begun = losses(further)[0];
    const [one, other] = [await train({ name: "one" }), await train({ name: "one", method: "prompt", learningRate: 0.3 })];
    const ask = async (adapter) => (await model.evaluate(data, { adapter })).metrics.loss;
    const config = JSON.parse(await (await file("/tiny/config.json")).text());
    const wider = new File([JSON.stringify({ ...config, n_positions: 1 })], "config.json");
    const others = await Promise.all([wider, ...(await tiny()).filter(({ name }) => name !== "config.json")]);
    const weights = others.find(({ name }) => name === "model.safetensors");
    // Another base of the same shape: one bit of a small tensor differs.
    const bytes = new Uint8Array(await weights.arrayBuffer());
    for (let place = 40_000; place < bytes.length; place += 4) bytes[place] ^= 1;
    const changed = [...others.filter((file) => file !== weights), new File([bytes], "model.safetensors")];
    const stranger = await flantune.loadModel({ files: changed });
    return {
      begun,
      names: [one.name, other.name],
      losses: [await ask(null), await ask(one), await ask(other.id), await ask(one), await ask(null)],
      strange: await refusal(stranger.generate(["the cat"], { adapter: one })),
      missing: await refusal(model.generate(["the cat"], { adapter: "nothing" })),
    };
  });
  expect(found.names).toEqual(["one", "one 2"]);
  const [base, one, other] = found.losses;
  // Trained further, not from the beginning.
  expect(found.begun).toBeLessThan(base * 0.8);
  expect(found.losses).toEqual([base, one, other, one, base]);
  expect(new Set(found.losses).size).toBe(3);
  expect(found.strange).toMatchObject({ name: "FlantuneError", code: "adapter" });
  expect(found.missing).toMatchObject({ code: "not_found" });
});

test("a model of the user's own files tells how much of them is read", async ({ api }) => {
  const { progress, weights } = await api.evaluate(async () => {
    const { start, tiny } = await import("/page.js");
    const flantune = await start();
    const files = await tiny();
    const progress = [];
    await flantune.loadModel({ files }, { onProgress: (now) => progress.push(now) });
    return { progress, weights: files.find(({ name }) => name === "model.safetensors").size };
  });
  const read = progress.filter(({ stage }) => stage === "read");
  expect(read[0].loaded).toBeLessThan(weights);
  expect(read.at(-1)).toEqual({ stage: "read", file: "model.safetensors", loaded: weights, total: weights });
  expect(progress.at(-1)).toEqual({ stage: "load", loaded: 0 });
  expect(progress).toHaveLength(read.length + 1);
});

test("a model that is called off is not kept, however late", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { models, overhear, refusal, rows, start, tiny } = await import("/page.js");
    const abort = new AbortController();
    const messages = overhear(({ kind, id }) => {
      const call = messages.find((message) => message.id === id);
      if (kind === "result" && call?.name === "loadModel") abort.abort();
    });
    const flantune = await start();
    const late = await refusal(flantune.loadModel({ files: await tiny() }, { signal: abort.signal }));
    const data = await flantune.loadData(rows());
    return { late, lengths: await refusal(data.lengths()), ...models(messages) };
  });
  expect(found.late).toMatchObject({ name: "FlantuneError", code: "cancelled" });
  expect(found.loaded).toHaveLength(1);
  expect(found.dropped).toEqual(found.loaded);
  expect(found.lengths).toMatchObject({ code: "model_needed" });
});

test("scales are an adapter, too", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { collect, losses, OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const run = flantune.train(model, data, { ...OPTIONS, method: "ia3", learningRate: 0.03 });
    const [events, adapter] = [await collect(run), await run.adapter];
    const imported = await flantune.adapters.import(await flantune.adapters.export(adapter.id));
    const loss = async (id) => (await model.evaluate(data, { adapter: id })).metrics.loss;
    return { losses: losses(events), adapter, loss: await loss(adapter.id), again: await loss(imported.id) };
  });
  expect(found.losses.at(-1)).toBeLessThan(found.losses[0]);
  // 12 maps k and v that give 32 numbers, 4 maps wo that take 64.
  expect(found.adapter).toMatchObject({ method: "ia3", parameters: 640, name: "words, (IA)³" });
  expect(found.adapter.config).toMatchObject({ peft_type: "IA3", target_modules: ["k", "v", "wo"], feedforward_modules: ["wo"] });
  expect(found.again).toBe(found.loss);
});

test("a plan is what the run then is", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { ready, refusal } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const of = async (options: object) => {
      const { parameters, length, config, modules } = await flantune.plan(options, model, data);
      const run = flantune.train(model, data, options);
      for await (const event of run) {
        if (event.event !== "start") continue;
        const { trainable_parameters, steps, examples, validation_examples } = event;
        return { parameters, length, config, modules, start: { trainable_parameters, steps, examples, validation_examples } };
      }
      throw new Error("the run did not start");
    };
    const plans = [
      await of({ method: "lora", variant: "dora", rank: 2, targetModules: ["q", "wo"] }),
      await of({ method: "ia3", accumulate: 3, batchSize: 2, epochs: 2 }),
      await of({ method: "prompt", numVirtualTokens: 3, maxSteps: 5 }),
    ];
    return {
      plans,
      alone: await flantune.plan({ rank: 4 }),
      memory: (await flantune.plan({}, model)).memory,
      refused: await refusal(flantune.plan({ rank: 0 })),
      unknown: await refusal(flantune.plan({ rnak: 2 })),
    };
  });
  for (const { parameters, length, start } of found.plans) {
    expect(parameters.trainable).toBe(start.trainable_parameters);
    expect(length).toMatchObject({ steps: start.steps, examples: start.examples, validation_examples: start.validation_examples });
  }
  const [dora, ia3, prompt] = found.plans;
  // DoRA has a length for each output beside its two matrices.
  expect(dora.parameters.matrices[0]).toMatchObject({ module: "q", trainable: 2 * (32 + 32) + 32 });
  expect(ia3.length.examples_per_step).toBe(6);
  expect(prompt.parameters).toMatchObject({ prompt: { tokens: 3, width: 32 }, matrices: [] });
  expect(prompt.config.train).toMatchObject({ optimizer: "adafactor", learningRate: 0.3 });
  expect(found.alone).toMatchObject({ title: "LoRA of rank 4", modules: ["q", "k", "v", "o", "wi_0", "wi_1", "wo"] });
  expect(found.alone.parameters).toBeUndefined();
  expect(found.memory.total).toBeGreaterThan(0);
  expect(found.refused).toMatchObject({ name: "FlantuneError", code: "setting", message: expect.stringContaining("rank") });
  expect(found.unknown).toMatchObject({ code: "setting", message: expect.stringContaining("rnak") });
});

test("options, keys and scores are the core's", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { ready, refusal } = await import("/page.js");
    const { flantune, model, data } = await ready();
    return {
      toml: await flantune.toml({ method: "lora", rank: 16, learningRate: 0.01, maxSourceTokens: 64, name: "mine" }),
      keys: await flantune.keys(),
      unknown: await refusal(flantune.train(model, data, { lerningRate: 1 }).adapter),
      iterated: await refusal((async () => { for await (const _ of flantune.train(model, data, { rank: 0 })); })()),
      score: await flantune.score(["the cat sat"], [["a dog", "the cat sat"]], ["rougeL", "bleu"]),
      edits: await flantune.score(["the cat the sat", "b a"], [["the cat sat"], ["a b"]], ["ter"]),
      uneven: await refusal(flantune.score(["a"], [], ["rougeL"])),
      plan: await flantune.planModel({ builtin: true }),
      runs: await flantune.runs.list(),
    };
  });
  expect(found.toml).toContain("rank = 16");
  expect(found.toml).toContain("learning_rate = 0.01");
  expect(found.toml).toContain("max_source_tokens = 64");
  expect(found.toml).not.toContain("mine");
  expect(found.keys.find(({ name }) => name === "rank")).toMatchObject({ section: "method", kind: { type: "integer" } });
  expect(found.unknown).toMatchObject({ code: "setting", message: expect.stringContaining("`learningRate`") });
  expect(found.iterated).toMatchObject({ name: "FlantuneError", code: "setting" });
  expect(found.score.rougeL.f1).toBe(1);
  // One word too many, and one that moves: two edits for five words.
  expect(found.edits.ter).toBeCloseTo(40, 9);
  expect(found.uneven).toMatchObject({ code: "setting" });
  expect(found.plan).toMatchObject({ bytes: 0, architecture: { d_model: expect.any(Number) }, memory: { total: expect.any(Number) } });
  // What could not begin leaves nothing behind.
  expect(found.runs).toEqual([]);
});

test("steps are timed on made-up weights", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { refusal, start } = await import("/page.js");
    const flantune = await start();
    return {
      report: await flantune.bench({ cases: ["lora", "eval"], dtypes: ["int8"], source: 16, target: 8, batchSize: 2 }),
      unknown: await refusal(flantune.bench({ cases: ["lara"] })),
      none: await refusal(flantune.bench({ source: 0 })),
      misspelt: await refusal(flantune.bench({ shap: "small" })),
    };
  });
  const { device, shape, cases } = found.report;
  expect(device).toBe("cpu");
  expect(shape).toMatchObject({ batch: 2, source: 16, target: 8 });
  expect(cases.map(({ name, dtype }) => [name, dtype])).toEqual([["lora", "int8"], ["eval", "int8"]]);
  for (const { seconds, peak_bytes } of cases) {
    expect(seconds).toBeGreaterThan(0);
    expect(peak_bytes).toBeGreaterThan(1_000_000);
  }
  expect(found.unknown).toMatchObject({ code: "setting", message: expect.stringContaining("lara") });
  expect(found.none).toMatchObject({ code: "setting", message: expect.stringContaining("source") });
  expect(found.misspelt).toMatchObject({ code: "setting", message: expect.stringContaining("shap") });
});

test("bad files give messages that say what to do", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { file, ready, refusal, start, tiny } = await import("/page.js");
    const flantune = await start();
    const model = (files) => refusal(flantune.loadModel({ files }));
    const [config, generation, weights, tokenizer] = await tiny();
    const bytes = await weights.arrayBuffer();
    const rows = new File(['{"source": "the cat", "target": "sat"}\n{"source": "the\n{"source": "a", "target": "b"}\n'], "rows.jsonl");
    const data = await flantune.loadData(rows);
    const import_ = (parts, name = "a.zip") => refusal(flantune.adapters.import(new File(parts, name)));
    const other = await flantune.loadData([{ text: "the cat", title: "cat", more: 1 }]);
    return {
      nothing: await model([]),
      noConfig: await model([weights, tokenizer]),
      noWeights: await model([config, tokenizer, generation]),
      cut: await model([config, tokenizer, new File([bytes.slice(0, 100_000)], "model.safetensors")]),
      noJson: await model([new File(["{"], "config.json"), weights, tokenizer]),
      rows: { rows: data.rows, errors: data.errors },
      template: await refusal((await data.configure({ template: "{{ source " })).preview(1)),
      field: await (await data.configure({ template: "{{ text }} ||| {{ target }}" })).preview(1).catch((error) => ({ code: error.code, message: error.message })),
      columns: await refusal(other.lengths()),
      empty: await refusal(flantune.loadData(new File([""], "rows.csv")).then((data) => data.preview(1))).catch((error) => error.message),
      noZip: await import_(["not a zip"]),
      unknown: await refusal(flantune.loadData("nothing")),
    };
  });
  expect(found.nothing).toMatchObject({ code: "not_found", message: expect.stringContaining("config.json") });
  expect(found.noConfig.message).toContain("found model.safetensors, tokenizer.json");
  expect(found.noWeights.message).toContain("model.safetensors");
  expect(found.cut).toMatchObject({ code: "format", message: expect.stringMatching(/^model\.safetensors/) });
  expect(found.noJson).toMatchObject({ code: "format", message: expect.stringMatching(/^config\.json/) });
  expect(found.rows).toMatchObject({ rows: 2, errors: { count: 1, first: [expect.stringMatching(/^rows\.jsonl, line 2: /)] } });
  expect(found.template).toMatchObject({ code: "template" });
  expect(JSON.stringify(found.field)).toContain("text");
  expect(found.columns).toMatchObject({ code: "model_needed" });
  expect(found.noZip).toMatchObject({ code: "adapter", hint: expect.stringContaining("adapter_config.json") });
  expect(found.unknown).toMatchObject({ code: "not_found" });
});
