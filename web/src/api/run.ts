// A run, as the page sees it: its events, its end, and what brings it over a crash.

import { cancelled, FlantuneError, isCrash } from "../error.js";
import type { RunEnd, RunNotice, RunParams } from "../protocol.js";
import type { AdapterInfo, RunEvent, RunInfo, RunState } from "../types.js";
import type { Client } from "./client.js";
import { asyncDispose } from "./dispose.js";

interface RunSurroundings {
  /** The ids of the model and the rows that it needs until it ends. */
  needs: string[];
  signal?: AbortSignal | undefined;
  /** What must go well before it begins. */
  before?: () => Promise<void>;
}

/**
 * A training run. Iterating gives its events, from the first one on, to as many as ask; a run that
 * fails gives an `error` event and then throws. Who leaves the loop early stops the run, as `stop`
 * does; `events` only looks on. After a crash it goes on from its last checkpoint: a `warning`, then a
 * `start` with `resumed_from`, and the steps since then once more.
 */
export class Run implements AsyncIterable<RunEvent> {
  readonly id: string;
  /** What comes of it; of a run that is stopped, the best so far. Rejects with `stopped` where there was no step. */
  readonly adapter: Promise<AdapterInfo>;
  readonly #client: Client;
  readonly #events: RunEvent[] = [];
  #wake: (() => void)[] = [];
  #end: { error?: FlantuneError } | undefined;
  #info: RunInfo | undefined;
  #state: RunState = "running";
  /** Resolves when the core works on it. */
  readonly #begun: Promise<void>;
  #begin = () => {};
  #stopping = false;
  #calledOff = false;
  /** The step of the newest checkpoint. */
  #checkpoint = 0;

  /** Not for users: `Flantune.train` and `runs.resume` make runs. */
  constructor(client: Client, params: RunParams, { needs, signal, before }: RunSurroundings) {
    this.#client = client;
    this.id = params.run;
    const releases = needs.map((id) => client.hold(id));
    const abort = () => this.#callOff();
    signal?.addEventListener("abort", abort);
    this.#begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
    const work = async () => {
      if (signal?.aborted) throw cancelled();
      await before?.();
      if (this.#calledOff) throw cancelled();
      return this.#work(params);
    };
    this.adapter = work()
      .finally(() => {
        signal?.removeEventListener("abort", abort);
        for (const release of releases) release();
      })
      .then(
        (end) => this.#finish(end),
        (error: unknown) => this.#fail(FlantuneError.from(error)),
      );
    // Who iterates sees the same error.
    this.adapter.catch(() => {});
  }

  get state(): RunState {
    return this.#state;
  }

  /** What is remembered of it; nothing until the core works on it. */
  get info(): RunInfo | undefined {
    return this.#info;
  }

  /** Rests after the step that is being made, with a checkpoint. Resolves when it rests. */
  async pause(): Promise<void> {
    await this.#begun;
    if (this.#end || this.#state === "paused") return;
    this.#state = "paused";
    await this.#tellWorker("pauseRun");
  }

  /** Goes on after a pause. */
  async resume(): Promise<void> {
    await this.#begun;
    if (this.#end || this.#state !== "paused") return;
    this.#state = "running";
    await this.#tellWorker("continueRun");
  }

  /** Ends it after the step that is being made. A checkpoint is kept: `runs.resume` goes on from there. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#begun;
    if (!this.#end) await this.#tellWorker("stopRun");
    await this.adapter.catch(() => {});
  }

  get [Symbol.toStringTag](): string {
    return "FlantuneRun";
  }

  /** Its events; leaving the loop by `break`, `return` or an error stops the run, with a checkpoint. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RunEvent, void, undefined> {
    try {
      yield* this.events();
    } finally {
      if (!this.#end) await this.stop();
    }
  }

  /** `await using run = …` stops it at the end of the block. */
  [asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Its events, for who only looks on: leaving that loop leaves the run alone. */
  async *events(): AsyncGenerator<RunEvent, void, undefined> {
    for (let place = 0; ; place += 1) {
      while (place >= this.#events.length && !this.#end) {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
      const event = this.#events[place];
      if (event) yield event;
      else if (this.#end?.error) throw this.#end.error;
      else return;
    }
  }

  /** Has it worked on, by a fresh worker where one crashes. */
  async #work(params: RunParams): Promise<RunEnd> {
    let attempt = params;
    let crashedAt: number | undefined;
    for (;;) {
      try {
        return await this.#client.call("run", attempt, { tell: (notice) => this.#hear(notice) });
      } catch (thrown) {
        const error = FlantuneError.from(thrown);
        if (!isCrash(error)) throw error;
        const rows = attempt.rowsAtOnce ?? (await this.#batchSize(params));
        // Less memory is another try, as often as there is less.
        const another = crashedAt !== this.#checkpoint || (error.code === "out_of_memory" && rows > 1);
        if (!another) throw await this.#giveUp(error, rows);
        crashedAt = this.#checkpoint;
        attempt = this.#again(attempt, error, rows);
      }
    }
  }

  /** What goes on after a crash: in half the memory, unless memory was not to blame. */
  #again(params: RunParams, error: FlantuneError, rows: number): RunParams {
    const smaller = error.code !== "crash" && rows > 1 ? { rowsAtOnce: Math.ceil(rows / 2) } : undefined;
    const how = smaller ? `, with ${smaller.rowsAtOnce} rows at a time` : "";
    const from = this.#checkpoint > 0 ? `from step ${this.#checkpoint}` : "from the beginning";
    this.#tell({
      event: "warning",
      code: error.code,
      message: `${error.message}. The run goes on ${from}${how}`,
    });
    // Before the core worked on it there is nothing to take up.
    const start = this.#info ? "resume" : params.start;
    return { ...params, ...smaller, start, replay: false };
  }

  async #giveUp(error: FlantuneError, rows: number): Promise<FlantuneError> {
    const kept =
      this.#checkpoint > 0
        ? `the checkpoint of step ${this.#checkpoint} is kept`
        : "there is no checkpoint yet";
    const hint =
      rows > 1
        ? "Go on with it: it then computes fewer rows at a time, which gives the same result in less memory"
        : "Go on with it later or on the CPU, or train with shorter texts or a smaller model";
    const failure = new FlantuneError(error.code, `${error.message}. It happened again; ${kept}`, hint, {
      cause: error,
      ...(rows > 1 && { rowsAtOnce: Math.ceil(rows / 2) }),
    });
    await this.#client.call("failRun", { run: this.id, error: failure.plain() }).catch(() => {});
    return failure;
  }

  async #batchSize({ start }: RunParams): Promise<number> {
    const options = this.#info?.options ?? (start === "resume" ? {} : start.options);
    if (typeof options.batchSize === "number") return options.batchSize;
    return Number((await this.#client.keys()).find(({ name }) => name === "batchSize")?.default);
  }

  #hear(notice: RunNotice): void {
    if ("event" in notice) {
      this.#tell(notice.event);
      return;
    }
    this.#info = notice.info;
    if (notice.info.step > this.#checkpoint) this.#checkpoint = notice.info.step;
    this.#begin();
    // What was asked while a worker was crashing, or before.
    if (this.#stopping) void this.#tellWorker("stopRun");
    else if (this.#state === "paused") void this.#tellWorker("pauseRun");
  }

  #tell(event: RunEvent): void {
    if (event.event === "checkpoint") this.#checkpoint = event.step;
    this.#events.push(event);
    this.#wakeAll();
  }

  /** By its signal. */
  #callOff(): void {
    this.#calledOff = true;
    void this.stop();
  }

  #finish(end: RunEnd): AdapterInfo {
    this.#state = end.state;
    if (this.#calledOff && end.state === "stopped") return this.#fail(cancelled());
    this.#end = {};
    this.#begin();
    this.#wakeAll();
    if (end.adapter) return end.adapter;
    const hint = "Go on with it when you like";
    throw new FlantuneError(
      "stopped",
      "The run was stopped before there was an adapter; its checkpoint is kept",
      hint,
    );
  }

  #fail(error: FlantuneError): never {
    const { code, message } = error;
    // What was called off has not failed.
    if (code === "cancelled") this.#state = "stopped";
    else {
      this.#state = "failed";
      this.#events.push({ event: "error", code, message });
    }
    this.#end = { error };
    this.#begin();
    this.#wakeAll();
    throw error;
  }

  /** A run that ended meanwhile is not to be paused or stopped any more. */
  async #tellWorker(name: "pauseRun" | "continueRun" | "stopRun"): Promise<void> {
    try {
      await this.#client.call(name, { run: this.id });
    } catch (thrown) {
      const error = FlantuneError.from(thrown);
      if (!isCrash(error) && error.code !== "stopped" && error.code !== "closed") throw error;
    }
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
