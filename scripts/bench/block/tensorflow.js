// The block in TensorFlow.js.

import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import { EPSILON, HEADS, numbers, ROWS, SCALE, TOKENS, WIDTH } from "./sizes.js";

/** A function that makes the gradients once, and gives one of them. */
export async function prepare(device, wasmPath) {
  setWasmPaths(wasmPath);
  await tf.setBackend(device);
  await tf.ready();
  const { frozen, trained } = numbers();
  const tensors = (all) =>
    Object.fromEntries(Object.entries(all).map(([name, { shape, values }]) => [name, tf.tensor(values, shape)]));
  const [base, adapter] = [tensors(frozen), Object.values(tensors(trained))];
  const gradients = tf.grads((aq, bq, av, bv) => loss([aq, bq, av, bv], base));
  return async () => {
    const all = gradients(adapter);
    const found = await all[1].data();
    for (const tensor of all) tensor.dispose();
    return found;
  };
}

const norm = (x) => x.div(x.square().mean(-1, true).add(EPSILON).sqrt());
const heads = (x) => x.reshape([ROWS, TOKENS, HEADS, WIDTH / HEADS]).transpose([0, 2, 1, 3]);

function gelu(x) {
  const inner = x.add(x.pow(3).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
  return x.mul(0.5).mul(inner.tanh().add(1));
}

function loss([aq, bq, av, bv], { x, position, q, k, v, o, gate, value, out }) {
  const h = norm(x);
  const beside = (map, a, b) => h.matMul(map).add(h.matMul(a).matMul(b).mul(SCALE));
  const [queries, keys, values] = [beside(q, aq, bq), h.matMul(k), beside(v, av, bv)].map(heads);
  const scores = tf.matMul(queries, keys, false, true).add(position);
  const mixed = tf.matMul(scores.softmax(), values).transpose([0, 2, 1, 3]);
  const y = x.add(mixed.reshape([ROWS * TOKENS, WIDTH]).matMul(o));
  const n = norm(y);
  const made = y.add(gelu(n.matMul(gate)).mul(n.matMul(value)).matMul(out));
  return made.square().mean();
}
