// What wasm-bindgen writes (build.mjs bundles it with the worker), as far as the worker uses it.

import type { Engine as EngineClass, EngineHost } from "../engine.js";

export default function init(options?: { module_or_path: Response }): Promise<unknown>;
export const Engine: new (host: EngineHost) => EngineClass;
