// A browser's tab with the whole worker in it, but for the Wasm module, whose part `Core` plays. Tabs of
// one origin share its disk, its locks and the network.

import { AsyncLocalStorage } from "node:async_hooks";

import type { CallName, Params, Result, Told } from "../../src/protocol.js";
import { VERSION } from "../../src/version.js";
import type { Engine } from "../../src/worker/engine.js";
import { Session } from "../../src/worker/session.js";
import { Core } from "./core.js";
import { copyOf, DirectoryHandle, FileHandle, Node } from "./disk.js";
import { Faults, type Plan } from "./faults.js";
import { Locks } from "./locks.js";
import { Server } from "./server.js";

/** In which tab the code runs that is running: what a closed one left behind must not reach another. */
const here = new AsyncLocalStorage<Tab>();

function current(): Tab {
  const tab = here.getStore();
  if (!tab) throw new Error("outside of any tab");
  return tab;
}

Object.defineProperty(globalThis, "FileSystemFileHandle", { value: FileHandle });
Object.defineProperty(globalThis, "navigator", {
  configurable: true,
  value: {
    onLine: true,
    storage: { getDirectory: async () => new DirectoryHandle(current().faults, current().origin.disk, "") },
    get locks() {
      return {
        query: () => current().locks.query(),
        request: (...words: Parameters<Tab["locks"]["request"]>) => current().locks.request(...words),
      };
    },
  },
});
// What tabs tell each other changes nothing of what is kept, and an open channel would keep Node from ending.
globalThis.BroadcastChannel = class {
  addEventListener() {}
  postMessage() {}
} as unknown as typeof BroadcastChannel;
// Nobody here needs seconds to release a lock.
AbortSignal.timeout = () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new DOMException("it took too long", "TimeoutError")), 50);
  return controller.signal;
};

// What could not be swept says so each time.
console.warn = () => {};

globalThis.fetch = ((address: string, options: RequestInit) => {
  const { faults, origin } = current();
  return faults.closed ? new Promise(() => {}) : origin.server.fetch(address, options as never);
}) as typeof fetch;

export class Origin {
  disk = new Node("directory");
  readonly locks = new Locks();
  readonly server = new Server();

  /** Another origin, with the same files and the same network. */
  copy(): Origin {
    const copy = new Origin();
    copy.disk = copyOf(this.disk);
    for (const [address, file] of this.server.files) copy.server.files.set(address, file);
    return copy;
  }

  /** Opens a tab and starts its worker. Where the tab is closed at that, nobody answers. */
  async open(plan?: Plan): Promise<Tab> {
    const tab = new Tab(this, plan);
    await tab.orClosed(
      tab.call("start", {
        version: VERSION,
        device: "cpu",
        hubEndpoint: "https://hub.example",
        assetsUrl: "https://page.example/",
      }),
    );
    return tab;
  }
}

export class Tab {
  readonly faults: Faults;
  readonly locks: ReturnType<Locks["of"]>;
  readonly #session = new Session(
    async (storage) => new Core(storage) as unknown as Engine,
    () => {},
  );
  readonly #closed: Promise<void>;

  constructor(
    readonly origin: Origin,
    plan?: Plan,
  ) {
    let told = () => {};
    this.#closed = new Promise((resolve) => (told = resolve));
    this.faults = new Faults(() => {
      origin.locks.close(this.faults);
      told();
    });
    this.faults.plan = plan;
    this.locks = origin.locks.of(this.faults);
  }

  /** Calls the worker, as the page does. */
  call<Name extends CallName>(
    name: Name,
    params: Params<Name>,
    {
      signal = new AbortController().signal,
      tell = () => {},
    }: { signal?: AbortSignal; tell?: (told: Told<Name>) => void } = {},
  ): Promise<Result<Name>> {
    return here.run(this, () => this.#session.handle(name, params, { signal, tell }));
  }

  /** What comes of some work; nothing where the tab is closed before. */
  orClosed<Outcome>(work: Promise<Outcome>): Promise<Outcome | undefined> {
    work.catch(() => {});
    return Promise.race([work, this.#closed.then(() => undefined)]);
  }

  close(): void {
    this.faults.close();
  }
}
