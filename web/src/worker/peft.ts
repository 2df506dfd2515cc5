// The files that PEFT has in an adapter's directory.

export const CONFIG = "adapter_config.json";
export const WEIGHTS = "adapter_model.safetensors";
/** The card; an adapter need not have one. */
export const CARD = "README.md";
