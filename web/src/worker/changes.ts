// What is kept in this browser is one for all pages of an origin: each worker tells the others what it
// changed, and its own page what anybody changed.

import type { CallName, Changed } from "../protocol.js";
import { whenReleased } from "./locks.js";

/** What calls change when they have ended, well or not. A run is there as soon as it begins, too. */
const CHANGES: Partial<Record<CallName, Changed[]>> = {
  run: ["runs", "adapters"],
  failRun: ["runs"],
  removeRun: ["runs"],
  renameAdapter: ["adapters"],
  removeAdapter: ["adapters", "runs"],
  importAdapter: ["adapters"],
  loadModel: ["models"],
  removeModel: ["models"],
};

const CHANNEL = "flantune-changes";

export class Changes {
  readonly #tell: (what: Changed) => void;
  readonly #channel: BroadcastChannel | undefined;
  /** Runs of other workers whose end is waited for. */
  readonly #awaited = new Set<string>();

  /** `tell` reaches the page; the others are told, and heard, where they see the same files. */
  constructor(tell: (what: Changed) => void, shared: boolean) {
    this.#tell = tell;
    this.#channel = shared ? new BroadcastChannel(CHANNEL) : undefined;
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Changed>) => tell(data));
  }

  /** A call has ended. */
  after(name: CallName): void {
    for (const what of CHANGES[name] ?? []) this.tell(what);
  }

  tell(what: Changed): void {
    this.#channel?.postMessage(what);
    this.#tell(what);
  }

  /** Tells the page when another worker, however that comes, works no more on a run. */
  async await(run: string): Promise<void> {
    if (this.#awaited.has(run)) return;
    this.#awaited.add(run);
    try {
      await whenReleased(run);
    } finally {
      this.#awaited.delete(run);
    }
    this.#tell("runs");
  }
}
