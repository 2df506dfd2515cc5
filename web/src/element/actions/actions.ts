// All that views may ask for.

import type { StepName } from "../state.js";
import type { AttemptActions } from "./attempt.js";
import type { CompareActions } from "./compare.js";
import type { DataActions } from "./data.js";
import type { LibraryActions } from "./library.js";
import type { ModelActions } from "./model.js";
import type { TrainActions } from "./train.js";

export interface Actions {
  readonly model: ModelActions;
  readonly data: DataActions;
  readonly train: TrainActions;
  readonly attempt: AttemptActions;
  readonly compare: CompareActions;
  readonly library: LibraryActions;
  /** Opens or folds a step. */
  toggle(step: StepName): void;
  /** Folds a finished step and goes to the next one. */
  advance(step: StepName): void;
  /** Starts the trainer again, after it could not start. */
  restart(): void;
}
