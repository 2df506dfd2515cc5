// The package's version, which build.mjs puts here: page and worker must be of the same.

declare const FLANTUNE_VERSION: string | undefined;

export const VERSION = typeof FLANTUNE_VERSION === "undefined" ? "" : FLANTUNE_VERSION;
