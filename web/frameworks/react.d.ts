// <flan-tune> in React's JSX: `import type {} from "flantune/react"` once in a project.

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { FlanTuneAttributes, FlanTuneListeners, FlanTuneProperties } from "./types/element/attributes.js";
import type { FlanTuneElement } from "./types/element/flan-tune.js";

type FlanTuneJsx = DetailedHTMLProps<HTMLAttributes<FlanTuneElement>, FlanTuneElement> &
  FlanTuneAttributes &
  Omit<FlanTuneProperties, keyof FlanTuneAttributes> &
  FlanTuneListeners;

// React 19.
declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "flan-tune": FlanTuneJsx;
    }
  }
}

// React 18 and before, and others whose JSX is the global one.
declare global {
  namespace JSX {
    interface IntrinsicElements {
      "flan-tune": FlanTuneJsx;
    }
  }
}
