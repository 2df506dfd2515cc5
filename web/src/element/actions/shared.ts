// What all actions work with.

import type { Problem, State, StepName } from "../state.js";
import type { Store } from "../store.js";
import type { Strings } from "../strings/en.js";
import type { Trainer } from "../trainer.js";

export interface Shared {
  readonly store: Store;
  /** The trainer, as soon as it has started. */
  trainer(): Promise<Trainer>;
  /** The texts of the language of now. */
  strings(): Strings;
  /** Says something to screen readers: sparingly. */
  announce(text: string): void;
  /** Fires an event from the element. */
  fire(event: Event): void;
  /**
   * Shows a problem through `place`, and tells the page around the element. `folded` is the step that
   * shows it: where that is not open, the problem is announced.
   */
  fail(thrown: unknown, place: (state: State, problem: Problem) => void, folded?: StepName): void;
  /** Closes what is no longer chosen, as soon as nothing works with it. */
  retire(thing: { close(): Promise<void> }): void;
  /** Goes to a step's heading, once it is shown. */
  focusStep(step: StepName): void;
}
