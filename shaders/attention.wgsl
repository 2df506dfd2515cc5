// Attention, a query a thread: y = softmax(q · kᵀ + position + mask) · v, without the probabilities ever
// being in memory. What the backward pass makes them from again is kept: the greatest score of each query
// and 1 / Σ exp(score − greatest). Both, and not their logarithm's sum: beside a mask of −1e9 the sum would
// vanish in rounding.
//
//   q [batch · queries, heads · depth], k, v [batch · keys, heads · depth], bias: position [heads, queries, keys], from number `mask_at` on mask [batch, keys] → y as q, stats [batch, heads, queries] of (greatest, 1 / sum, 0, 0)
//
// DEPTH4 is a head's width over four. A position or mask that is not there is not read.
// Keys are taken in ascending order, so the number of threads changes no sum.
//
// Grid: ⌈queries / 64⌉ × heads × batch workgroups of 64 threads. No workgroup memory, no barrier.

struct Sizes {
  queries: u32,
  keys: u32,
  heads: u32,
  has_position: u32,
  has_mask: u32,
  mask_at: u32,
};

@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let query = id.x;
  let head = id.y;
  let row = id.z;
  if (query >= sizes.queries) {
    return;
  }
  let at = ((row * sizes.queries + query) * sizes.heads + head) * {{DEPTH4}}u;
//#for i in 0..DEPTH4
  let q_{{i}} = q[at + {{i}}u];
  var y_{{i}} = vec4<f32>(0.0);
//#end
  let position_at = (head * sizes.queries + query) * sizes.keys;
  var most = 0.0;
  var total = 0.0;
  for (var key = 0u; key < sizes.keys; key++) {
    let source = ((row * sizes.keys + key) * sizes.heads + head) * {{DEPTH4}}u;
    var score = 0.0;
//#for i in 0..DEPTH4
    score += dot(q_{{i}}, k[source + {{i}}u]);
//#end
    if (sizes.has_position != 0u) {
      score += bias[position_at + key];
    }
    if (sizes.has_mask != 0u) {
      score += bias[sizes.mask_at + row * sizes.keys + key];
    }
    if (key == 0u) {
      most = score;
    }
    if (score > most) {
      let shrink = exp(most - score);
      total *= shrink;
//#for i in 0..DEPTH4
      y_{{i}} *= shrink;
//#end
      most = score;
    }
    let share = exp(score - most);
    total += share;
//#for i in 0..DEPTH4
    y_{{i}} += share * v[source + {{i}}u];
//#end
  }
  let scale = 1.0 / total;
//#for i in 0..DEPTH4
  y[at + {{i}}u] = y_{{i}} * scale;
//#end
  stats[(row * sizes.heads + head) * sizes.queries + query] = vec4<f32>(most, scale, 0.0, 0.0);
}
