// Which language an element speaks.

import { de } from "./de.js";
import { en, type Strings } from "./en.js";

const ALL = { en, de } as const;
export type Language = keyof typeof ALL;

/** The nearest `lang` around an element, else the browser's; English where neither is known. */
export function language(element: Element): Language {
  let place: Element | null = element;
  while (place !== null) {
    const named = place.getAttribute("lang");
    if (named !== null && named !== "") return known(named) ?? "en";
    const root: Node = place.getRootNode();
    place = place.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
  }
  return known(navigator.language) ?? "en";
}

export function stringsOf(name: Language): Strings {
  return ALL[name];
}

function known(tag: string): Language | undefined {
  const [primary] = tag.toLowerCase().split("-");
  return primary === "de" || primary === "en" ? primary : undefined;
}
