// <flan-tune>: the whole trainer as an element.

import type { DeviceChoice, StartOptions } from "../types.js";
import { App } from "./app.js";
import { h } from "./dom.js";
import { format } from "./format.js";
import { DEMOS } from "./state.js";
import { LANGUAGES, language, stringsOf, type Language } from "./strings/index.js";
import { styles } from "./styles/index.js";
import type { Start } from "./trainer.js";
import { readSettings, writeSettings, type Shared } from "./url.js";
import { page } from "./views/page.js";
import type { Context, View } from "./views/parts.js";

// Also brings the events' types to who imports the element.
export type * from "./events.js";

/**
 * Fine-tunes FLAN-T5 where the user is.
 *
 * Attributes: `model` (`builtin`, a hub's OWNER/NAME, or an address), `data` (`reviews`, `dialogues`,
 * `casual`), `method` (`lora`, `prompt`), `rank`, `lang` (`en`, `de`), `device` (`auto`, `webgpu`,
 * `cpu`), `theme` (`light`, `dark`), `address-settings` (settings are read from the page's address
 * and written there); `hub-endpoint`, `worker-url`, `wasm-url`, `assets-url` are where those are had
 * from, and are read when the element is connected. What an attribute cannot mean is passed over.
 *
 * Fires `flantune:step`, `flantune:eval`, `flantune:adapter`, `flantune:error`.
 */
export class FlanTuneElement extends HTMLElement {
  static readonly observedAttributes = ["model", "data", "method", "rank", "lang", "device", "theme"];

  /** What starts the trainer. */
  static start: Start = () => Promise.reject(new Error("FlanTuneElement.start is not set"));

  static define(tag = "flan-tune", registry: CustomElementRegistry = customElements): void {
    registry.define(tag, this);
  }

  #app: App | undefined;
  #view: View | undefined;
  #language: Language = "en";
  #live = h("p", { class: "visually-hidden", role: "status" });
  #place = h("div", { class: "page" });
  #changed = new Set<string>();
  /** The language whose button was pressed. */
  #chosen: Language | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: false });
    root.adoptedStyleSheets = [styles()];
    root.append(this.#place, this.#live);
  }

  get model(): string {
    return this.getAttribute("model")?.trim() ?? "";
  }
  set model(value: string) {
    this.setAttribute("model", value);
  }

  /** A demo set; the empty text where none is named. */
  get data(): string {
    return DEMOS.find((name) => name === this.getAttribute("data")) ?? "";
  }
  set data(value: string) {
    this.setAttribute("data", value);
  }

  get method(): "lora" | "prompt" {
    return this.getAttribute("method") === "prompt" ? "prompt" : "lora";
  }
  set method(value: "lora" | "prompt") {
    this.setAttribute("method", value);
  }

  /** LoRA's rank; undefined where the preset's is taken. */
  get rank(): number | undefined {
    const rank = Number(this.getAttribute("rank") ?? "");
    return Number.isInteger(rank) && rank > 0 ? rank : undefined;
  }
  set rank(value: number | undefined) {
    if (value === undefined) this.removeAttribute("rank");
    else this.setAttribute("rank", String(value));
  }

  get device(): DeviceChoice {
    const device = this.getAttribute("device");
    return device === "webgpu" || device === "cpu" ? device : "auto";
  }
  set device(value: DeviceChoice) {
    this.setAttribute("device", value);
  }

  connectedCallback(): void {
    this.#language = language(this);
    const app = new App((options) => FlanTuneElement.start(options), {
      fire: (event) => this.dispatchEvent(event),
      announce: (text) => (this.#live.textContent = text),
      strings: () => stringsOf(this.#language),
      focusStep: (step) => requestAnimationFrame(() => requestAnimationFrame(() => {
        this.shadowRoot?.querySelector<HTMLElement>(`[data-step="${step}"]`)?.focus();
      })),
      options: () => this.#options(),
    });
    this.#app = app;
    app.store.change(({ device }) => (device.choice = this.device));
    app.wish(this.#wishes());
    this.#show();
    void app.open();
  }

  disconnectedCallback(): void {
    this.#unsubscribe?.();
    this.#view?.close?.();
    this.#view = undefined;
    void this.#app?.close();
    this.#app = undefined;
    this.#place.replaceChildren();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now || this.#app === undefined) return;
    if (name === "device") return this.#app.actions.train.chooseDevice(this.device);
    if (this.#changed.size === 0) queueMicrotask(() => this.#attributesChanged());
    this.#changed.add(name);
  }

  /** Several attributes that change together are taken over together. */
  #attributesChanged(): void {
    const app = this.#app;
    const changed = new Set(this.#changed);
    this.#changed.clear();
    if (app === undefined) return;
    if (changed.has("theme")) this.#view?.recolor?.();
    const now = language(this);
    if (now !== this.#language) {
      this.#language = now;
      this.#show();
      // The buttons are others now: whoever pressed one by keyboard goes on from there.
      if (this.#chosen === now) this.shadowRoot?.querySelector<HTMLElement>(`.languages [lang="${now}"]`)?.focus();
      this.#chosen = undefined;
      if (this.#ownsAddress()) this.#writeAddress(app);
    }
    const { model, data, settings } = app.store.state;
    if (changed.has("model") && this.model !== "" && this.model !== (model.choice === "builtin" ? "builtin" : model.address)) {
      if (this.model === "builtin") {
        app.actions.model.choose({ choice: "builtin" });
        void app.actions.model.load();
      } else app.actions.model.choose({ choice: "web", address: this.model });
    }
    const demo = DEMOS.find((known) => known === this.data);
    if (changed.has("data") && demo !== undefined && demo !== data.choice) void app.actions.data.chooseDemo(demo);
    if (changed.has("method") && this.method !== settings.method) app.actions.train.chooseMethod(this.method);
    if (changed.has("rank") && this.rank !== undefined && this.rank !== settings.rank) app.actions.train.set("rank", this.rank);
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
    return this.hasAttribute("address-settings");
  }

  #options(): StartOptions {
    const options: StartOptions = {};
    const attributes = { hubEndpoint: "hub-endpoint", workerUrl: "worker-url", wasmUrl: "wasm-url", assetsUrl: "assets-url" } as const;
    for (const [option, name] of Object.entries(attributes) as [keyof typeof attributes, string][]) {
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
    this.#place.lang = this.#language;
    app.store.change(({ invalid }) => invalid.clear()); // the fields are new and show what is set
    const view = page({
      store: app.store,
      state: app.store.state,
      strings,
      format: format(this.#language),
      actions: app.actions,
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
      history.replaceState(history.state, "", text === "" ? location.pathname + location.hash : `?${text}${location.hash}`);
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
