// One stylesheet for all elements of a document: constructed, so that no policy for styles stands in its way.

import { controls } from "./controls.js";
import { layout } from "./layout.js";
import { parts } from "./parts.js";
import { tokens } from "./tokens.js";

/** The size of the element's own text, which `rem` means in its styles: the page's may be any. */
const REM = "--flantune-rem";

const sheets = new WeakMap<Document, CSSStyleSheet>();
let registered: boolean | undefined;

export function styles(document: Document): CSSStyleSheet {
  let sheet = sheets.get(document);
  if (sheet === undefined) {
    const { CSSStyleSheet: Sheet } = document.defaultView ?? window; // a sheet is of one document
    sheet = new Sheet();
    sheet.replaceSync([tokens, ownSizes([controls, layout, parts].join("\n"))].join("\n"));
    sheets.set(document, sheet);
  }
  return sheet;
}

/** Browsers that cannot compute a property once, where it is set, keep to the page's own size (Firefox before 128). */
function ownSizes(css: string): string {
  registered ??= register();
  return registered ? css.replaceAll(/(\d*\.?\d+)rem\b/g, `calc($1 * var(${REM}))`) : css;
}

function register(): boolean {
  if (typeof CSS === "undefined" || typeof CSS.registerProperty !== "function") return false;
  try {
    CSS.registerProperty({ name: REM, syntax: "<length>", inherits: true, initialValue: "16px" });
  } catch {
    // Another copy of this module has.
  }
  return true;
}
