// What the element tells the page around it. All of them bubble, also out of other shadow trees.

import type { AdapterInfo } from "../types.js";
import type { EvalEvent, Problem, StepEvent } from "./state.js";

class FlanTuneEvent<Detail> extends CustomEvent<Detail> {
  constructor(type: string, detail: Detail) {
    super(type, { detail, bubbles: true, composed: true });
  }
}

/** A step was done: its loss, learning rate, tokens a second. */
export class FlanTuneStepEvent extends FlanTuneEvent<StepEvent> {
  constructor(detail: StepEvent) {
    super("flantune:step", detail);
  }
}

/** Held-out rows were scored. */
export class FlanTuneEvalEvent extends FlanTuneEvent<EvalEvent> {
  constructor(detail: EvalEvent) {
    super("flantune:eval", detail);
  }
}

/** An adapter is finished and lies in the library. */
export class FlanTuneAdapterEvent extends FlanTuneEvent<AdapterInfo> {
  constructor(detail: AdapterInfo) {
    super("flantune:adapter", detail);
  }
}

/** Something went wrong; the element shows it as well. */
export class FlanTuneErrorEvent extends FlanTuneEvent<Problem> {
  constructor(detail: Problem) {
    super("flantune:error", detail);
  }
}

declare global {
  // Elements, the document and the window: the events bubble.
  interface GlobalEventHandlersEventMap {
    "flantune:step": FlanTuneStepEvent;
    "flantune:eval": FlanTuneEvalEvent;
    "flantune:adapter": FlanTuneAdapterEvent;
    "flantune:error": FlanTuneErrorEvent;
  }
}
