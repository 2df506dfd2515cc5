// What there is to know of rows and runs, as a list.

import type { Warning } from "../../types.js";
import { h } from "../dom.js";
import { warningText } from "../warnings.js";
import type { Context } from "./parts.js";

/** An item for each: in the page's language, with the core's words, which name rows and examples. */
export function warningItems(warnings: Warning[], context: Context): HTMLElement[] {
  return warnings.map((warning) => {
    const text = warningText(warning, context);
    if (text === undefined) return h("li", {}, warning.message);
    return h("li", {}, text, " ", h("span", { class: "note", lang: "en" }, warning.message));
  });
}
