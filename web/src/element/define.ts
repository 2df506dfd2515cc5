// Registers <flan-tune> with the real trainer. On a server nothing happens.

import { Flantune } from "../api/flantune.js";
import { FlanTuneElement } from "./flan-tune.js";

FlanTuneElement.start = (options) => Flantune.start(options);
if (globalThis.customElements?.get("flan-tune") === undefined) FlanTuneElement.define();

export { FlanTuneElement };
