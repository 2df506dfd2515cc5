// Where the bars of a distribution stand.

import type { Distribution } from "../types.js";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Whether all its lengths are beyond the limit. */
  beyond: boolean;
}

/** A box for each bucket, whose `to` is its last length, and where the limit is, if it is among them. */
export function boxes(
  { histogram, limit }: Distribution,
  width: number,
  height: number,
): { boxes: Box[]; limit?: number } {
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const first = histogram[0]?.from ?? 0;
  const span = Math.max(1, (histogram.at(-1)?.to ?? 0) + 1 - first);
  const x = (tokens: number) => ((tokens - first) / span) * width;
  const bars = histogram.map(({ from, to, count }) => {
    const tall = count === 0 ? 0 : Math.max(2, (count / most) * (height - 4));
    const wide = Math.max(1, x(to + 1) - x(from) - 1);
    return { x: x(from), y: height - tall, width: wide, height: tall, beyond: from > limit };
  });
  const end = limit + 1; // the limit itself fits
  return end > first && end < first + span ? { boxes: bars, limit: x(end) } : { boxes: bars };
}
