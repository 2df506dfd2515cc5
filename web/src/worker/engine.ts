// The Wasm module: loads it, gives it its surroundings, and sees to it that it answers one request
// at a time.

import type { Engine as EngineClass, EngineHost, EngineWriter, RequestName, Requests } from "../engine.js";
import { cancelled, FlantuneError } from "../error.js";
import { fetchOwn, MODULE, notLoaded } from "../own-files.js";
import { crashed, deviceFailed, isTrap } from "./crash.js";
import init, { Engine as WasmEngine } from "./flantune_wasm.js";
import type { Storage } from "./storage/storage.js";
import { turn } from "./turn.js";

export interface RequestOptions {
  signal?: AbortSignal | undefined;
  progress?: ((value: string | number) => void) | undefined;
  /** Told of what is read of files. */
  onRead?: ((path: string, bytes: number) => void) | undefined;
}

/** The request that is being worked on. */
interface Current extends RequestOptions {
  id: number;
  /** What the storage refused: the core keeps its message, but not its code. */
  refusal?: FlantuneError;
}

export class Engine {
  readonly #engine: EngineClass;
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;
  #current: Current | undefined;

  private constructor(storage: Storage) {
    this.#engine = new WasmEngine(this.#host(storage));
  }

  static async load(storage: Storage, wasmUrl?: string): Promise<Engine> {
    // A literal that bundlers see: they copy the module, and put its address here.
    const url = wasmUrl ?? new URL("./flantune_wasm_bg.wasm", import.meta.url).href;
    const response = await fetchOwn(MODULE, url);
    try {
      await init({ module_or_path: response });
    } catch (error) {
      throw await unusable(url, error);
    }
    return new Engine(storage);
  }

  /** Answers a request after those that were made before. */
  request<Name extends RequestName>(
    name: Name,
    params: Requests[Name]["params"],
    options: RequestOptions = {},
  ): Promise<Requests[Name]["answer"]> {
    const answer = this.#last.then(() => this.#call(name, params, options));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #call<Name extends RequestName>(
    name: Name,
    params: Requests[Name]["params"],
    options: RequestOptions,
  ): Promise<Requests[Name]["answer"]> {
    // Messages of the page are heard between any two requests.
    await turn();
    if (options.signal?.aborted) throw cancelled();
    this.#count += 1;
    const current: Current = { ...options, id: this.#count };
    this.#current = current;
    try {
      // web/test/contract.ts holds the types of answers against what the core gives.
      const answer = await this.#engine.call(current.id, JSON.stringify({ request: name, ...params }));
      return JSON.parse(answer) as Requests[Name]["answer"];
    } catch (thrown) {
      if (isTrap(thrown)) throw crashed(thrown);
      const error = FlantuneError.from(thrown);
      if (error.code === "device" && name !== "openDevice") throw deviceFailed(error);
      if (error.code === "storage" && current.refusal) throw current.refusal;
      throw error;
    } finally {
      this.#current = undefined;
    }
  }

  #host(storage: Storage): EngineHost {
    const remember = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (thrown) {
        const error = FlantuneError.from(thrown);
        if (this.#current && error.code !== "not_found") this.#current.refusal = error;
        throw error;
      }
    };
    const writer = (inner: EngineWriter): EngineWriter => ({
      write: (bytes) => remember(inner.write(bytes)),
      finish: () => remember(inner.finish()),
      abandon: () => inner.abandon(),
    });
    return {
      length: (path) => remember(storage.length(path)),
      read: async (path, start, end) => {
        const bytes = await remember(storage.read(path, start, end));
        this.#current?.onRead?.(path, bytes.length);
        return bytes;
      },
      create: (path) => remember(storage.create(path).then(writer)),
      append: (path, bytes) => remember(storage.append(path, bytes)),
      list: (directory) => remember(storage.list(directory)),
      remove: (path) => remember(storage.remove(path)),
      shown: (path) => storage.shown(path),
      seconds: () => performance.now() / 1000,
      turn: async () => {
        await turn();
        if (this.#current?.signal?.aborted) throw cancelled();
      },
      progress: (id, value) => {
        if (id === this.#current?.id) this.#current.progress?.(value);
      },
    };
  }
}

/** What is wrong with a module that came, and could not be used. */
async function unusable(url: string, error: unknown): Promise<FlantuneError> {
  const message = error instanceof Error ? error.message : String(error);
  if (/Content.Security.Policy|unsafe-eval|blocked by CSP/i.test(message))
    return notLoaded("wasm_eval", MODULE, url, message, error);
  // Its body is gone; a server may call a web page anything, and its first letters tell.
  const head = await fetchOwn(MODULE, url).then(
    (again) => again.text(),
    () => "",
  );
  return notLoaded(/^\s*</.test(head) ? "html" : "content", MODULE, url, message, error);
}
