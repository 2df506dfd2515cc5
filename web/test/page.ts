// A page with the element on the fake: served to the tests, and photographed.
// `?fake={...}` are the fake's options; `attributes={...}` the element's.

import { FlanTuneElement } from "../src/element/flan-tune.js";
import { adapterOf, type Fake, type FakeOptions, fake } from "./fake.js";

declare global {
  interface Window {
    fake: Fake;
    makeAdapter: typeof adapterOf;
    FlanTuneElement: typeof FlanTuneElement;
  }
}

const parameters = new URLSearchParams(location.hash.slice(1));
const read = (name: string): unknown => JSON.parse(parameters.get(name) ?? "{}");
window.fake = fake(read("fake") as FakeOptions); // the tests write it
window.makeAdapter = adapterOf;
window.FlanTuneElement = FlanTuneElement;
FlanTuneElement.start = (options) => window.fake.start(options);
FlanTuneElement.define();

const element = document.createElement("flan-tune");
const attributes = {
  model: "builtin",
  data: "reviews",
  ...(read("attributes") as Record<string, string | null>),
};
for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
document.querySelector("main")?.append(element);
