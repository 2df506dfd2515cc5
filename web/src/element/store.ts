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
  return translated(problem(thrown), strings);
}

/** A problem in the language of now, with what was said in English as its detail. */
export function translated(shown: Problem, strings: Strings): Problem {
  const { code, reason, url = "" } = shown;
  const known = strings.problem[`${code}/${reason}`] ?? strings.problem[code];
  if (known === undefined) return shown;
  const detail = [shown.message, known.hint === undefined ? undefined : shown.hint]
    .filter(Boolean)
    .join(". ");
  const filled = (text: string) => text.replaceAll("{url}", () => url);
  return {
    ...shown,
    message: filled(known.message),
    ...(known.hint !== undefined && { hint: filled(known.hint) }),
    detail,
  };
}

/** What was thrown. */
export function problem(thrown: unknown): Problem {
  if (thrown instanceof Error) {
    const given = thrown as Error & Record<string, unknown>; // a FlantuneError has these
    const texts = ["hint", "reason", "url"]
      .filter((key) => typeof given[key] === "string")
      .map((key) => [key, given[key]]);
    const code = typeof given["code"] === "string" ? given["code"] : "internal";
    return { code, message: thrown.message, ...(Object.fromEntries(texts) as Partial<Problem>) };
  }
  return { code: "internal", message: String(thrown) };
}

/** Whether the work was called off, which is no problem. */
export function isAbort(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === "AbortError" || (thrown as Error & { code?: unknown }).code === "cancelled";
}
