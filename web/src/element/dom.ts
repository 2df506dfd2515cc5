// Small helpers that make elements. No inline styles: a page's content-security policy may refuse them.

export type Child = Node | string | null | undefined | false;

type Listeners = { [Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void };

export interface Attributes {
  on?: Listeners;
  [name: string]: string | number | boolean | null | undefined | Listeners;
}

/** An element with attributes, listeners and children. `true` sets an empty attribute, `false` none. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "object") listen(element, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.filter(
      (child): child is Node | string => child !== null && child !== undefined && child !== false,
    ),
  );
  return element;
}

/** An element of SVG. */
export function svg(
  tag: string,
  attributes: Record<string, string | number> = {},
  ...children: Node[]
): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

function listen(element: HTMLElement, listeners: Listeners): void {
  for (const [name, listener] of Object.entries(listeners)) {
    element.addEventListener(name, listener as EventListener); // each fits its own name, which `entries` forgets
  }
}

let count = 0;

/** A name that nothing else in the document has. */
export function uniqueId(stem: string): string {
  count += 1;
  return `${stem}-${count}`;
}

/** Writes a text where it is another one: a live region would read the same text again. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** What is hidden cannot keep the focus: that goes to the part of the page around it. */
export function show(element: HTMLElement | SVGElement, visible: boolean): void {
  if (element.hasAttribute("hidden") === !visible) return;
  const focused = visible ? undefined : focusedWithin(element);
  element.toggleAttribute("hidden", !visible);
  if (focused !== undefined) focusAround(element);
}

export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Writes a value into a control that the user is not in. */
export function setValue(
  control: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement,
  value: string,
): void {
  const root = control.getRootNode();
  const focused = root instanceof ShadowRoot && root.activeElement === control;
  if (!focused && control.value !== value) control.value = value;
}

/**
 * Replaces the children where `key` is another than last time. Who was among them by keyboard stays at
 * the same place, or goes to the nearest one that is left.
 */
export function refill(element: Element & { filled?: string }, key: string, children: () => Child[]): void {
  if (element.filled === key) return;
  element.filled = key;
  const focused = focusedWithin(element);
  const place = focused === undefined ? -1 : controls(element).indexOf(focused);
  element.replaceChildren(
    ...children().filter(
      (child): child is Node | string => child !== null && child !== undefined && child !== false,
    ),
  );
  if (focused === undefined || focusedWithin(element) !== undefined) return;
  const left = controls(element);
  const next = left.includes(focused) ? focused : left[Math.min(place, left.length - 1)];
  if (next === undefined) focusAround(element);
  else next.focus();
}

/** Goes to the step's heading, or to the section itself where it takes the focus. */
function focusAround(element: Element): void {
  const section = element.closest<HTMLElement>("section[tabindex], section:has(> .heading-1)");
  (section?.querySelector<HTMLElement>(":scope > .heading-1 button") ?? section)?.focus();
}

function focusedWithin(element: Element): HTMLElement | undefined {
  const root = element.getRootNode();
  const active = root instanceof ShadowRoot ? root.activeElement : null;
  return active instanceof HTMLElement && element.contains(active) ? active : undefined;
}

function controls(element: Element): HTMLElement[] {
  const all = element.querySelectorAll<HTMLElement>(
    "button, input:not([disabled]), textarea, select, summary, [tabindex]",
  );
  return [...all].filter((control) => control.checkVisibility());
}

/** Offers a file for saving. */
export function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it in its own time
}
