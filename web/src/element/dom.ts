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
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of SVG. */
export function svg(tag: string, attributes: Record<string, string | number> = {}, ...children: Node[]): SVGElement {
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

export function show(element: HTMLElement | SVGElement, visible: boolean): void {
  element.toggleAttribute("hidden", !visible);
}

export function setAttribute(element: Element, name: string, value: string | null): void {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Writes a value into a control that the user is not in. */
export function setValue(control: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement, value: string): void {
  const root = control.getRootNode();
  const focused = root instanceof ShadowRoot && root.activeElement === control;
  if (!focused && control.value !== value) control.value = value;
}

/** Replaces the children where `key` is another than last time. */
export function refill(element: Element & { filled?: string }, key: string, children: () => Child[]): void {
  if (element.filled === key) return;
  element.filled = key;
  element.replaceChildren(...children().filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
}

/** Offers a file for saving. */
export function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it in its own time
}
