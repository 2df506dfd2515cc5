// A run of the fake: a loss that falls as real ones do, and three rows that get better.

import type { Model, Run } from "../src/element/trainer.js";
import type { AdapterInfo, RunEvent, TrainOptions } from "../src/types.js";
import { adapterOf, FakeError, type FakeOptions } from "./fake.js";
import type { FakeData } from "./fake-data.js";
import { answer } from "./fake-model.js";
import { trainedNumbers } from "./fake-plan.js";

export class FakeRun implements Run {
  readonly id: string;
  readonly adapter: Promise<AdapterInfo>;
  #options: FakeOptions;
  #gate: () => Promise<void>;
  #model: Model;
  #data: FakeData;
  #settings: TrainOptions;
  #first: number;
  #stopped = false;
  #paused: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #finish!: (adapter: AdapterInfo) => void;
  #fail!: (error: Error) => void;
  #keep: (adapter: AdapterInfo) => AdapterInfo;

  constructor(
    options: FakeOptions,
    gate: () => Promise<void>,
    model: Model,
    data: FakeData,
    settings: TrainOptions,
    id: string,
    keep: (adapter: AdapterInfo) => AdapterInfo,
    first = 0,
  ) {
    this.#options = options;
    this.#gate = gate;
    this.#model = model;
    this.#data = data;
    this.#settings = settings;
    this.#keep = keep;
    this.#first = first;
    this.id = settings.method === "prompt" ? `prompt-${id}` : id;
    this.adapter = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.adapter.catch(() => undefined); // who iterates hears of it
  }

  async pause(): Promise<void> {
    this.#paused = new Promise((resolve) => (this.#wake = resolve));
  }

  async resume(): Promise<void> {
    this.#wake?.();
    this.#paused = undefined;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.resume();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<RunEvent> {
    const { method = "lora", epochs = 3, batchSize = 8, maxSteps, learningRate = 1e-3 } = this.#settings;
    const held = this.#data.held();
    const rows =
      this.#data.name in { reviews: 1, dialogues: 1, casual: 1 }
        ? this.#data.rows
        : this.#data.rows - held.length;
    const perEpoch = Math.ceil(rows / batchSize);
    const steps = maxSteps ?? perEpoch * epochs;
    const { pace = 0, holdAt, holdMethod, failAt } = this.#options;
    const trainable = trainedNumbers(this.#model.architecture, this.#settings);
    yield {
      event: "start",
      method,
      trainable_parameters: trainable,
      total_parameters: this.#model.architecture.parameters,
      steps,
      examples: rows,
      validation_examples: held.length,
      device: "cpu",
    };
    for (let step = this.#first + 1; step <= steps && !this.#stopped; step += 1) {
      if (
        step === holdAt &&
        (holdMethod === undefined || holdMethod === method) &&
        this.#options.holdAt !== undefined
      )
        await this.#gate();
      if (this.#paused !== undefined) await this.#paused;
      await turn(pace);
      if (step === failAt) {
        const error = new FakeError(
          "device_lost",
          `The graphics card was lost at step ${step}`,
          "Its last checkpoint is kept: go on from there, perhaps with a smaller batch size.",
        );
        this.#fail(error);
        throw error;
      }
      yield {
        event: "step",
        step,
        epoch: step / perEpoch,
        loss: loss(method, step),
        learning_rate: learningRate * (1 - (step - 1) / steps),
        gradient_norm: 0.8,
        tokens: 640,
        seconds: step * 0.16,
        tokens_per_second: 3980 + (step % 7) * 12,
        eta_seconds: (steps - step) * 0.16,
      };
      if (step % Math.max(1, Math.floor(perEpoch / 2)) === 0 || step === steps) {
        const part = step / steps;
        yield {
          event: "eval",
          step,
          metrics: { loss: loss(method, step, 0) + 0.12 },
          samples: held.slice(0, 3).map(({ source, target }) => ({
            source,
            reference: target,
            prediction: answer(source, this.id, part),
          })),
        };
      }
    }
    const name = typeof this.#settings.name === "string" ? this.#settings.name : "adapter";
    this.#finish(this.#keep(adapterOf(this.id, name, method, trainable)));
    yield { event: "done", steps, seconds: steps * 0.16, metrics: {} };
  }
}

function loss(method: string, step: number, noise = 1): number {
  const [floor, slope] = method === "lora" ? [1.15, 16] : [2.05, 28];
  return (
    floor + 3.1 * Math.exp(-step / slope) + noise * 0.24 * Math.sin(step * 2.399) * Math.cos(step * 1.113)
  );
}

/** Lets the event loop turn: a macrotask, as a worker's message is. */
function turn(pace: number): Promise<void> {
  if (pace > 0) return new Promise((resolve) => setTimeout(resolve, pace));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
