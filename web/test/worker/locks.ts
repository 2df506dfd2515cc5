// The locks of an origin. A tab that is closed holds none.

interface Request {
  tab: object;
  name: string;
  grant(): void;
}

type Granted<Result> = (lock: object | null) => Result | Promise<Result>;

export class Locks {
  readonly #held = new Map<string, Request>();
  #waiting: Request[] = [];

  /** What `navigator.locks` is in a tab. */
  of(tab: { closed: boolean }) {
    return {
      query: async () => ({ held: [...this.#held.keys()].map((name) => ({ name })), pending: [] }),
      request: async <Result>(
        name: string,
        options: { ifAvailable?: boolean; signal?: AbortSignal },
        granted: Granted<Result>,
      ): Promise<Result> => {
        if (tab.closed) return new Promise(() => {});
        if (options.ifAvailable && this.#held.has(name)) return granted(null);
        await this.#grant(tab, name, options.signal);
        try {
          return await granted({ name });
        } finally {
          if (this.#held.get(name)?.tab === tab) this.#release(name);
        }
      },
    };
  }

  /** Releases what a tab held or waited for. */
  close(tab: object): void {
    this.#waiting = this.#waiting.filter((request) => request.tab !== tab);
    for (const [name, request] of [...this.#held]) if (request.tab === tab) this.#release(name);
  }

  #grant(tab: object, name: string, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = { tab, name, grant: resolve };
      if (!this.#held.has(name)) {
        this.#held.set(name, request);
        return resolve();
      }
      this.#waiting.push(request);
      signal?.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== request);
        reject(signal.reason);
      });
    });
  }

  #release(name: string): void {
    const next = this.#waiting.find((request) => request.name === name);
    if (!next) return void this.#held.delete(name);
    this.#waiting = this.#waiting.filter((request) => request !== next);
    this.#held.set(name, next);
    next.grant();
  }
}
