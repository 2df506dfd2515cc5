// What the API cannot mean is refused, in words: what was found, what was expected, what may be meant.

import { expect, test } from "./support.js";

/** Each wrong call, as it would be written, and what is said of it. `f` is a Flantune, `m` a model, `d` rows, `a` an adapter. */
const CALLS: [call: string, message: RegExp, hint?: RegExp][] = [
  [`Flantune.start({ device: "tpu" })`, /^start: device: found "tpu", expected auto, webgpu or cpu$/],
  [`Flantune.start({ workerURL: "/worker.js" })`, /^start: there is no option `workerURL`; did you mean `workerUrl`\?$/],
  [`Flantune.start("cpu")`, /^start: found "cpu", expected an object of options$/],
  [`Flantune.start({ assetsUrl: "http://" })`, /^start: assetsUrl: found "http:\/\/", expected an address$/],
  [`Flantune.start({ wasmUrl: 7 })`, /^start: wasmUrl: found 7, expected an address$/],
  [`f.loadModel("builtin")`, /^model: found "builtin", expected \{ builtin: true \}/, /^Write loadModel\(\{ builtin: true \}\)$/],
  [`f.loadModel("google/flan-t5-small")`, /found "google\/flan-t5-small"/, /loadModel\(\{ hub \}\)/],
  [`f.loadModel("https://example.org/m/")`, /found "https/, /loadModel\(\{ url \}\)/],
  [`f.loadModel({})`, /^model: found an empty object, expected one of \{ builtin: true \}, \{ files \}, \{ url \} or \{ hub \}$/],
  [`f.loadModel()`, /^model: found undefined, expected/],
  [`f.loadModel(null)`, /^model: found null, expected/],
  [`f.loadModel({ builtin: "yes" })`, /^model: builtin: found "yes", expected true$/],
  [`f.loadModel({ builtin: true, hub: "a/b" })`, /^model: found an object with builtin, hub, expected one of/],
  [`f.loadModel({ hub: "a/b", revison: "main" })`, /there is no option `revison`; did you mean `revision`\?/],
  [`f.loadModel({ url: "http://" })`, /^model: url: found "http:\/\/", expected an address$/],
  [`f.loadModel({ files: "model.safetensors" })`, /^model: files: found "model.safetensors", expected Files/],
  [`f.loadModel({ files: [new Blob(["{}"])] })`, /^model: file 1: found a Blob, expected a File/],
  [`f.loadModel({ builtin: true }, { dtype: "f8" })`, /^loadModel: dtype: found "f8", expected one of f32, f16, int8, int4$/],
  [`f.loadModel({ builtin: true }, { onprogress() {} })`, /there is no option `onprogress`; did you mean `onProgress`\?/],
  [`f.loadModel({ builtin: true }, { signal: new AbortController() })`, /^loadModel: signal: found an AbortController, expected an AbortSignal/],
  [`f.planModel({})`, /^model: found an empty object/],
  [`f.loadData(null)`, /^rows: found null, expected a File or Blob, an array of objects, or a demo set/],
  [`f.loadData("review")`, /^rows: found "review", expected/],
  [`f.loadData("a,b\\n1,2")`, /^rows: found "a,b/, /new Blob\(\[text\]\)/],
  [`f.loadData(new Response("{}"))`, /^rows: found a Response, expected/, /await response\.blob\(\)/],
  [`f.loadData(fetch("/page.js"))`, /^rows: found a promise: `await` is missing before it, expected/],
  [`f.loadData(circular)`, /^row 1: it is no JSON: Converting circular structure to JSON/],
  [`f.loadData([{ source: 1n, target: "a" }])`, /^row 1: it is no JSON: .*BigInt/],
  [`f.loadData([{ source: "a", target: "b" }, "c"])`, /^row 2: found "c", expected an object/],
  [`f.loadData(rows, { templat: "" })`, /^loadData: there is no option `templat`; did you mean `template`\?$/],
  [`f.loadData(rows, { limit: NaN })`, /^loadData: limit: found NaN, expected a finite number$/],
  [`f.loadData(rows, { rank: 4 })`, /^loadData: there is no option `rank`/],
  [`f.train()`, /^train: model: found undefined, expected a model/],
  [`f.train(undefined, d)`, /^train: model: found undefined, expected a model/],
  [`f.train(f.loadModel({ builtin: true }), d)`, /^train: model: found a promise: `await` is missing before it, expected a model/],
  [`f.train(m, f.loadData(rows))`, /^train: data: found a promise: `await` is missing/],
  [`f.train(m, rows)`, /^train: data: found an array of 40, expected rows, as `await flantune\.loadData/],
  [`f.train(d, m)`, /^train: found rows and then a model, expected them the other way round$/, /train\(model, data, options\)/],
  [`f.train(m, d, { learningRate: NaN }).adapter`, /^train: learningRate: found NaN, expected a finite number$/],
  [`f.train(m, d, { rank: 4n }).adapter`, /^train: rank: found 4n, expected a number/],
  [`f.train(m, d, { epoch: 2 }).adapter`, /^train: there is no option `epoch`; did you mean `epochs`\?$/],
  [`f.train(m, d, { lerningRate: 1 }).adapter`, /^train: there is no option `lerningRate`; did you mean `learningRate`\?$/],
  [`f.train(m, d, { dtype: "int8" }).adapter`, /^train: there is no option `dtype`/],
  [`f.train(m, d, { rank: 0 }).adapter`, /^rank: found 0, expected/],
  [`f.train(m, d, { signal: "now" })`, /^train: signal: found "now", expected an AbortSignal/],
  [`f.train(m, other.data)`, /^train: data: found rows \(what loadData gives\), expected one of this Flantune; this is another's$/],
  [`f.score(["a"], ["a"], ["rougeL"])`, /^score: references: found an array of 1, expected an array with an array of texts/],
  [`f.score("a", [["a"]], ["rougeL"])`, /^score: predictions: found "a", expected an array of texts$/],
  [`f.toml(7)`, /^toml: found 7, expected an object of options$/],
  [`f.onChange("adapters")`, /^onChange: listener: found "adapters", expected a function$/],
  [`m.generate()`, /^generate: prompts: found undefined, expected a text, or an array of texts$/],
  [`m.generate(["a", 7])`, /^generate: prompt 2: found 7, expected a text$/],
  [`m.generate(d)`, /^generate: prompts: found rows/],
  [`m.generate("a", { maxTokens: 4 })`, /^generate: there is no option `maxTokens`; did you mean `maxNewTokens`\?$/, /maxNewTokens/],
  [`m.generate("a", { learningRate: 1 })`, /^generate: there is no option `learningRate`/],
  [`m.generate("a", { adapter: run.adapter })`, /^generate: adapter: found a promise: `await` is missing before it, expected an adapter/],
  [`m.generate("a", { adapter: { id: 1 } })`, /^generate: adapter: found an object with id, expected an adapter of the library, or its id$/],
  [`m.generate("a", { onToken: true })`, /^generate: onToken: found true, expected a function$/],
  [`m.generate("a", { numBeams: 0 })`, /^numBeams: found 0, expected/],
  [`m.evaluate(a)`, /^evaluate: data: found an adapter \("refused"\), expected rows/],
  [`m.evaluate(d, { metrics: "rougeL" })`, /^metrics: found/],
  [`m.evaluate(d, { split: "test" })`, /^evaluate: split: found "test", expected all or validation$/],
  [`m.evaluate(d, { limit: 0 })`, /^evaluate: limit: found 0, expected a whole number from 1$/],
  [`m.merge(undefined)`, /^merge: adapter: found undefined, expected an adapter/],
  [`d.preview("3")`, /^preview: count: found "3", expected a whole number from 0$/],
  [`d.preview(1, { from: 2 })`, /^preview: there is no option `from`/],
  [`d.preview(1, { model: d })`, /^preview: model: found rows/],
  [`d.lengths(m)`, /^lengths: found a model, expected an object of options$/],
  [`d.configure({ template: 7n })`, /^configure: template: found 7n/],
  [`f.adapters.export(undefined)`, /^export: adapter: found undefined, expected an adapter of the library, or its id$/],
  [`f.adapters.export(run)`, /^export: adapter: found a run, expected/],
  [`f.adapters.import(new Response(""))`, /^import: file: found a Response/, /await response\.blob\(\)/],
  [`f.adapters.rename(a)`, /^rename: name: found undefined, expected the adapter's new name$/],
  [`f.adapters.merge(a, m)`, /^merge: model: found an adapter/],
  [`f.adapters.delete({})`, /^delete: adapter: found an empty object/],
  [`f.runs.resume(undefined)`, /^resume: id: found undefined, expected the id of a run/],
  [`f.runs.resume(run)`, /^resume: id: found a run, expected the id of a run/],
  [`f.runs.resume(run.id, { rowsAtOnce: 0 })`, /^resume: rowsAtOnce: found 0, expected a whole number from 1$/],
  [`f.models.delete(undefined)`, /^delete: key: found undefined, expected the key of a kept model/],
];

test("each wrong call is refused by a FlantuneError that names it", async ({ api }) => {
  const said = await api.evaluate(async (calls) => {
    const { Flantune, OPTIONS, ready, rows: makeRows } = await import("/page.js");
    const { flantune: f, model: m, data: d } = await ready();
    const other = await ready();
    const run = f.train(m, d, { ...OPTIONS, maxSteps: 1, name: "refused" });
    const a = await run.adapter;
    const rows = makeRows();
    const circular = [{ source: "a" }];
    circular[0].self = circular[0];
    const scope = { Flantune, f, m, d, a, run, rows, circular, other };
    const said = [];
    for (const call of calls) {
      try {
        const work = new Function(...Object.keys(scope), `return ${call}`)(...Object.values(scope));
        await work;
        said.push({ call, name: "nothing was thrown" });
      } catch ({ name, code, message, hint }) {
        said.push({ call, name, code, message, hint });
      }
    }
    await f.close();
    await other.flantune.close();
    return said;
  }, CALLS.map(([call]) => call));
  CALLS.forEach(([call, message, hint], place) => {
    const found = said[place];
    expect.soft(found, call).toMatchObject({ name: "FlantuneError", message: expect.stringMatching(message) });
    // What goes by a name may not be there.
    expect.soft(call.startsWith(`f.loadData("review")`) ? ["not_found"] : ["setting", "row"], call).toContain(found.code);
    if (hint) expect.soft(found.hint, call).toMatch(hint);
  });
});

test("whatever a method is given, it is rejected with a FlantuneError or not at all", async ({ api }) => {
  const bare = await api.evaluate(async () => {
    const { Flantune, OPTIONS, ready } = await import("/page.js");
    const { flantune, model, data } = await ready();
    const run = flantune.train(model, data, { ...OPTIONS, maxSteps: 1 });
    await run.adapter;
    const things = { Flantune: [Flantune, Flantune], flantune: [flantune], model: [model], data: [data], run: [run], models: [flantune.models], adapters: [flantune.adapters], runs: [flantune.runs] };
    const garbage = [undefined, null, 7, NaN, 1n, "nothing", Symbol("s"), [], [[]], {}, () => {}, new Response(""), Promise.resolve("x"), new Proxy({}, {}), new Date(), model, data];
    const bare = [];
    for (const [name, [thing, statics]] of Object.entries(things)) {
      const methods = Object.getOwnPropertyNames(statics ?? Object.getPrototypeOf(thing));
      for (const method of methods) {
        if (["constructor", "close", "length", "name", "prototype", "isOf", "check"].includes(method)) continue;
        const { value } = Object.getOwnPropertyDescriptor(statics ?? Object.getPrototypeOf(thing), method);
        if (typeof value !== "function") continue;
        for (const first of garbage) {
          // These would start one.
          if (name === "Flantune" && (first === undefined || Object.prototype.toString.call(first) === "[object Object]")) continue;
          for (const second of [undefined, null, 7, {}, { nothing: 1 }, Promise.resolve()]) {
            try {
              await value.call(thing, first, second);
            } catch (error) {
              if (error?.name !== "FlantuneError" || error.code === "crash") bare.push(`${name}.${method}(${typeof first}, ${typeof second}): ${error}`);
            }
          }
        }
      }
    }
    await flantune.close();
    return bare;
  });
  expect(bare).toEqual([]);
});

test("one text is asked as itself", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { ready } = await import("/page.js");
    const { flantune, model } = await ready();
    const one = await model.generate("the cat sat", { maxNewTokens: 4 });
    const many = await model.generate(["the cat sat"], { maxNewTokens: 4 });
    const answer = await model.answer("the cat sat", { maxNewTokens: 4, numBeams: 2, numReturnSequences: 2 });
    await flantune.close();
    return { one, many, answer };
  });
  expect(found.many).toEqual([found.one]);
  expect(found.answer.texts).toHaveLength(2);
});

test("what was closed is refused, also by the calls that are given it", async ({ api }) => {
  const found = await api.evaluate(async () => {
    const { ready, refusal } = await import("/page.js");
    const { flantune, model, data } = await ready();
    await data.close();
    await data.close();
    const rows = [await refusal(data.preview(1)), await refusal((async () => flantune.train(model, data))())];
    await model.close();
    const models = [await refusal(model.generate("a")), await refusal((async () => flantune.train(model, data))())];
    await flantune.close();
    return { rows, models, after: await refusal(flantune.adapters.list()) };
  });
  for (const { code, message } of found.rows) expect([code, message]).toEqual(["closed", "These rows were closed"]);
  for (const { code, message } of found.models) expect([code, message]).toEqual(["closed", "This model was closed"]);
  expect(found.after).toMatchObject({ code: "closed" });
});
