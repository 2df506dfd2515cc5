// What frameworks' templates may write into <flan-tune>: types only.

import type { DeviceChoice, Method } from "../types.js";
import type {
  FlanTuneAdapterEvent,
  FlanTuneErrorEvent,
  FlanTuneEvalEvent,
  FlanTuneStepEvent,
} from "./events.js";

type Nothing = null | undefined;

/** By attributes' names. */
export interface FlanTuneAttributes {
  /** `builtin`, a hub's OWNER/NAME, or the address of a model's folder. */
  model?: string | Nothing;
  data?: "reviews" | "dialogues" | "casual" | Nothing;
  method?: Method | Nothing;
  /** LoRA's rank. */
  rank?: number | string | Nothing;
  device?: DeviceChoice | Nothing;
  theme?: "light" | "dark" | Nothing;
  /** The level of the title among the page's headings. */
  "heading-level"?: number | string | Nothing;
  /** Settings are read from the page's address and written there. */
  "address-settings"?: boolean | "" | Nothing;
  "hub-endpoint"?: string | Nothing;
  "worker-url"?: string | Nothing;
  "wasm-url"?: string | Nothing;
  "assets-url"?: string | Nothing;
}

/** By properties' names, which the element has too. */
export interface FlanTuneProperties
  extends Pick<FlanTuneAttributes, "model" | "data" | "method" | "device" | "theme"> {
  rank?: number | Nothing;
  headingLevel?: number | Nothing;
  addressSettings?: boolean | Nothing;
  hubEndpoint?: string | Nothing;
  workerUrl?: string | Nothing;
  wasmUrl?: string | Nothing;
  assetsUrl?: string | Nothing;
}

/** What it fires. */
export interface FlanTuneEvents {
  "flantune:step": FlanTuneStepEvent;
  "flantune:eval": FlanTuneEvalEvent;
  "flantune:adapter": FlanTuneAdapterEvent;
  "flantune:error": FlanTuneErrorEvent;
}

/** Listeners by `on` and the event's name, as React 19 and Svelte 5 take them. */
export type FlanTuneListeners = {
  [Name in keyof FlanTuneEvents as `on${Name}`]?: ((event: FlanTuneEvents[Name]) => void) | Nothing;
};
