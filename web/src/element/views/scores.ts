// Scores on held-out rows, and which answers changed.

import { h, refill, setText, show } from "../dom.js";
import type { Scored } from "../state.js";
import { button, type Context, disable, heading, progressBar, type View } from "./parts.js";

export function scoresView(context: Context): View {
  const { strings, format, state, actions } = context;
  const texts = strings.compare;
  const score = button(texts.score, () => void actions.compare.score(), { part: "button score" });
  const bar = progressBar(texts.scores);
  const head = h(
    "tr",
    {},
    ...[texts.system, texts.lossColumn, texts.rougeColumn, texts.bleuColumn, texts.changedColumn].map(
      (title) => h("th", { scope: "col" }, title),
    ),
  );
  const body = h("tbody");
  const table = h(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": texts.scores },
    h("table", { part: "scores" }, h("thead", {}, head), body),
  );
  const note = h("p", { class: "note number" });
  const doubt = h("p", { class: "warning" });
  const only = h("input", {
    type: "checkbox",
    on: { change: () => actions.compare.showOnlyChanged(only.checked) },
  });
  const rows = h("ol", { class: "answers" });
  const none = h("p", { class: "note" }, texts.noneChanged);
  const detail = h(
    "details",
    { class: "more" },
    h("summary", {}, texts.rows),
    h("label", { class: "check" }, only, h("span", {}, texts.onlyChanged)),
    none,
    rows,
  );
  const root = h(
    "section",
    { class: "stack", "aria-label": texts.scores },
    heading(context, 2, {}, texts.scores),
    h("div", { class: "actions" }, score),
    bar.root,
    table,
    note,
    doubt,
    detail,
  );
  detail.addEventListener("toggle", () => context.store.change());
  return {
    root,
    update() {
      const { compare, library } = state;
      show(root, library.list.length > 0);
      disable(score, compare.phase !== "idle");
      show(bar.root, compare.phase === "scoring");
      bar.set(
        compare.total > 0 ? compare.done / compare.total : undefined,
        compare.total > 0 ? texts.scoring(format.count(compare.done), format.count(compare.total)) : "",
      );
      const any = compare.scores.size > 0;
      show(table, any);
      show(note, any);
      show(detail, any);
      if (!any) show(doubt, false);
      if (!any) return;
      const names = new Map(library.list.map(({ id, name }) => [id, name]));
      const name = (system: string) => (system === "base" ? texts.base : (names.get(system) ?? system));
      const base = compare.scores.get("base");
      setText(note, texts.scoresNote(format.count(base?.rows.length ?? 0), compare.scored ?? ""));
      const seen = [...compare.scores.keys()].filter((system) => compare.doubtful.has(system));
      show(doubt, seen.length > 0);
      setText(doubt, texts.doubtful(seen.map(name).join(", ")));
      const lines = [...compare.scores].map(([system, scored]) =>
        line(context, name(system), system === "base" ? undefined : base, scored),
      );
      refill(body, JSON.stringify(lines), () =>
        lines.map(([title, ...cells]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, title),
            ...cells.map((cell) => h("td", { class: "number" }, cell)),
          ),
        ),
      );
      if (!detail.open) return;
      only.checked = compare.onlyChanged;
      const shown = (base?.rows ?? []).filter(
        ({ row, prediction }) =>
          !compare.onlyChanged ||
          [...compare.scores.values()].some((scored) =>
            scored.rows.some((other) => other.row === row && other.prediction !== prediction),
          ),
      );
      show(none, shown.length === 0);
      const key = JSON.stringify([shown.map(({ row }) => row), [...compare.scores.keys()].map(name), lines]);
      refill(rows, key, () =>
        shown.map(({ row, source, references }) =>
          h(
            "li",
            {},
            h("p", { class: "row-text clamp" }, source),
            h(
              "dl",
              { class: "outputs" },
              h("dt", {}, strings.attempt.wanted),
              h("dd", {}, references[0] ?? ""),
              ...[...compare.scores].flatMap(([system, scored]) => {
                const text = scored.rows.find((other) => other.row === row)?.prediction ?? "";
                const changed =
                  system !== "base" && text !== base?.rows.find((other) => other.row === row)?.prediction;
                return [h("dt", {}, name(system)), h("dd", { class: changed ? "strong" : undefined }, text)];
              }),
            ),
          ),
        ),
      );
    },
  };
}

/** ROUGE-L's F1, 0 to 1. */
export function rouge(metrics: Record<string, unknown> | undefined): number | undefined {
  const value = metrics?.["rougeL"];
  if (typeof value !== "object" || value === null || !("f1" in value)) return undefined;
  return typeof value.f1 === "number" ? value.f1 : undefined;
}

function line(
  { strings, format }: Context,
  name: string,
  base: Scored | undefined,
  scored: Scored,
): [string, ...string[]] {
  const { loss, bleu } = scored.metrics;
  const f1 = rouge(scored.metrics);
  const changed = scored.rows.filter(
    (row) => base?.rows.find((other) => other.row === row.row)?.prediction !== row.prediction,
  ).length;
  return [
    name,
    typeof loss === "number" ? format.loss(loss) : "–",
    f1 === undefined ? "–" : format.points(f1),
    typeof bleu === "number" ? format.points(bleu / 100) : "–",
    base === undefined
      ? "–"
      : strings.compare.changed(format.count(changed), format.count(scored.rows.length)),
  ];
}
