// A step: a heading that opens and folds it. Folded, it is one line that says what was chosen.

import { h, setAttribute, setText, show, uniqueId } from "../dom.js";
import { STEPS, type StepName } from "../state.js";
import { button, type Context, disable, heading, type View } from "./parts.js";

export interface StepParts {
  name: StepName;
  /** What was chosen, in a line. */
  summary: () => string;
  /** The label of the button that folds the step and goes on; none where the step has no next one. */
  next?: string;
  /** Whether going on makes sense yet. */
  ready?: () => boolean;
  parts: View[];
}

export function step(context: Context, { name, summary, next, ready, parts }: StepParts): View {
  const { strings, actions, state } = context;
  const id = uniqueId("step");
  const summaryLine = h("span", { class: "step-summary" });
  const toggle = h("span", { class: "step-toggle", "aria-hidden": "true" });
  const fold = h(
    "button",
    {
      type: "button",
      class: "step-heading",
      id,
      "aria-controls": `${id}-body`,
      "data-step": name,
      on: { click: () => actions.toggle(name) },
    },
    h("span", { class: "step-number" }, String(STEPS.indexOf(name) + 1)),
    h("span", { class: "step-name" }, strings.stepTitle[name]),
    summaryLine,
    toggle,
  );
  const onward =
    next === undefined
      ? undefined
      : button(next, () => actions.advance(name), { class: "button secondary onward" });
  const body = h(
    "div",
    { class: "step-body", id: `${id}-body` },
    h("p", { class: "step-lead" }, strings.stepLead[name]),
    ...parts.map((part) => part.root),
    onward,
  );
  const root = h(
    "section",
    { class: "step", part: `step step-${name}`, "aria-label": strings.stepTitle[name] },
    heading(context, 1, {}, fold),
    body,
  );
  return {
    root,
    update() {
      const open = state.open[name];
      setAttribute(fold, "aria-expanded", String(open));
      show(body, open);
      show(summaryLine, !open);
      setText(summaryLine, summary());
      setText(toggle, open ? strings.close : next === undefined ? strings.open : strings.change);
      if (onward !== undefined) disable(onward, ready !== undefined && !ready());
      if (open) for (const part of parts) part.update();
    },
    close() {
      for (const part of parts) part.close?.();
    },
  };
}
