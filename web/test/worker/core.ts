// Plays the Wasm module's part: does with the storage what the core does, in its order, and in place of
// weights writes from which step they are.

import type { Options, RequestName, Requests } from "../../src/engine.js";
import { FlantuneError } from "../../src/error.js";
import type { RunEvent } from "../../src/types.js";
import { isNotFound, type Storage } from "../../src/worker/storage/storage.js";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
/** Steps after which a run is better than before and after. */
export const BEST = 6;

interface State {
  step: number;
  best: number | undefined;
}

interface Run extends State {
  output: string;
  options: Options;
  steps: number;
  phase: "starting" | "stepping" | "done";
  resumed: boolean;
}

type Answers = { [Name in RequestName]?: (params: never) => Promise<unknown> };

export class Core {
  readonly #storage: Storage;
  readonly #runs = new Map<string, Run>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Answers a request after those that were made before. */
  request<Name extends RequestName>(
    name: Name,
    params: Requests[Name]["params"],
  ): Promise<Requests[Name]["answer"]> {
    const answer = this.#last.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      const handler = this.#answers[name] as ((given: typeof params) => Promise<unknown>) | undefined;
      if (!handler) throw new Error(`the tests' core answers no ${name}`);
      return (await handler(params)) as Requests[Name]["answer"];
    });
    this.#last = answer.catch(() => {});
    return answer;
  }

  readonly #answers: Answers = {
    openDevice: async () => ({ kind: "cpu", name: "tests", software: true, limits: {} }),
    loadModel: async ({ directory }: Requests["loadModel"]["params"]) => {
      for (const name of ["config.json", "model.safetensors"]) await this.#all(`${directory}/${name}`);
      return { architecture: {}, hash: "base", dtype: "f32", bytes: 1 };
    },
    inspect: async ({ path }: Requests["inspect"]["params"]) => {
      const rows = new TextDecoder()
        .decode(await this.#all(path))
        .split("\n")
        .filter(Boolean).length;
      return { rows, fields: [], records: [], skipped: { count: 0, first: [] } };
    },
    plan: async ({ options: { method = "lora" } }: Requests["plan"]["params"]) => ({
      title: method,
      config: { method: { method } },
    }),
    openRun: ({ run, output, options, resume }: Requests["openRun"]["params"]) =>
      this.#open(run, output, options, resume),
    step: ({ run }: Requests["step"]["params"]) => this.#step(this.#run(run)),
    checkpoint: async ({ run }: Requests["checkpoint"]["params"]) => [await this.#save(this.#run(run))],
    writeAdapter: async ({ run }: Requests["writeAdapter"]["params"]) => this.#writeResult(this.#run(run)),
    closeRun: async ({ run }: Requests["closeRun"]["params"]) => void this.#runs.delete(run),
    holdAdapter: async ({ directory }: Requests["holdAdapter"]["params"]) => ({
      ...(await this.#describe(directory)),
      warnings: [],
    }),
    dropAdapter: async () => null,
    fits: async ({ bases }: Requests["fits"]["params"]) => bases.map((base) => ({ fits: base === "base" })),
    describeAdapter: ({ directory }: Requests["describeAdapter"]["params"]) => this.#describe(directory),
    merge: async ({ adapter, output }: Requests["merge"]["params"]) => {
      await this.#describe(adapter);
      for (const name of ["config.json", "model.safetensors"])
        await this.#write(`${output}/${name}`, { merged: true });
    },
    hubModel: async ({ id, endpoint }: Requests["hubModel"]["params"]) => {
      const [repository = "", revision = "main"] = id.split("@");
      return {
        repository,
        revision,
        pinned: revision !== "main",
        folder: repository.replace("/", "--"),
        listing: `${endpoint}/api/${repository}`,
      };
    },
    hubFiles: async ({ endpoint, listing }: Requests["hubFiles"]["params"]) => {
      const { sha, siblings } = JSON.parse(listing) as { sha: string; siblings: { rfilename: string }[] };
      const files = siblings.map(({ rfilename: name }) => ({ name, address: `${endpoint}/${sha}/${name}` }));
      return { commit: sha, files, shards: false };
    },
  };

  async #open(
    id: string,
    output: string,
    options: Options,
    resume: boolean,
  ): Promise<Requests["openRun"]["answer"]> {
    await this.#all(String(options["train"]));
    if (typeof options["initAdapter"] === "string") await this.#describe(options["initAdapter"]);
    const record = await this.#storage.json<{ result?: unknown }>(`${output}/run.json`);
    if (record && !resume) throw new FlantuneError("setting", "output: it holds a run already");
    if (record?.result) throw new FlantuneError("setting", "output: the run is done");
    const run: Run = {
      output,
      options,
      steps: Number(options["maxSteps"]),
      step: 0,
      best: undefined,
      phase: "starting",
      resumed: false,
    };
    const state = record && (await this.#newest(output));
    if (record && !state && (await this.#events(output)).some(({ event }) => event === "checkpoint")) {
      throw new FlantuneError("setting", "output: none of the checkpoints is whole");
    }
    if (state) {
      Object.assign(run, state, { resumed: true });
      const kept = (await this.#events(output)).filter(
        (event) => event.event !== "done" && (!("step" in event) || event.step <= state.step),
      );
      await this.#storage.write(`${output}/events.jsonl`, [lines(kept)]);
    }
    this.#runs.set(id, run);
    return { steps: run.steps, step: run.step, parameters: 1 };
  }

  async #step(run: Run): Promise<Requests["step"]["answer"]> {
    const events: RunEvent[] = [];
    if (run.phase === "starting") {
      await this.#write(`${run.output}/run.json`, { options: run.options });
      if (!run.resumed) await this.#storage.write(`${run.output}/events.jsonl`, []);
      run.phase = "stepping";
      events.push({ event: "start", ...(run.resumed && { resumed_from: run.step }) } as RunEvent);
      await this.#append(run, events);
    } else if (run.step < run.steps) {
      run.step += 1;
      events.push({ event: "step", step: run.step, loss: 1 / run.step } as RunEvent);
      if (due(run.options["evalEvery"], run.step)) {
        const better = run.best === undefined || Math.abs(run.step - BEST) < Math.abs(run.best - BEST);
        if (better) {
          run.best = run.step;
          await this.#writeResult(run);
        }
        events.push({
          event: "eval",
          step: run.step,
          metrics: { loss: Math.abs(run.step - BEST) },
          samples: [],
        });
      }
      await this.#append(run, events);
      if (due(run.options["checkpointEvery"], run.step) && run.step < run.steps)
        events.push(await this.#save(run));
    } else {
      if (run.best === undefined) await this.#writeResult(run);
      await this.#storage.write(`${run.output}/README.md`, [new TextEncoder().encode("# A card\n")]);
      const result = { steps: run.step, metrics: { of: run.best ?? run.step } };
      events.push({ event: "done", ...result });
      await this.#append(run, events);
      await this.#write(`${run.output}/run.json`, { options: run.options, result });
      run.phase = "done";
      await this.#storage.remove(`${run.output}/checkpoints`);
    }
    return { events, step: run.step, steps: run.steps, done: run.phase === "done" };
  }

  /** The weights of the best step so far are not written again. */
  async #writeResult(run: Run): Promise<void> {
    await this.#write(`${run.output}/${WEIGHTS}`, { step: run.step });
    await this.#write(`${run.output}/${CONFIG}`, { peft_type: "LORA" });
  }

  async #save({ output, step, best, ...run }: Run): Promise<RunEvent> {
    const path = `${output}/checkpoints/step-${step}`;
    if ((await this.#newest(output))?.step !== step) {
      for (const name of ["weights", "optimizer"]) await this.#write(`${path}/${name}.safetensors`, { step });
      await this.#write(`${path}/state.json`, { step, best });
    }
    for (const old of (await this.#whole(output)).slice(2))
      await this.#storage.remove(`${output}/checkpoints/step-${old.step}`);
    const event: RunEvent = { event: "checkpoint", step, path };
    await this.#append({ output, step, best, ...run }, [event]);
    return event;
  }

  async #newest(output: string): Promise<State | undefined> {
    return (await this.#whole(output))[0];
  }

  /** The checkpoints that are whole, newest first. */
  async #whole(output: string): Promise<State[]> {
    const states: State[] = [];
    for (const name of await this.#storage.list(`${output}/checkpoints`)) {
      const path = `${output}/checkpoints/${name}`;
      const state = await this.#storage.json<State>(`${path}/state.json`);
      if (!state) continue;
      const parts = ["weights", "optimizer"].map((part) =>
        this.#storage.json<State>(`${path}/${part}.safetensors`),
      );
      if ((await Promise.all(parts)).every((part) => part?.step === state.step)) states.push(state);
    }
    return states.sort((one, other) => other.step - one.step);
  }

  async #events(output: string): Promise<RunEvent[]> {
    try {
      const text = new TextDecoder().decode(await this.#all(`${output}/events.jsonl`));
      return text.split("\n").flatMap((line) => {
        try {
          return [JSON.parse(line) as RunEvent];
        } catch {
          return [];
        }
      });
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  async #describe(directory: string): Promise<Requests["describeAdapter"]["answer"]> {
    const config = parsed(`${directory}/${CONFIG}`, await this.#all(`${directory}/${CONFIG}`));
    const weights = await this.#all(`${directory}/${WEIGHTS}`);
    parsed(`${directory}/${WEIGHTS}`, weights);
    return { method: "lora", parameters: 1, bytes: weights.length, base: "base", config };
  }

  #append({ output }: Run, events: RunEvent[]): Promise<void> {
    return this.#storage.append(`${output}/events.jsonl`, lines(events));
  }

  /** In two pieces, as tensors come one after the other. */
  async #write(path: string, value: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    await this.#storage.write(path, [bytes.slice(0, 5), bytes.slice(5)]);
  }

  async #all(path: string): Promise<Uint8Array> {
    return this.#storage.read(path, 0, await this.#storage.length(path));
  }

  #run(id: string): Run {
    const run = this.#runs.get(id);
    if (!run) throw new FlantuneError("setting", `run: found ${id}, which is not open`);
    return run;
  }
}

function lines(events: RunEvent[]): Uint8Array {
  return new TextEncoder().encode(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
}

function due(every: unknown, step: number): boolean {
  return typeof every === "number" && step % every === 0;
}

function parsed(path: string, bytes: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    throw new FlantuneError("format", `${path}: it is broken`);
  }
}
