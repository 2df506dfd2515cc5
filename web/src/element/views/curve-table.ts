// The table that stands beside a chart: some of its steps, in words that can be read out and copied.

import { h, refill } from "../dom.js";
import type { Format } from "../format.js";
import type { Curve } from "../state.js";

/** Rows of a long curve. */
const ROWS = 12;

/** Folded at first. `titles` are those of the steps and of each curve. */
export function curveTable(
  summary: string,
  titles: string[],
  format: Format,
): { root: HTMLDetailsElement; update(curves: Curve[]): void } {
  const body = h("tbody");
  const head = h("tr", {}, ...titles.map((title) => h("th", { scope: "col" }, title)));
  const scroll = h(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": summary },
    h("table", {}, h("thead", {}, head), body),
  );
  const root = h("details", { class: "more" }, h("summary", {}, summary), scroll);
  return {
    root,
    update(curves) {
      if (!root.open) return;
      const lines = rows(curves);
      refill(body, JSON.stringify(lines), () =>
        lines.map(([step, losses]) =>
          h(
            "tr",
            { class: "number" },
            h("th", { scope: "row" }, format.count(step)),
            ...losses.map((loss) => h("td", {}, loss === undefined ? "" : format.loss(loss))),
          ),
        ),
      );
    },
  };
}

/** A dozen steps of each long curve, evenly spread, with what the others have there; every step of a short one. */
function rows(curves: Curve[]): [step: number, losses: (number | undefined)[]][] {
  const shown = new Set<number>();
  for (const { steps } of curves) {
    const stride = Math.max(1, Math.floor(steps.length / ROWS));
    steps.forEach((step, place) => {
      if (place % stride === 0 || place === steps.length - 1) shown.add(step);
    });
  }
  const found = curves.map(({ steps, loss }) => new Map(steps.map((step, place) => [step, loss[place]])));
  return [...shown]
    .sort((one, other) => one - other)
    .map((step) => [step, found.map((curve) => curve.get(step))]);
}
