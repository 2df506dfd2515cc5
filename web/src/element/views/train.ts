// Step 4: start a run, go on with one that was cut off, watch a few rows.

import type { DeviceChoice, DeviceInfo } from "../../types.js";
import { h, refill, setText, setValue, show } from "../dom.js";
import { numberInForce } from "../keys.js";
import { dataName, modelName } from "../names.js";
import { isActive, isBusy } from "../state.js";
import { translated } from "../store.js";
import {
  button,
  type Context,
  disable,
  field,
  heading,
  problemBox,
  select,
  sentences,
  type View,
  why,
} from "./parts.js";
import { step } from "./step.js";
import { warningItems } from "./warnings.js";

export function trainStep(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.train;
  return step(context, {
    name: "train",
    summary() {
      const { run } = state;
      return run === undefined ? texts.summaryIdle : texts.summary(run.name, strings.run.phase[run.phase]);
    },
    parts: [
      interrupted(context),
      starter(context),
      samples(context),
      why(context, () => {
        const { run, plan } = state;
        const paragraphs = [texts.whyEmpty];
        const trainable = run?.start?.trainable_parameters ?? plan?.parameters?.trainable;
        if (trainable !== undefined)
          paragraphs.push(
            texts.whySteps(format.count(numberInForce(state, "batchSize")), format.count(trainable)),
          );
        const loss = run?.last?.loss;
        if (loss !== undefined)
          paragraphs.push(texts.whyLoss(format.loss(loss), format.percent(Math.exp(-loss))));
        return paragraphs;
      }),
    ],
  });
}

function starter(context: Context): View {
  const { strings, state, actions } = context;
  const texts = strings.train;
  const plan = h("p", {});
  const start = button(texts.start, () => void actions.train.start(), {
    class: "button primary",
    part: "button train",
  });
  const device = field(
    texts.device,
    select(
      (["auto", "webgpu", "cpu"] as const).map((name) => [name, texts.deviceName[name]]),
      (value) => actions.train.chooseDevice(value as DeviceChoice), // one of the three above
    ),
  );
  const preparing = h("p", { class: "note", "aria-live": "polite" });
  const runsOn = h("p", { class: "note" });
  const problem = problemBox();
  return {
    root: h(
      "div",
      { class: "stack" },
      plan,
      h("div", { class: "row start" }, start, device.root),
      preparing,
      runsOn,
      problem.root,
    ),
    update() {
      const { run, settings } = state;
      setText(plan, texts.plan(strings.method[settings.method], dataName(context), modelName(context)));
      setText(start, run === undefined || isActive(run) ? texts.start : texts.again);
      const busy = isBusy(state);
      const unreadable = state.data.problem !== undefined;
      disable(start, busy || unreadable);
      device.control.disabled = busy;
      setText(preparing, state.starting ? texts.preparing : unreadable ? texts.unreadable : "");
      setValue(device.control, state.device.choice);
      const { info, warnings } = state.device;
      setText(
        runsOn,
        info === undefined
          ? strings.engine.starting
          : sentences([
              texts.runsOn(info.kind === "cpu" ? texts.processor : info.name),
              ...reason(context, info),
              info.leftOut && texts.leftOut,
              ...warnings
                .map((warning) => translated(warning, strings))
                .flatMap(({ message, hint }) => [message, hint]),
            ]),
      );
      device.problem.set(state.device.choice === "auto" ? undefined : state.device.problem);
      problem.set(state.runProblem);
    },
  };
}

/** Why it is not the graphics card, in the page's language where that is known. */
function reason({ strings }: Context, { reason: given }: DeviceInfo): (string | undefined)[] {
  if (given === undefined) return [];
  const { message, hint } = strings.train.reason[given.code] ?? given;
  return [message, hint];
}

function interrupted(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.train;
  const list = h("ul", { class: "list" });
  const root = h(
    "section",
    { class: "stack notice", "aria-label": texts.interrupted },
    heading(context, 2, {}, texts.interrupted),
    list,
  );
  return {
    root,
    update() {
      const runs = state.interrupted;
      show(root, runs.length > 0);
      const busy = isBusy(state);
      refill(list, JSON.stringify([runs, busy]), () =>
        runs.map((run) =>
          h(
            "li",
            {},
            h(
              "div",
              { class: "grow number" },
              texts.interruptedRun(
                run.name,
                format.count(run.step),
                format.count(run.steps),
                format.moment(run.created),
              ),
              run.problem !== undefined && h("p", { class: "note" }, run.problem),
            ),
            button(texts.resume, () => void actions.train.resumeRun(run.id), {
              "aria-disabled": busy ? "true" : undefined,
              class: "button secondary",
              "aria-label": strings.adapters.actionOn(texts.resume, run.name),
            }),
            run.state === "failed" &&
              run.rowsAtOnce === undefined && // else going on is in smaller parts anyway
              button(texts.smaller, () => void actions.train.resumeRun(run.id, true), {
                "aria-disabled": busy ? "true" : undefined,
                class: "button secondary",
                "aria-label": strings.adapters.actionOn(texts.smaller, run.name),
              }),
            button(texts.forget, () => void actions.train.forgetRun(run.id), {
              class: "button quiet",
              "aria-label": strings.adapters.actionOn(texts.forget, run.name),
            }),
          ),
        ),
      );
    },
  };
}

/** The same rows: as the base writes them, at the first evaluation and now. */
function samples(context: Context): View {
  const { strings, format, state } = context;
  const texts = strings.train;
  const empty = h("p", { class: "note" }, texts.samplesEmpty);
  const list = h("ol", { class: "samples", part: "samples" });
  const warnings = h("ul", { class: "plain-list" });
  const worth = h("div", { class: "stack" }, heading(context, 3, {}, texts.warnings), warnings);
  const note = h("p", { class: "note" }, texts.samplesNote);
  const root = h(
    "section",
    { class: "stack", "aria-label": texts.samples },
    heading(context, 2, {}, texts.samples),
    empty,
    note,
    list,
    worth,
  );
  return {
    root,
    update() {
      const rows = state.run === undefined || state.run.attempt ? [] : state.run.samples;
      const told = state.run?.warnings ?? [];
      show(empty, rows.length === 0);
      show(note, rows.length > 0);
      show(worth, told.length > 0);
      refill(warnings, JSON.stringify(told), () => warningItems(told, context));
      refill(list, JSON.stringify(rows), () =>
        rows.map(({ source, reference, before, outputs }) => {
          const first = outputs[0];
          const last = outputs.at(-1);
          return h(
            "li",
            {},
            h("p", { class: "row-text clamp" }, source),
            h(
              "dl",
              { class: "outputs" },
              h("dt", {}, texts.wanted),
              h("dd", {}, reference),
              before !== undefined && h("dt", {}, texts.before),
              before !== undefined && h("dd", {}, before),
              first !== undefined &&
                outputs.length > 1 &&
                h("dt", { class: "number" }, texts.atStep(format.count(first.step))),
              first !== undefined && outputs.length > 1 && h("dd", {}, first.text),
              last !== undefined && h("dt", { class: "number" }, texts.atStep(format.count(last.step))),
              last !== undefined && h("dd", { class: "strong" }, last.text),
            ),
          );
        }),
      );
    },
  };
}
