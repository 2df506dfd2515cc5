// The worker: holds the Wasm module, the device and the storage; hears the page, and answers.

import { FlantuneError } from "../error.js";
import type { Call, CallName, PageMessage, WorkerMessage } from "../protocol.js";
import { watchForCrashes } from "./crash.js";
import { Engine } from "./engine.js";
import { Session } from "./session.js";

const scope = self as unknown as DedicatedWorkerGlobalScope;
const session = new Session(Engine.load, (what) => send({ kind: "changed", what }));
const working = new Map<number, AbortController>();

watchForCrashes((error) => send({ kind: "crash", error: error.plain() }));
scope.addEventListener("message", ({ data }: MessageEvent<PageMessage>) => hear(data));

function hear(message: PageMessage): void {
  switch (message.kind) {
    case "call":
      void answer(message);
      break;
    case "abort":
      working.get(message.id)?.abort();
      break;
    default:
      message satisfies never;
  }
}

async function answer<Name extends CallName>({ id, name, params }: Call<Name>): Promise<void> {
  const controller = new AbortController();
  working.set(id, controller);
  try {
    const tell = (
      progress: WorkerMessage & { kind: "progress" } extends { progress: infer Told } ? Told : never,
    ) => send({ kind: "progress", id, progress });
    const result = await session.handle(name, params, { signal: controller.signal, tell });
    send({ kind: "result", id, result });
  } catch (error) {
    send({ kind: "error", id, error: FlantuneError.from(error).plain() });
  } finally {
    working.delete(id);
  }
}

function send(message: WorkerMessage): void {
  scope.postMessage(message);
}
