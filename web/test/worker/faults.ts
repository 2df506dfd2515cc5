// What goes wrong, and when: every call that a tab makes of the browser's storage comes by here.

/** `look` reads what there is, `write` needs room, `remove` does not. */
export type Kind = "look" | "write" | "remove";

export interface Plan {
  /**
   * `closed`: the tab is closed after `at` calls of any kind. `full`: there is no room for any writing
   * call after `at` of them. `unreadable`: the reading call after `at` of them is rejected, and no other.
   * `visited`: after `at` calls that answer later, another tab is opened first.
   */
  fault: "closed" | "full" | "unreadable" | "visited";
  at: number;
  visit?: () => Promise<void>;
}

export class Faults {
  /** Calls so far, by what counts them. */
  readonly calls = { closed: 0, full: 0, unreadable: 0, visited: 0 };
  plan: Plan | undefined;
  closed = false;
  /** Whether the plan came to anything. */
  struck = false;
  readonly #onClosed: () => void;

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed;
  }

  /** Counts from now on. */
  begin(plan: Plan): void {
    this.plan = plan;
    Object.assign(this.calls, { closed: 0, full: 0, unreadable: 0, visited: 0 });
  }

  /** A call that answers later. In a tab that is closed it never does. */
  async pass(kind: Kind): Promise<void> {
    // As in a browser, whoever else waits comes first.
    await Promise.resolve();
    if (this.plan?.fault === "visited" && this.calls.visited === this.plan.at) {
      this.calls.visited += 1;
      this.struck = true;
      await this.plan.visit?.();
    } else this.calls.visited += 1;
    if (this.#closes()) await new Promise(() => {});
    this.#fails(kind);
  }

  /** A call that answers at once. */
  passNow(kind: Kind): void {
    if (this.#closes()) throw new Error("this tab is closed");
    this.#fails(kind);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#onClosed();
  }

  #closes(): boolean {
    if (this.closed) return true;
    if (this.plan?.fault === "closed" && this.calls.closed >= this.plan.at) {
      this.struck = true;
      this.close();
      return true;
    }
    this.calls.closed += 1;
    return false;
  }

  #fails(kind: Kind): void {
    if (kind === "write") {
      this.calls.full += 1;
      if (this.plan?.fault === "full" && this.calls.full > this.plan.at)
        this.#strike("QuotaExceededError", "no room");
    }
    if (kind === "look") {
      this.calls.unreadable += 1;
      if (this.plan?.fault === "unreadable" && this.calls.unreadable === this.plan.at + 1)
        this.#strike("NotReadableError", "it cannot be read now");
    }
  }

  #strike(name: string, message: string): never {
    this.struck = true;
    throw new DOMException(message, name);
  }
}
