// How long rows are, and what the limits cut.

import type { DataOptions, Distribution } from "../../types.js";
import { h, refill, setText, setValue, show, svg } from "../dom.js";
import { type Context, field, heading, select, type View } from "./parts.js";

const SIDES = ["source", "target"] as const;
type Side = (typeof SIDES)[number];
const LIMIT: Record<Side, "maxSourceTokens" | "maxTargetTokens"> = {
  source: "maxSourceTokens",
  target: "maxTargetTokens",
};
const DEFAULT: Record<Side, number> = { source: 512, target: 128 };
const WIDTH = 320;
const HEIGHT = 72;

export function lengthsView(context: Context): View {
  const { strings, state, actions } = context;
  const texts = strings.data;
  const sides = SIDES.map((name) => sideView(context, name));
  const onTooLong = field(
    texts.onTooLong,
    select(
      (["truncate", "drop", "keep", "error"] as const).map((name) => [name, texts.onTooLongName[name]]),
      (value) => actions.data.configure({ onTooLong: value as NonNullable<DataOptions["onTooLong"]> }), // one of the four above
    ),
  );
  const held = field(
    texts.heldOut,
    h("input", {
      class: "input narrow",
      part: "input",
      type: "number",
      min: 0,
      max: 90,
      step: 1,
      on: {
        change() {
          const percent = held.control.valueAsNumber;
          const valid = percent >= 0 && percent <= 90;
          held.problem.set(
            valid ? undefined : { code: "range", message: strings.settings.outOfRange("0", "90") },
          );
          if (valid) actions.data.configure({ validationFraction: percent / 100 });
        },
      },
    }),
    texts.heldOutNote,
  );
  const root = h(
    "section",
    { class: "stack", "aria-label": texts.lengths },
    heading(context, 2, {}, texts.lengths),
    h("div", { class: "two-columns" }, ...sides.map(({ root }) => root)),
    h("div", { class: "fields two" }, onTooLong.root, held.root),
  );
  return {
    root,
    update() {
      const { options, set } = state.data;
      show(root, set !== undefined);
      setValue(onTooLong.control, options.onTooLong ?? "truncate");
      show(held.root, state.data.choice === "file"); // a demo set brings rows to judge by
      setValue(held.control, String(Math.round((options.validationFraction ?? 0.1) * 100)));
      for (const side of sides) side.update();
    },
  };
}

function sideView(context: Context, name: Side): View {
  const { strings, format, state, actions } = context;
  const texts = strings.data;
  const chart = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: "histogram",
    role: "img",
    preserveAspectRatio: "none",
  });
  const axis = h("div", { class: "axis number", "aria-hidden": "true" }, h("span"), h("span"));
  const words = h("p", { class: "note number" });
  const body = h("tbody");
  const table = h(
    "details",
    { class: "more" },
    h("summary", {}, texts.histogramTable),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "group", "aria-label": texts.histogramTable },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h("tr", {}, h("th", { scope: "col" }, texts.bucket), h("th", { scope: "col" }, texts.count)),
        ),
        body,
      ),
    ),
  );
  const limit = field(
    texts.limit[name],
    h("input", {
      class: "input narrow",
      part: "input",
      type: "number",
      min: 2,
      max: 4096,
      step: 1,
      on: {
        change() {
          const value = limit.control.valueAsNumber;
          const valid = Number.isInteger(value) && value >= 2 && value <= 4096;
          limit.problem.set(
            valid
              ? undefined
              : { code: "range", message: strings.settings.outOfRange("2", format.count(4096)) },
          );
          if (valid) actions.data.configure({ [LIMIT[name]]: value });
        },
      },
    }),
  );
  const figure = h("div", { class: "figure" }, axis, words, table);
  figure.prepend(chart);
  const root = h(
    "div",
    { class: "stack" },
    heading(context, 3, {}, texts.lengthsOf[name]),
    figure,
    limit.root,
  );
  return {
    root,
    update() {
      const lengths = state.data.lengths?.[name];
      setValue(limit.control, String(state.data.options[LIMIT[name]] ?? DEFAULT[name]));
      show(figure, lengths !== undefined);
      if (lengths === undefined) return;
      const summary =
        lengths.too_long > 0
          ? texts.tooLong(
              format.count(lengths.too_long),
              format.count(lengths.limit),
              format.count(lengths.cut_tokens),
            )
          : texts.noneTooLong(format.count(lengths.limit), format.count(lengths.max));
      chart.setAttribute("aria-label", `${texts.lengthsOf[name]}: ${summary}`);
      setText(words, summary);
      words.classList.toggle("warning", lengths.too_long > 0);
      const key = JSON.stringify(lengths);
      refill(chart, key, () => bars(lengths));
      const [from, to] = axis.children;
      if (from !== undefined && to !== undefined) {
        setText(from, format.count(lengths.histogram[0]?.from ?? 0));
        setText(to, format.count(lengths.histogram.at(-1)?.to ?? 0));
      }
      refill(body, key, () =>
        lengths.histogram.map(({ from, to, count }) =>
          h(
            "tr",
            {},
            h("th", { scope: "row", class: "number" }, `${format.count(from)}–${format.count(to)}`),
            h("td", { class: "number" }, format.count(count)),
          ),
        ),
      );
    },
  };
}

/** A bar for each bucket; those beyond the limit look cut, and the limit is a line. */
function bars({ histogram, limit }: Distribution): Node[] {
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const first = histogram[0]?.from ?? 0;
  const span = Math.max(1, (histogram.at(-1)?.to ?? 1) - first);
  const x = (tokens: number) => ((tokens - first) / span) * WIDTH;
  const nodes: Node[] = histogram.map(({ from, to, count }) => {
    const height = count === 0 ? 0 : Math.max(2, (count / most) * (HEIGHT - 4));
    const width = Math.max(1, x(to) - x(from) - 1);
    return svg("rect", {
      class: from >= limit ? "bar beyond" : "bar",
      x: x(from),
      y: HEIGHT - height,
      width,
      height,
    });
  });
  if (limit > first && limit < first + span)
    nodes.push(svg("line", { class: "limit", x1: x(limit), x2: x(limit), y1: 0, y2: HEIGHT }));
  return nodes;
}
