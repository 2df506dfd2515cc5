// What the tests of the API do in the page.

import { Flantune } from "/flantune/flantune.js";

export { Flantune };

/** Starts Flantune; `hook` names something that hooks.js does to the worker before it starts. */
export function start({ device = "cpu", hook, ...options } = {}) {
  const workerUrl = hook === undefined ? undefined : `/hooked.js?${hook}`;
  return Flantune.start({ device, ...(workerUrl && { workerUrl }), ...options });
}

/** Has the hooked worker do something now. */
export function trigger(what) {
  new BroadcastChannel("hooks").postMessage(what);
}

const MODEL = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];

/** The files of a tiny T5. */
export function tiny(names = MODEL) {
  return Promise.all(names.map((name) => file(`/tiny/${name}`)));
}

export async function file(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return new File([await response.blob()], address.split("/").at(-1));
}

/** Rows in the few words that the tiny model knows: the target is a function of the source. */
export function rows(count = 40) {
  const words = ["the", "cat", "dog", "sat", "ran", "on"];
  const word = (place) => words[place % words.length];
  return Array.from({ length: count }, (_, row) => ({
    source: [word(row), word(row * 5 + 1), word(row + 2)].join(" "),
    target: [word(row + 1), word(row + 3)].join(" "),
  }));
}

export const OPTIONS = { rank: 4, batchSize: 8, learningRate: 0.02, maxSteps: 12, checkpointEvery: 2, evalSamples: 1 };

/** A model and rows, ready to train. */
export async function ready(options) {
  const flantune = await start(options);
  const model = await flantune.loadModel({ files: await tiny() });
  const data = await flantune.loadData(rows(), { validationFraction: 0.2, name: "words" });
  return { flantune, model, data };
}

/** All events of a run. */
export async function collect(run) {
  const events = [];
  for await (const event of run) events.push(event);
  return events;
}

/** The loss of each step, by its number; where a step was made twice, the last. */
export function losses(events) {
  const steps = events.filter(({ event }) => event === "step");
  return [...new Map(steps.map(({ step, loss }) => [step, loss])).values()];
}

/** What the page asks of workers that start from now on. `answered` hears their messages before the page does. */
export function overhear(answered = () => {}) {
  const messages = [];
  const { addEventListener, postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, ...rest) {
    messages.push(message);
    return postMessage.call(this, message, ...rest);
  };
  Worker.prototype.addEventListener = function (type, ...rest) {
    if (type === "message") addEventListener.call(this, type, ({ data }) => answered(data));
    return addEventListener.call(this, type, ...rest);
  };
  return messages;
}

/** The ids of models that were loaded, and of those that were let go of, by what was overheard. */
export function models(messages) {
  const ids = (call) => messages.filter(({ name }) => name === call).map(({ params }) => params.model);
  return { loaded: ids("loadModel"), dropped: ids("dropModel") };
}

/** The paths of all files that the browser keeps for the page. */
export async function kept() {
  const files = async (directory, path) => {
    const found = [];
    for await (const [name, handle] of directory.entries()) {
      if (handle.kind === "directory") found.push(...(await files(handle, `${path}${name}/`)));
      else found.push(path + name);
    }
    return found;
  };
  const root = await navigator.storage.getDirectory();
  return files(await root.getDirectoryHandle("flantune"), "");
}

/** Resolves when the hook `stop-after` has stopped the storage. */
export function stopped() {
  return new Promise((resolve) => new BroadcastChannel("hooks").addEventListener("message", ({ data }) => data === "stopped" && resolve("stopped")));
}

/** How many calls the hook `stop-after` has counted. */
export function counted() {
  const hooks = new BroadcastChannel("hooks");
  const answer = new Promise((resolve) => hooks.addEventListener("message", ({ data }) => data.calls !== undefined && resolve(data.calls)));
  hooks.postMessage("count");
  return answer;
}

/** The file of a path in what the browser keeps for the page. */
export async function keptFile(path) {
  let directory = await (await navigator.storage.getDirectory()).getDirectoryHandle("flantune");
  const names = path.split("/");
  const name = names.pop();
  for (const part of names) directory = await directory.getDirectoryHandle(part);
  return (await directory.getFileHandle(name)).getFile();
}

/** The bytes of each tensor of a safetensors file, in base64, by name. */
export async function tensors(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  delete header.__metadata__;
  return Object.fromEntries(
    Object.entries(header).map(([name, { data_offsets: [start, end] }]) => {
      const tensor = bytes.subarray(8 + length + start, 8 + length + end);
      return [name.replace(/^base_model\.model\./, ""), btoa(String.fromCharCode(...tensor))];
    }),
  );
}

/** What a promise is rejected with. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    const { name, code, message, hint, rowsAtOnce } = error;
    return { name, code, message, hint, rowsAtOnce };
  }
  throw new Error("expected a rejection");
}
