// What the chosen model and data are called.

import type { Context } from "./parts.js";

export function modelName({ strings, state }: Pick<Context, "strings" | "state">): string {
  const { loaded, choice, address } = state.model;
  if (loaded !== undefined) return loaded.recipe.kind === "builtin" ? strings.model.builtin : loaded.name;
  return choice === "web" && address !== "" ? address : strings.model[choice];
}

export function dataName({ strings, state }: Pick<Context, "strings" | "state">): string {
  const { choice, set, file } = state.data;
  if (choice !== "file") return strings.data.demo[choice];
  return set?.name ?? file?.name ?? strings.data.own;
}
