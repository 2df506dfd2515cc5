// The block that all are timed on: 8 rows of 64 tokens, width 128, four heads, a gated feed-forward part of
// 256, RMS norms, LoRA of rank 4 on q and v. The loss is the mean square of what comes out.

export const ROWS = 8;
export const TOKENS = 64;
export const WIDTH = 128;
export const HEADS = 4;
export const INNER = 256;
export const RANK = 4;
export const SCALE = 2;
export const EPSILON = 1e-6;

/** Made-up numbers by name, with their shapes; the same for each call. Matrices are `[inputs, outputs]`. */
export function numbers() {
  let state = 1;
  const draw = (shape, size) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state / 2 ** 31 - 1) * size;
    });
    return { shape, values };
  };
  const square = () => draw([WIDTH, WIDTH], 0.15);
  return {
    frozen: {
      x: draw([ROWS * TOKENS, WIDTH], 1),
      position: draw([1, HEADS, TOKENS, TOKENS], 1),
      q: square(),
      k: square(),
      v: square(),
      o: square(),
      gate: draw([WIDTH, INNER], 0.15),
      value: draw([WIDTH, INNER], 0.15),
      out: draw([INNER, WIDTH], 0.1),
    },
    trained: {
      aq: draw([WIDTH, RANK], 0.1),
      bq: draw([RANK, WIDTH], 0.1),
      av: draw([WIDTH, RANK], 0.1),
      bv: draw([RANK, WIDTH], 0.1),
    },
  };
}
