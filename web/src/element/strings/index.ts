// Which language an element speaks.

import { de } from "./de.js";
import { en, type Strings } from "./en.js";

const ALL = { en, de } as const;
export type Language = keyof typeof ALL;

/** Their names, each in itself. */
export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch" };

/** In which direction each is written, whatever that of the page around is. */
export const DIRECTION: Record<Language, "ltr" | "rtl"> = { en: "ltr", de: "ltr" };

/**
 * The element's own `lang`; on a page that is nothing but the element, the one in its address, else
 * the browser's; elsewhere the nearest `lang` around the element, else the browser's.
 */
export function language(element: Element): Language {
  const own = known(element.getAttribute("lang") ?? "");
  if (own !== undefined) return own;
  const browsers = known(navigator.language) ?? "en";
  if (element.hasAttribute("address-settings"))
    return known(new URLSearchParams(location.search).get("lang") ?? "") ?? browsers;
  let place: Element | null = element;
  while (place !== null) {
    const named = place.getAttribute("lang");
    if (named !== null && named !== "") return known(named) ?? "en";
    const root: Node = place.getRootNode();
    place = place.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
  }
  return browsers;
}

export function stringsOf(name: Language): Strings {
  return ALL[name];
}

function known(tag: string): Language | undefined {
  const [primary] = tag.toLowerCase().split("-");
  return primary === "de" || primary === "en" ? primary : undefined;
}
