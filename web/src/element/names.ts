// What the chosen model and data are called.

import type { State } from "./state.js";
import type { Strings } from "./strings/en.js";

interface Shown {
  readonly strings: Strings;
  readonly state: State;
}

export function modelName({ strings, state }: Shown): string {
  const { loaded, choice, address } = state.model;
  if (loaded?.recipe.kind === "builtin") return strings.model.builtin;
  // Files that were chosen without their folder have no name of their own.
  if (loaded?.recipe.kind === "files" && loaded.name === "files") return strings.model.files;
  if (loaded !== undefined) return loaded.name;
  return choice === "web" && address !== "" ? address : strings.model[choice];
}

export function dataName({ strings, state }: Shown): string {
  const { choice, set, file } = state.data;
  if (choice !== "file") return strings.data.demo[choice];
  return set?.name ?? file?.name ?? strings.data.own;
}
