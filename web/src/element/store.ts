// The state and who is told of changes: once a frame, however many changes there were.

import { initialState, type Problem, type State } from "./state.js";
import type { Strings } from "./strings/en.js";

export class Store {
  readonly state: State = initialState();
  #listeners = new Set<() => void>();
  #frame = 0;

  change(mutate?: (state: State) => void): void {
    mutate?.(this.state);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      for (const listener of this.#listeners) listener();
    });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#listeners.clear();
  }
}

/** What was thrown, as it is shown in the language of now. */
export function said(thrown: unknown, strings: Strings): Problem {
  const shown = problem(thrown);
  const known = strings.problem[shown.code];
  return known === undefined ? shown : { ...shown, ...known, detail: [shown.message, known.hint === undefined ? undefined : shown.hint].filter(Boolean).join(". ") };
}

/** What was thrown. */
export function problem(thrown: unknown): Problem {
  if (thrown instanceof Error) {
    const { code, hint } = thrown as Error & { code?: unknown; hint?: unknown }; // a FlantuneError has both
    return {
      code: typeof code === "string" ? code : "internal",
      message: thrown.message,
      ...(typeof hint === "string" ? { hint } : {}),
    };
  }
  return { code: "internal", message: String(thrown) };
}

/** Whether the work was called off, which is no problem. */
export function isAbort(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === "AbortError" || (thrown as Error & { code?: unknown }).code === "cancelled";
}
