// The page, top to bottom.

import { h } from "../dom.js";
import { adaptersStep } from "./adapters.js";
import { compareStep } from "./compare.js";
import { dataStep } from "./data.js";
import { introView } from "./intro.js";
import { methodStep } from "./method.js";
import { modelStep } from "./model.js";
import type { Context, View } from "./parts.js";
import { runView } from "./run.js";
import { trainStep } from "./train.js";

export function page(context: Context): View {
  const views = [
    introView(context),
    modelStep(context),
    dataStep(context),
    methodStep(context),
    trainStep(context),
    runView(context),
    compareStep(context),
    adaptersStep(context),
  ];
  return {
    root: h("div", { class: "grid" }, ...views.map(({ root }) => root)),
    update() {
      for (const view of views) view.update();
    },
    recolor() {
      for (const view of views) view.recolor?.();
    },
    close() {
      for (const view of views) view.close?.();
    },
  };
}
