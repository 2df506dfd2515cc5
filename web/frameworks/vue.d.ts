// <flan-tune> in Vue's templates: `import type {} from "flantune/vue"` once in a project. Vue must know
// that it is an element: `compilerOptions: { isCustomElement: (tag) => tag === "flan-tune" }`.

import type { EmitFn, HTMLAttributes, PublicProps } from "vue";
import type { FlanTuneAttributes, FlanTuneEvents, FlanTuneProperties } from "./types/element/attributes.js";
import type { FlanTuneElement } from "./types/element/flan-tune.js";

type Emits = { [Name in keyof FlanTuneEvents]: (event: FlanTuneEvents[Name]) => void };

declare module "vue" {
  interface GlobalComponents {
    "flan-tune": new () => FlanTuneElement & {
      /** Only for templates' types: an element has none. */
      $props: HTMLAttributes & FlanTuneAttributes & Omit<FlanTuneProperties, keyof FlanTuneAttributes> & PublicProps;
      /** Only for templates' types. */
      $emit: EmitFn<Emits>;
    };
  }
}
