// One worker, from its start to its end: calls and what comes of them.

import { cancelled, FlantuneError, isCrash } from "../error.js";
import type { CallName, Changed, PageMessage, Params, Result, Told, WorkerMessage } from "../protocol.js";
import { whyNoWorker } from "./no-worker.js";
import type { StartedWorker } from "./worker.js";

export interface CallOptions<Name extends CallName> {
  signal?: AbortSignal | undefined;
  tell?: ((progress: Told<Name>) => void) | undefined;
}

/** A call that is waited for. Only `call` knows which name it has, and so what it is answered with. */
interface Waiting {
  resolve: (result: never) => void;
  reject: (error: FlantuneError) => void;
  tell: ((progress: never) => void) | undefined;
}

export class Connection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #crashed: (error: FlantuneError) => void;
  readonly #changed: (what: Changed) => void;
  #count = 0;
  #ended: FlantuneError | undefined;

  /** `crashed` is told when the worker is of no use any more, `changed` what changed of what is kept. */
  constructor(
    { worker, url }: StartedWorker,
    crashed: (error: FlantuneError) => void,
    changed: (what: Changed) => void,
  ) {
    this.#worker = worker;
    this.#crashed = crashed;
    this.#changed = changed;
    let runs = false;
    worker.addEventListener("message", ({ data }: MessageEvent<WorkerMessage>) => {
      runs = true;
      this.#hear(data);
    });
    worker.addEventListener("error", (event) => {
      // Before it has said anything, and without a message, the script itself could not be loaded.
      if (event.message || runs)
        this.#fail(
          new FlantuneError("crash", `The worker failed: ${event.message || "the browser ended it"}`),
        );
      else void whyNoWorker(url).then((error) => this.#fail(error));
    });
    worker.addEventListener("messageerror", () => {
      this.#fail(new FlantuneError("crash", "A message of the worker could not be read"));
    });
  }

  call<Name extends CallName>(
    name: Name,
    params: Params<Name>,
    { signal, tell }: CallOptions<Name> = {},
  ): Promise<Result<Name>> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (signal?.aborted) return Promise.reject(cancelled());
    this.#count += 1;
    const id = this.#count;
    const abort = () => this.#send({ kind: "abort", id });
    const answer = new Promise<Result<Name>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, tell });
      // One of the union's members, by its name.
      this.#send({ kind: "call", id, name, params } as PageMessage);
    });
    signal?.addEventListener("abort", abort);
    return answer.finally(() => signal?.removeEventListener("abort", abort));
  }

  /** Ends the worker. What is waited for is rejected with `error`. */
  end(error: FlantuneError): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #send(message: PageMessage): void {
    try {
      this.#worker.postMessage(message);
    } catch (error) {
      if (message.kind !== "call") return;
      const text = error instanceof Error ? error.message : String(error);
      this.#take(message.id)?.reject(
        new FlantuneError("setting", `This cannot be given to a worker: ${text}`),
      );
    }
  }

  #hear(message: WorkerMessage): void {
    switch (message.kind) {
      case "result":
        // The worker answers a call by its own name (`Handlers` there).
        this.#take(message.id)?.resolve(message.result as never);
        break;
      case "error": {
        const error = FlantuneError.from(message.error);
        // The crash itself is on its way, and rejects this with all others.
        if (!isCrash(error)) this.#take(message.id)?.reject(error);
        else this.#fail(error);
        break;
      }
      case "progress":
        this.#waiting.get(message.id)?.tell?.(message.progress as never);
        break;
      case "changed":
        this.#changed(message.what);
        break;
      case "crash":
        this.#fail(FlantuneError.from(message.error));
        break;
      default:
        message satisfies never;
    }
  }

  #fail(error: FlantuneError): void {
    if (this.#ended) return;
    this.end(error);
    this.#crashed(error);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
