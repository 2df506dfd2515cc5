// What the trainer is told of how rows are read.

import type { DataOptions } from "../types.js";

/** What holds for any rows, whatever their columns are called: it outlives a change of the set. */
export const LIMITS = ["maxSourceTokens", "maxTargetTokens", "onTooLong", "validationFraction"] as const;

export function limits(options: DataOptions): DataOptions {
  const known = Object.entries(options).filter(
    ([key, value]) => (LIMITS as readonly string[]).includes(key) && value !== undefined,
  );
  return Object.fromEntries(known);
}

/** An empty template is none: the fields are taken then. Where there is one, it alone counts. */
export function tidy(options: DataOptions): DataOptions {
  const { template, ...rest } = options;
  if (template === undefined || template.trim() === "") return rest;
  delete rest.sourceField;
  delete rest.targetField;
  return { ...rest, template };
}
