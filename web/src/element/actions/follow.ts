// Takes a run's events into the state, and tells the page around the element.

import type { AdapterInfo, Method, RunEvent, Sample } from "../../types.js";
import { FlanTuneAdapterEvent, FlanTuneEvalEvent, FlanTuneStepEvent } from "../events.js";
import { emptyCurve, type RunView } from "../state.js";
import { isAbort } from "../store.js";
import type { Model, Run } from "../trainer.js";
import type { Shared } from "./shared.js";

export function newRun(name: string, method: Method, modelName: string, dataName: string): RunView {
  return {
    name,
    method,
    modelName,
    dataName,
    phase: "starting",
    training: emptyCurve(),
    evaluation: emptyCurve(),
    samples: [],
    warnings: [],
    attempt: false,
  };
}

/**
 * Follows a run to its end; gives its adapter, or nothing where there is none. Of `base`, where it is
 * given, is asked what it writes for the rows that the run shows.
 */
export async function follow(
  shared: Shared,
  run: Run,
  view: RunView,
  base?: Model,
): Promise<AdapterInfo | undefined> {
  const { store } = shared;
  let answered = false;
  const adapter = run.adapter.catch((thrown: unknown) => thrown);
  view.id = run.id;
  try {
    for await (const event of run) {
      store.change(() => take(view, event));
      if (event.event === "start") {
        const { device } = await shared.trainer(); // after a device was lost it may be another
        store.change((state) => (state.device.info = device));
      }
      if (event.event === "step") shared.fire(new FlanTuneStepEvent(event));
      else if (event.event === "eval") {
        shared.fire(new FlanTuneEvalEvent(event));
        if (base !== undefined && !answered && event.samples.length > 0) {
          answered = true;
          void answerFirst(shared, base, view);
        }
      }
    }
    const made = await adapter;
    if (made instanceof Error) throw made;
    const info = made as AdapterInfo; // an AdapterInfo or an Error came of the promise
    store.change(() => {
      view.adapter = info;
      const early = (view.last?.step ?? 0) < (view.start?.steps ?? 0);
      view.phase = view.phase === "stopping" && early ? "stopped" : "done";
    });
    shared.fire(new FlanTuneAdapterEvent(info));
    return info;
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : "";
    if (view.phase === "stopping" && (isAbort(thrown) || code === "stopped")) {
      store.change(() => (view.phase = "stopped"));
    } else {
      shared.fail(thrown, (_, problem) => {
        view.phase = "failed";
        view.problem = problem;
      });
    }
    return undefined;
  }
}

function take(view: RunView, event: RunEvent): void {
  switch (event.event) {
    case "start":
      view.start = event;
      if (view.phase === "starting") view.phase = "running";
      return;
    case "step":
      view.last = event;
      view.training.steps.push(event.step);
      view.training.loss.push(event.loss);
      return;
    case "eval": {
      const { loss } = event.metrics;
      if (typeof loss === "number") {
        view.evaluation.steps.push(event.step);
        view.evaluation.loss.push(loss);
      }
      event.samples.forEach((sample) => remember(view, event.step, sample));
      return;
    }
    case "warning":
      if (!view.warnings.some(({ message }) => message === event.message)) view.warnings.push(event);
      return;
    case "error":
      view.problem = { code: event.code, message: event.message };
      return;
    case "checkpoint":
    case "done":
      return;
  }
}

function remember(view: RunView, step: number, { source, reference, prediction }: Sample): void {
  let history = view.samples.find((sample) => sample.source === source);
  if (history === undefined) {
    history = { source, reference, outputs: [] };
    view.samples.push(history);
  }
  history.outputs.push({ step, text: prediction });
}

/** What the base writes for the rows that are shown: between two steps, so that the run need not wait for it. */
async function answerFirst({ store }: Shared, base: Model, view: RunView): Promise<void> {
  const samples = [...view.samples];
  try {
    const texts = await base.generate(
      samples.map(({ source }) => source),
      { adapter: null, maxNewTokens: 64 },
    );
    store.change(() => samples.forEach((sample, place) => (sample.before = texts[place] ?? "")));
  } catch {
    // The run goes on without: what went wrong, it meets itself.
  }
}
