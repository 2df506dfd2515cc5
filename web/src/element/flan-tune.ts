// <flan-tune>: the whole trainer as an element.

import type { DeviceChoice, Method, StartOptions } from "../types.js";
import { App } from "./app.js";
import { h } from "./dom.js";
import { format } from "./format.js";
import { METHODS } from "./presets.js";
import { DEMOS } from "./state.js";
import { DIRECTION, LANGUAGES, type Language, language, stringsOf } from "./strings/index.js";
import { styles } from "./styles/index.js";
import { PIECES } from "./styles/tokens.js";
import type { Start } from "./trainer.js";
import { readSettings, type Shared, writeSettings } from "./url.js";
import { page } from "./views/page.js";
import type { Context, View } from "./views/parts.js";

// Also brings the types of events and attributes to who imports the element.
export type * from "./attributes.js";
export type * from "./events.js";

// Servers, which render pages ahead, have no elements: there the class is only imported.
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/** What a property may be set to: nothing removes its attribute. */
type Settable<Value> = Value | null | undefined;

/** Where Flantune's files and models are had from. */
const ADDRESSES = {
  hubEndpoint: "hub-endpoint",
  workerUrl: "worker-url",
  wasmUrl: "wasm-url",
  assetsUrl: "assets-url",
} as const;
/** Properties that frameworks may have set before the element was defined. */
const PROPERTIES = [
  "model",
  "data",
  "method",
  "rank",
  "lang",
  "device",
  "theme",
  "addressSettings",
  "headingLevel",
  ...Object.keys(ADDRESSES),
];

/**
 * Fine-tunes FLAN-T5 where the user is.
 *
 * Attributes: `model` (`builtin`, a hub's OWNER/NAME, or an address), `data` (`reviews`, `dialogues`,
 * `casual`), `method` (`lora`, `prompt`), `rank`, `lang` (`en`, `de`), `device` (`auto`, `webgpu`,
 * `cpu`), `theme` (`light`, `dark`), `heading-level` (1 to 6: that of the title), `address-settings`
 * (settings are read from the page's address and written there); `hub-endpoint`, `worker-url`,
 * `wasm-url`, `assets-url` are where those are had from. What an attribute cannot mean is passed over.
 * Each has a property; `null` or `undefined` removes it.
 *
 * What stands between the tags shows until the element is defined, and where scripts do not run.
 *
 * Fires `flantune:step`, `flantune:eval`, `flantune:adapter`, `flantune:error`.
 */
export class FlanTuneElement extends Base {
  static readonly observedAttributes = [
    ...["model", "data", "method", "rank", "lang", "device", "theme", "heading-level", "address-settings"],
    ...Object.values(ADDRESSES),
  ];

  /** What starts the trainer. */
  static start: Start = () => Promise.reject(new Error("FlanTuneElement.start is not set"));

  /** Does nothing where there are no elements, as on servers. */
  static define(
    tag = "flan-tune",
    registry: CustomElementRegistry | undefined = globalThis.customElements,
  ): void {
    if (registry === undefined || registry.get(tag) === this) return;
    registry.define(tag, this);
  }

  static {
    // `lang` is a property of every element, which makes texts of `null`.
    Object.defineProperty(this.prototype, "lang", {
      configurable: true,
      enumerable: true,
      get(this: FlanTuneElement) {
        return this.getAttribute("lang") ?? "";
      },
      set(this: FlanTuneElement, value: Settable<string>) {
        this.#set("lang", value);
      },
    });
  }

  #app: App | undefined;
  #view: View | undefined;
  #language: Language = "en";
  #live = h("p", { class: "visually-hidden", role: "status" });
  #place = h("div", { class: "page" });
  #frame = h("div", { class: "frame" }, this.#place, this.#live);
  #changed = new Set<string>();
  /** The language whose button was pressed. */
  #chosen: Language | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: false });
    root.adoptedStyleSheets = [styles(this.ownerDocument)];
    root.append(
      this.#frame,
      h("div", { class: "width", "aria-hidden": "true" }, ...Array.from({ length: PIECES }, () => h("i"))),
    );
  }

  get model(): string {
    return this.getAttribute("model")?.trim() ?? "";
  }
  set model(value: Settable<string>) {
    this.#set("model", value);
  }

  /** A demo set; the empty text where none is named. */
  get data(): string {
    return DEMOS.find((name) => name === this.getAttribute("data")) ?? "";
  }
  set data(value: Settable<string>) {
    this.#set("data", value);
  }

  get method(): Method {
    return METHODS.find((name) => name === this.getAttribute("method")) ?? "lora";
  }
  set method(value: Settable<Method>) {
    this.#set("method", value);
  }

  /** LoRA's rank; undefined where the preset's is taken. */
  get rank(): number | undefined {
    const rank = Number(this.getAttribute("rank") ?? "");
    return Number.isInteger(rank) && rank > 0 ? rank : undefined;
  }
  set rank(value: Settable<number>) {
    this.#set("rank", value);
  }

  get device(): DeviceChoice {
    const device = this.getAttribute("device");
    return device === "webgpu" || device === "cpu" ? device : "auto";
  }
  set device(value: Settable<DeviceChoice>) {
    this.#set("device", value);
  }

  /** Undefined where the reader's system decides. */
  get theme(): "light" | "dark" | undefined {
    const theme = this.getAttribute("theme");
    return theme === "light" || theme === "dark" ? theme : undefined;
  }
  set theme(value: Settable<"light" | "dark">) {
    this.#set("theme", value);
  }

  /** The level of the title among the page's headings; the others follow from it. */
  get headingLevel(): number {
    const level = Number(this.getAttribute("heading-level") ?? "");
    return Number.isInteger(level) && level >= 1 && level <= 6 ? level : 1;
  }
  set headingLevel(value: Settable<number>) {
    this.#set("heading-level", value);
  }

  /** Whether settings are read from the page's address and written there. */
  get addressSettings(): boolean {
    return this.hasAttribute("address-settings");
  }
  set addressSettings(value: Settable<boolean>) {
    this.toggleAttribute("address-settings", value === true);
  }

  get hubEndpoint(): string {
    return this.getAttribute("hub-endpoint") ?? "";
  }
  set hubEndpoint(value: Settable<string>) {
    this.#set("hub-endpoint", value);
  }

  get workerUrl(): string {
    return this.getAttribute("worker-url") ?? "";
  }
  set workerUrl(value: Settable<string>) {
    this.#set("worker-url", value);
  }

  get wasmUrl(): string {
    return this.getAttribute("wasm-url") ?? "";
  }
  set wasmUrl(value: Settable<string>) {
    this.#set("wasm-url", value);
  }

  get assetsUrl(): string {
    return this.getAttribute("assets-url") ?? "";
  }
  set assetsUrl(value: Settable<string>) {
    this.#set("assets-url", value);
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgrade(name);
    if (this.#app === undefined) return this.#open();
    // It was moved within the page. Its language may come from where it stands.
    this.#view?.recolor?.();
    this.#changed.add("lang");
    this.#attributesChanged();
  }

  /** Moved, it comes back at once, or in the same task; removed, its run is saved and stopped. */
  disconnectedCallback(): void {
    setTimeout(() => {
      if (!this.isConnected) this.#close();
    });
  }

  /** Called in place of the other two where a page moves the element by `moveBefore`. */
  connectedMoveCallback(): void {
    this.#changed.add("lang");
    this.#attributesChanged();
  }

  /** A sheet is of one document only. */
  adoptedCallback(): void {
    if (this.shadowRoot !== null) this.shadowRoot.adoptedStyleSheets = [styles(this.ownerDocument)];
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now || this.#app === undefined) return;
    if (name === "device") return this.#app.actions.train.chooseDevice(this.device);
    if (this.#changed.size === 0) queueMicrotask(() => this.#attributesChanged());
    this.#changed.add(name);
  }

  /** What a framework set before the element was defined hides the property of the class. */
  #upgrade(name: string): void {
    if (!Object.hasOwn(this, name)) return;
    const value = Reflect.get(this, name) as unknown;
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, value);
  }

  #set(name: string, value: Settable<string | number>): void {
    if (value === null || value === undefined) this.removeAttribute(name);
    else this.setAttribute(name, String(value));
  }

  #open(): void {
    this.#language = language(this);
    const app = new App((options) => FlanTuneElement.start(options), {
      fire: (event) => this.dispatchEvent(event),
      announce: (text) => (this.#live.textContent = text),
      strings: () => stringsOf(this.#language),
      focusStep: (step) =>
        requestAnimationFrame(() =>
          requestAnimationFrame(() => {
            this.shadowRoot?.querySelector<HTMLElement>(`[data-step="${step}"]`)?.focus();
          }),
        ),
      options: () => this.#options(),
    });
    this.#app = app;
    app.store.change(({ device }) => (device.choice = this.device));
    app.wish(this.#wishes());
    this.#show();
    void app.open();
  }

  #close(): void {
    this.#unsubscribe?.();
    this.#view?.close?.();
    this.#view = undefined;
    void this.#app?.close();
    this.#app = undefined;
    this.#place.replaceChildren();
    this.#live.textContent = "";
  }

  /** Several attributes that change together are taken over together. */
  #attributesChanged(): void {
    const app = this.#app;
    const changed = new Set(this.#changed);
    this.#changed.clear();
    if (app === undefined) return;
    if (changed.has("theme")) this.#view?.recolor?.();
    const now = language(this);
    if (now === this.#language && (changed.has("heading-level") || changed.has("address-settings")))
      this.#show();
    if (now !== this.#language) {
      this.#language = now;
      this.#show();
      // The buttons are others now: whoever pressed one by keyboard goes on from there.
      if (this.#chosen === now)
        this.shadowRoot?.querySelector<HTMLElement>(`.languages [lang="${now}"]`)?.focus();
      this.#chosen = undefined;
      if (this.#ownsAddress()) this.#writeAddress(app);
    }
    if (Object.values(ADDRESSES).some((name) => changed.has(name))) app.addressesChanged();
    const { model, data, settings } = app.store.state;
    if (
      changed.has("model") &&
      this.model !== "" &&
      this.model !== (model.choice === "builtin" ? "builtin" : model.address)
    ) {
      if (this.model === "builtin") {
        app.actions.model.choose({ choice: "builtin" });
        void app.actions.model.load();
      } else app.actions.model.choose({ choice: "web", address: this.model });
    }
    const demo = DEMOS.find((known) => known === this.data);
    if (changed.has("data") && demo !== undefined && demo !== data.choice)
      void app.actions.data.chooseDemo(demo);
    if (changed.has("method") && this.method !== settings.method) app.actions.train.chooseMethod(this.method);
    if (changed.has("rank") && this.rank !== undefined && this.rank !== settings.rank)
      app.actions.train.set("rank", this.rank);
  }

  /** Attributes first; an address that was shared says more. */
  #wishes(): Shared {
    const wishes: Shared = { rows: {}, settings: { method: this.method } };
    if (this.model !== "") wishes.model = this.model;
    if (this.data !== "") wishes.data = this.data;
    if (this.rank !== undefined) wishes.settings.rank = this.rank;
    if (!this.#ownsAddress()) return wishes;
    const shared = readSettings(new URLSearchParams(location.search));
    const other = shared.settings.method !== undefined && shared.settings.method !== wishes.settings.method;
    return { ...wishes, ...shared, settings: { ...(other ? {} : wishes.settings), ...shared.settings } };
  }

  #ownsAddress(): boolean {
    return this.addressSettings;
  }

  #options(): StartOptions {
    const options: StartOptions = {};
    for (const [option, name] of Object.entries(ADDRESSES) as [keyof typeof ADDRESSES, string][]) {
      const value = this.getAttribute(name);
      if (value) options[option] = value;
    }
    return options;
  }

  /** Builds the views anew, in the language of now. */
  #show(): void {
    const app = this.#app;
    if (app === undefined) return;
    this.#unsubscribe?.();
    this.#view?.close?.();
    const strings = stringsOf(this.#language);
    this.#frame.lang = this.#language;
    this.#frame.dir = DIRECTION[this.#language];
    app.store.change(({ invalid }) => invalid.clear()); // the fields are new and show what is set
    const view = page({
      store: app.store,
      state: app.store.state,
      strings,
      format: format(this.#language),
      actions: app.actions,
      level: this.headingLevel,
      ...(this.#ownsAddress() ? { languages: this.#languages() } : {}),
    });
    this.#view = view;
    this.#place.replaceChildren(view.root);
    let first = true;
    this.#unsubscribe = app.store.subscribe(() => {
      view.update();
      if (this.#ownsAddress() && !first) this.#writeAddress(app);
      first = false;
    });
    view.update();
  }

  #languages(): NonNullable<Context["languages"]> {
    return (Object.entries(LANGUAGES) as [Language, string][]).map(([code, name]) => ({
      code,
      name,
      current: code === this.#language,
      choose: () => {
        this.#chosen = code;
        this.setAttribute("lang", code);
      },
    }));
  }

  #writeAddress(app: App): void {
    const parameters = writeSettings(app.store.state);
    if (this.hasAttribute("lang")) parameters.set("lang", this.#language);
    const text = parameters.toString();
    if (location.search.replace(/^\?/, "") === text) return;
    try {
      history.replaceState(
        history.state,
        "",
        text === "" ? location.pathname + location.hash : `?${text}${location.hash}`,
      );
    } catch {
      // A browser refuses many changes in a short time; the next change writes this one too.
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "flan-tune": FlanTuneElement;
  }
}
