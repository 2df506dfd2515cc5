// What users do, in a worker whose storage stops at some call (the hook `stop-after`); and what they find
// when they open the page again.

import { collect, counted, kept, keptFile, losses, OPTIONS, rows, start, stopped, tiny } from "/page.js";

const TRAINING = { ...OPTIONS, maxSteps: 6, checkpointEvery: 2, evalEvery: 3, name: "words" };

async function ready(flantune) {
  const model = await flantune.loadModel({ files: await tiny() });
  return { model, data: await flantune.loadData(rows(), { validationFraction: 0.2, name: "words" }) };
}

const stories = {
  async run(flantune, told) {
    const { model, data } = await ready(flantune);
    const run = flantune.train(model, data, TRAINING);
    for await (const { event, step, loss } of run) {
      told.begun = true;
      if (event !== "step") continue;
      told.step = step;
      told.losses.push(loss);
    }
    told.adapter = (await run.adapter).id;
  },
  async stop(flantune, told) {
    const { model, data } = await ready(flantune);
    const run = flantune.train(model, data, { ...TRAINING, evalEvery: 100 });
    for await (const { event, step } of run.events()) {
      told.begun = true;
      if (event === "step") told.step = step;
      if (step === 3) break;
    }
    await run.stop();
    told.adapter = (await run.adapter).id;
  },
  async import(flantune, told, { zip }) {
    const file = await (await fetch(`data:application/zip;base64,${zip}`)).blob();
    told.adapter = (await flantune.adapters.import(file, "mine")).id;
  },
  async download(flantune, told) {
    await flantune.loadModel({ hub: "school/tiny" });
    told.model = true;
  },
};

/** Does it until it is done or the storage stops, and tells what the page was told. Without `at` it tells of how many calls. */
export async function act(name, { at = Number.MAX_SAFE_INTEGER, hubEndpoint, ...given }) {
  const told = { begun: false, step: 0, losses: [] };
  const end = stopped();
  const work = start({ hook: `stop-after=${at}`, hubEndpoint }).then((flantune) => stories[name](flantune, told, given));
  const first = await Promise.race([end, work.then(() => "done")]);
  return { told, first, calls: first === "done" ? await counted() : undefined };
}

/** Opens the page again: what is there, what lies in the file system, and what becomes of a run that is gone on with. */
export async function lookAgain({ hubEndpoint }) {
  const flantune = await start({ hubEndpoint });
  const files = await kept();
  const [runs, adapters, models] = [await flantune.runs.list(), await flantune.adapters.list(), await flantune.models.list()];
  for (const { id } of adapters) await flantune.adapters.export(id);
  let events = [];
  // Of a run whose result is written nothing is computed again: its events are those of before.
  const [unfinished] = runs.filter(({ state }) => state !== "done");
  const record = unfinished && files.includes(`runs/${unfinished.id}/run.json`) ? JSON.parse(await (await keptFile(`runs/${unfinished.id}/run.json`)).text()) : {};
  const complete = record.result != null;
  if (unfinished) {
    const { model } = await ready(flantune);
    events = await collect(await flantune.runs.resume(unfinished.id, { model }));
  }
  if (hubEndpoint) await flantune.loadModel({ hub: "school/tiny" });
  const found = { files, runs, adapters, models, complete, losses: losses(events), start: events.filter(({ event }) => event === "start").at(-1) };
  const after = await flantune.adapters.list();
  await flantune.close();
  return { ...found, after };
}
