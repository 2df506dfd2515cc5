// How long rows are, and what the limits cut.

import type { DataOptions, Distribution } from "../../types.js";
import { h, refill, setText, setValue, show, svg } from "../dom.js";
import { boxes } from "../histogram.js";
import { type Context, field, heading, select, type View } from "./parts.js";
import { warningItems } from "./warnings.js";

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
  const warnings = h("ul", { class: "plain-list" });
  const worth = h("div", { class: "stack" }, heading(context, 3, {}, strings.train.warnings), warnings);
  const root = h(
    "section",
    { class: "stack", "aria-label": texts.lengths },
    heading(context, 2, {}, texts.lengths),
    h("div", { class: "two-columns" }, ...sides.map(({ root }) => root)),
    worth,
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
      const told = state.data.lengths?.warnings ?? [];
      show(worth, told.length > 0);
      refill(warnings, JSON.stringify(told), () => warningItems(told, context));
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
function bars(distribution: Distribution): Node[] {
  const { boxes: all, limit } = boxes(distribution, WIDTH, HEIGHT);
  const nodes: Node[] = all.map(({ beyond, ...place }) =>
    svg("rect", { class: beyond ? "bar beyond" : "bar", ...place }),
  );
  if (limit !== undefined)
    nodes.push(svg("line", { class: "limit", x1: limit, x2: limit, y1: 0, y2: HEIGHT }));
  return nodes;
}
