// The block in jax-js.

import { defaultDevice, grad, init, jit, nn, numpy as np } from "@jax-js/jax";
import { EPSILON, HEADS, numbers, ROWS, SCALE, TOKENS, WIDTH } from "./sizes.js";

/** A function that makes the gradients once, and gives one of them. */
export async function prepare(device) {
  await init(device);
  defaultDevice(device);
  const { frozen, trained } = numbers();
  const arrays = (all) =>
    Object.fromEntries(Object.entries(all).map(([name, { shape, values }]) => [name, np.array(values).reshape(shape)]));
  const [base, adapter] = [arrays(frozen), arrays(trained)];
  const held = (all) => Object.fromEntries(Object.entries(all).map(([name, array]) => [name, array.ref]));
  const gradients = jit(grad(loss));
  return async () => {
    const { bq, aq, av, bv } = gradients(held(adapter), held(base));
    for (const array of [aq, av, bv]) array.dispose();
    return bq.data();
  };
}

const norm = (x) => {
  const square = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.div(np.sqrt(square.add(EPSILON)));
};

const heads = (x) => np.transpose(x.reshape([ROWS, TOKENS, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);

function loss({ aq, bq, av, bv }, { x, position, q, k, v, o, gate, value, out }) {
  const h = norm(x.ref);
  const beside = (map, a, b) => np.matmul(h.ref, map).add(np.matmul(np.matmul(h.ref, a), b).mul(SCALE));
  const queries = heads(beside(q, aq, bq));
  const values = heads(beside(v, av, bv));
  const keys = np.transpose(heads(np.matmul(h.ref, k)), [0, 1, 3, 2]);
  h.dispose();
  const scores = np.matmul(queries, keys).add(position);
  const mixed = np.transpose(np.matmul(nn.softmax(scores, -1), values), [0, 2, 1, 3]);
  const y = x.add(np.matmul(mixed.reshape([ROWS * TOKENS, WIDTH]), o));
  const n = norm(y.ref);
  const gated = nn.gelu(np.matmul(n.ref, gate), { approximate: true }).mul(np.matmul(n, value));
  return np.mean(np.square(y.add(np.matmul(gated, out))));
}
