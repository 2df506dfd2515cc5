// What there is to know of rows and runs, in the page's language.

import type { Warning } from "../types.js";
import type { Format } from "./format.js";
import type { Strings } from "./strings/en.js";

/** A warning in the language of now; none where there are no words for it. */
export function warningText(
  { code, count }: Warning,
  { strings, format }: { strings: Strings; format: Format },
): string | undefined {
  return strings.warning[code]?.replaceAll("{count}", () => format.count(count ?? 1));
}
