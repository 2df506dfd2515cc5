// A few rows as the model sees them.

import type { Preview, PreviewSide } from "../../types.js";
import { h, refill, show } from "../dom.js";
import { type Context, heading, type View } from "./parts.js";

export function previewView(context: Context): View {
  const { strings, state } = context;
  const texts = strings.data;
  const tokens = h("input", { type: "checkbox", on: { change: () => context.store.change() } });
  const list = h("ol", { class: "previews", part: "preview" });
  const note = h("p", { class: "note" }, texts.needsModel);
  const toggle = h("label", { class: "check" }, tokens, h("span", {}, texts.showTokens));
  const root = h(
    "section",
    { class: "stack", "aria-label": texts.preview },
    h("div", { class: "row" }, heading(context, 2, {}, texts.preview), toggle),
    list,
    note,
  );
  return {
    root,
    update() {
      const { previews, set } = state.data;
      show(root, set !== undefined && previews.length > 0);
      show(note, state.model.loaded === undefined);
      show(toggle, state.model.loaded !== undefined);
      refill(list, JSON.stringify([previews, tokens.checked]), () =>
        previews.map((preview) => row(context, preview, tokens.checked)),
      );
    },
  };
}

function row(context: Context, preview: Preview, tokens: boolean): HTMLElement {
  const { strings, format } = context;
  const texts = strings.data;
  return h(
    "li",
    {},
    heading(context, 3, { class: "number" }, texts.previewRow(format.count(preview.row + 1))),
    preview.shortened !== undefined &&
      h("p", { class: "note number" }, texts.shortened(format.bytes(preview.shortened))),
    preview.left_out !== undefined && h("p", { class: "warning" }, texts.leftOut(preview.left_out)),
    h(
      "dl",
      { class: "sides" },
      ...side(context, texts.source, preview.source, tokens),
      ...side(context, texts.target, preview.target, tokens),
    ),
  );
}

function side(context: Context, name: string, side: PreviewSide | undefined, tokens: boolean): HTMLElement[] {
  if (side === undefined) return [];
  const { strings, format } = context;
  const texts = strings.data;
  const { text, cut } = side;
  const kept = cut === undefined ? text : text.slice(0, keptLength(text, cut.text));
  return [
    h("dt", {}, name),
    h(
      "dd",
      {},
      h(
        "p",
        { class: "row-text" },
        kept,
        cut !== undefined &&
          h(
            "del",
            { class: "cut", "aria-label": texts.cut(format.count(cut.tokens)) },
            text.slice(kept.length),
          ),
      ),
      side.tokens !== undefined &&
        h(
          "p",
          { class: "note number" },
          texts.tokens(format.count(side.tokens.length)),
          cut !== undefined && ` · ${texts.cut(format.count(cut.tokens))}`,
        ),
      tokens &&
        side.tokens !== undefined &&
        h(
          "p",
          { class: "tokens", "aria-label": texts.tokenList },
          ...side.tokens.map(({ id, token }) =>
            h(
              "span",
              { class: "token", title: String(id) },
              token.replaceAll("▁", " ").replaceAll("\n", "⏎") || " ",
            ),
          ),
        ),
    ),
  ];
}

/** Where the cut begins. Tokens are not quite text: white space may differ, so letters are counted from the end. */
function keptLength(text: string, cut: string): number {
  let left = cut.replace(/\s/g, "").length;
  let place = text.length;
  while (left > 0 && place > 0) {
    place -= 1;
    if (!/\s/.test(text.charAt(place))) left -= 1;
  }
  return place;
}
