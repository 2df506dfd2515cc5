// The page's way to its worker. Where a worker crashes (the device is lost, memory runs out, a fault),
// another takes its place, and what the page had loaded is loaded again.

import type { Key } from "../engine.js";
import { FlantuneError, isCrash, type PlainError } from "../error.js";
import { watchPolicy } from "../own-files.js";
import type { CallName, Changed, Params, Result, StartParams } from "../protocol.js";
import type { DeviceInfo } from "../types.js";
import { type CallOptions, Connection } from "./connection.js";
import { newWorker } from "./worker.js";

/** A browser needs a moment until it has a GPU again. */
const ATTEMPTS = 3;
const WAIT = 1000;

type Again = (connection: Connection) => Promise<unknown>;

export class Client {
  readonly #workerUrl: URL | undefined;
  readonly #params: StartParams;
  /** What makes a fresh worker have what the last one had, in the order in which it came. */
  readonly #loaded = new Map<string, Again>();
  #connection: Promise<Connection>;
  #current: Connection | undefined;
  #closed = false;
  /** Whether a worker has started, and no crash of it is being mended. */
  #running = false;
  #started: { device: DeviceInfo; warnings: PlainError[] } | undefined;
  #count = 0;
  #keys: Promise<Key[]> | undefined;
  readonly #listeners = new Set<(what: Changed) => void>();
  /** How many runs need a model or rows, by their id. */
  readonly #holds = new Map<string, number>();
  /** What was closed; what a run still needs has its last call beside it. */
  readonly #dropped = new Map<string, (() => Promise<unknown>) | undefined>();

  private constructor(workerUrl: URL | undefined, params: StartParams) {
    this.#workerUrl = workerUrl;
    this.#params = params;
    this.#connection = this.#open(params);
  }

  /** Errors: `environment`, `network`, `device`. */
  static async start(workerUrl: URL | undefined, params: StartParams): Promise<Client> {
    const client = new Client(workerUrl, params);
    try {
      await client.#connection;
    } catch (thrown) {
      const error = FlantuneError.from(thrown);
      if (params.device !== "auto" || !isCrash(error)) throw error;
      // Some drivers take the module down with them.
      client.#connection = client.#open({ ...params, device: "cpu" });
      await client.#connection;
      client.#withoutGpu(error);
    }
    return client;
  }

  /** The device in use: after a crash it may be another. */
  get device(): DeviceInfo {
    if (!this.#started) throw closed();
    return this.#started.device;
  }

  get warnings(): PlainError[] {
    return this.#started?.warnings ?? [];
  }

  async call<Name extends CallName>(
    name: Name,
    params: Params<Name>,
    options: CallOptions<Name> = {},
  ): Promise<Result<Name>> {
    const connection = await this.#connection;
    return connection.call(name, params, options);
  }

  /** Every key of the configuration: asked for once. */
  keys(): Promise<Key[]> {
    this.#keys ??= this.call("keys", {});
    this.#keys.catch(() => (this.#keys = undefined));
    return this.#keys;
  }

  /** A call that a fresh worker repeats, until it is forgotten. */
  async load<Name extends CallName>(
    id: string,
    name: Name,
    params: Params<Name>,
    options: CallOptions<Name> = {},
  ): Promise<Result<Name>> {
    const result = await this.call(name, params, options);
    this.#loaded.set(id, (connection) => connection.call(name, params));
    return result;
  }

  /** Lets go of a model or of rows; where a run needs them, when it has ended. */
  async drop(id: string, call: () => Promise<unknown>): Promise<void> {
    if (this.#dropped.has(id)) return;
    const needed = this.#holds.has(id);
    this.#dropped.set(id, needed ? call : undefined);
    if (!needed) await this.#forget(id, call);
  }

  /** Refuses what was closed. */
  check(id: string, what: string): void {
    if (this.#dropped.has(id)) throw new FlantuneError("closed", `${what} closed`, "Load it again");
  }

  /** Keeps a model or rows for a run. Gives what lets go of them. */
  hold(id: string): () => void {
    this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.#holds.get(id) ?? 1) - 1;
      if (left > 0) return void this.#holds.set(id, left);
      this.#holds.delete(id);
      const call = this.#dropped.get(id);
      // Where it cannot be let go of, the worker went, and this with it.
      if (call) void this.#forget(id, call).catch(() => {});
    };
  }

  /** Tells of changes to what is kept. Gives what ends that. */
  listen(listener: (what: Changed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #forget(id: string, call: () => Promise<unknown>): Promise<void> {
    this.#dropped.set(id, undefined);
    this.#loaded.delete(id);
    await call();
  }

  /** A name that nothing else has. */
  name(kind: string): string {
    this.#count += 1;
    return `${kind}-${this.#count}`;
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#keys = undefined;
    this.#current?.end(closed());
    this.#connection = Promise.reject(closed());
    // Only who calls after this is to see it.
    this.#connection.catch(() => {});
  }

  #withoutGpu({ message, hint }: FlantuneError): void {
    if (!this.#started) return;
    const reason = {
      code: "failed" as const,
      message: `The GPU did not start: ${message}`,
      ...(hint !== undefined && { hint }),
    };
    this.#started.device = { ...this.#started.device, reason };
  }

  async #open(params: StartParams): Promise<Connection> {
    const stop = watchPolicy();
    let connection: Connection | undefined;
    try {
      const worker = await newWorker(this.#workerUrl);
      connection = new Connection(
        worker,
        () => this.#replace(),
        (what) => this.#tell(what),
      );
      this.#current = connection;
      if (this.#closed) throw closed();
      this.#started = await connection.call("start", params);
      this.#running = true;
      return connection;
    } catch (error) {
      connection?.end(FlantuneError.from(error));
      throw error;
    } finally {
      stop();
    }
  }

  #tell(what: Changed): void {
    for (const listener of this.#listeners) listener(what);
  }

  /** A worker has crashed, after it had started or before. */
  #replace(): void {
    // While it starts, who started it sees the error.
    if (this.#closed || !this.#running || !this.#started) return;
    this.#running = false;
    const connection = this.#reopen(this.#started.device);
    this.#connection = connection;
    connection.catch(() => {});
  }

  async #reopen(before: DeviceInfo): Promise<Connection> {
    const connection = await this.#openLike(before);
    for (const [id, again] of [...this.#loaded]) {
      try {
        await again(connection);
      } catch (error) {
        // A file that was moved meanwhile, or no room: whoever uses it is told that it is gone.
        this.#loaded.delete(id);
        console.warn(`flantune: ${id} could not be loaded again:`, error);
      }
    }
    return connection;
  }

  async #openLike(before: DeviceInfo): Promise<Connection> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const device = before.kind;
        return await this.#open({ ...this.#params, device });
      } catch (error) {
        if (this.#closed) throw error;
        if (attempt < ATTEMPTS) await new Promise((resolve) => setTimeout(resolve, WAIT));
        else if (this.#params.device === "auto") return this.#open(this.#params);
        else throw error;
      }
    }
  }
}

function closed(): FlantuneError {
  return new FlantuneError(
    "closed",
    "This Flantune was closed, or its engine could not be started again",
    "Start another",
  );
}
