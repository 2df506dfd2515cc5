// <flan-tune> in Svelte's templates: `import type {} from "flantune/svelte"` once in a project.

import type { HTMLAttributes } from "svelte/elements";
import type { FlanTuneAttributes, FlanTuneListeners, FlanTuneProperties } from "./types/element/attributes.js";
import type { FlanTuneElement } from "./types/element/flan-tune.js";

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "flan-tune": HTMLAttributes<FlanTuneElement> & FlanTuneAttributes & Omit<FlanTuneProperties, keyof FlanTuneAttributes> & FlanTuneListeners;
  }
}
