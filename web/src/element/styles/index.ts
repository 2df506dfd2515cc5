// One stylesheet for all elements of a page: constructed, so that no policy for styles stands in its way.

import { controls } from "./controls.js";
import { layout } from "./layout.js";
import { parts } from "./parts.js";
import { tokens } from "./tokens.js";

let sheet: CSSStyleSheet | undefined;

export function styles(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync([tokens, controls, layout, parts].join("\n"));
  }
  return sheet;
}
