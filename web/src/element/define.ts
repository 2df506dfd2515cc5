// Registers <flan-tune> with the real trainer.

import { Flantune } from "../api/flantune.js";
import { FlanTuneElement } from "./flan-tune.js";

FlanTuneElement.start = (options) => Flantune.start(options);
if (customElements.get("flan-tune") === undefined) FlanTuneElement.define();

export { FlanTuneElement };
