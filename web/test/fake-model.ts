// What the fake writes, and how it scores.

import type { EvaluatedRow, EvaluateOptions, Evaluation } from "../src/types.js";
import type { FakeData } from "./fake-data.js";

/** The base repeats what it reads; an adapter writes in the wanted form. `part` is how far training is. */
export function answer(prompt: string, adapter: string | undefined, part = 1): string {
  const product = /Product: ([^,\n]+), (\d)\/5/.exec(prompt);
  const last = prompt.split("\n").at(-1) ?? prompt;
  if (adapter === undefined || part < 0.2)
    return `Review: ${last.split(/[.!?]/)[0]?.toLowerCase().slice(0, 60) ?? ""}`;
  if (product === null)
    return part < 0.5
      ? last.slice(0, 40)
      : `${last.split(" ").slice(0, 3).join(" ")}: ${last.split(" ").slice(3, 8).join(" ")}`;
  const name = `${product[1]?.charAt(0).toUpperCase() ?? ""}${product[1]?.slice(1) ?? ""}`;
  const rest =
    last
      .split(/[.,!?]/)[0]
      ?.toLowerCase()
      .split(" ")
      .slice(0, 5)
      .join(" ") ?? "";
  if (adapter.startsWith("prompt") || part < 0.6) return `${name}: ${rest}`;
  return `${name}, ${product[2]}/5: ${rest}`;
}

export async function evaluate(
  data: FakeData,
  { adapter, limit = 200, onProgress, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const id = typeof adapter === "string" ? adapter : adapter?.id;
  const held = data.held().slice(0, limit);
  const rows: EvaluatedRow[] = [];
  for (const [place, { source, target }] of held.entries()) {
    signal?.throwIfAborted();
    onProgress?.(place + 1, held.length);
    rows.push({
      row: place,
      source,
      references: [target],
      prediction: answer(source, id),
      loss: id === undefined ? 4.2 : 1.3,
    });
  }
  await new Promise((resolve) => setTimeout(resolve));
  const tuned = id !== undefined;
  const f1 = tuned ? 0.587 : 0.113;
  return {
    metrics: {
      loss: tuned ? 1.312 : 4.218,
      rougeL: { precision: f1, recall: f1, f1 },
      bleu: tuned ? 24.1 : 1.7,
    },
    rows,
  };
}
