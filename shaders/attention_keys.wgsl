// The gradients of attention's keys and values, a key a thread: dk = Σ over queries of dS · q and
// dv = Σ over queries of P · dy, with dS = P · (dy · v − delta), where P = exp(score − greatest) / sum is
// made again. Each has workgroups of its own, so that a thread holds no more than one.
//
//   q, dy [batch · queries, heads · depth], k, v [batch · keys, heads · depth],
//   bias: position [heads, queries, keys], from number `mask_at` on mask [batch, keys],
//   stats [batch, heads, queries] of (greatest, 1 / sum, delta, 0) → dk as k, and dv from `values` vectors
//   of four on, in one buffer
//
// DEPTH4 is a head's width over four. A position or mask that is not there is not read.
//
// Grid: ⌈keys / 64⌉ × heads × 2 · batch workgroups of 64 threads, those of dk first. No workgroup memory.

struct Sizes {
  queries: u32,
  keys: u32,
  heads: u32,
  batch: u32,
  has_position: u32,
  has_mask: u32,
  mask_at: u32,
  values: u32,
};

@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> dy: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let key = id.x;
  let head = id.y;
  if (key >= sizes.keys) {
    return;
  }
  let of_values = id.z >= sizes.batch;
  let row = select(id.z, id.z - sizes.batch, of_values);
  let at = ((row * sizes.keys + key) * sizes.heads + head) * {{DEPTH4}}u;
//#for i in 0..DEPTH4
  let k_{{i}} = k[at + {{i}}u];
  var sum_{{i}} = vec4<f32>(0.0);
//#end
  // A loop for each: one with both ways in it takes software twice as long.
//#for values in 0,1
//#if values
  if (of_values) {
//#else
  if (!of_values) {
//#for i in 0..DEPTH4
    let v_{{i}} = v[at + {{i}}u];
//#end
//#end
    for (var query = 0u; query < sizes.queries; query++) {
      let source = ((row * sizes.queries + query) * sizes.heads + head) * {{DEPTH4}}u;
      let kept = stats[(row * sizes.heads + head) * sizes.queries + query];
      var score = 0.0;
//#if values
//#for i in 0..DEPTH4
      score += dot(q[source + {{i}}u], k_{{i}});
//#end
//#else
      var slope = 0.0;
//#for i in 0..DEPTH4
      let q_{{i}} = q[source + {{i}}u];
      score += dot(q_{{i}}, k_{{i}});
      slope += dot(dy[source + {{i}}u], v_{{i}});
//#end
//#end
      if (sizes.has_position != 0u) {
        score += bias[(head * sizes.queries + query) * sizes.keys + key];
      }
      if (sizes.has_mask != 0u) {
        score += bias[sizes.mask_at + row * sizes.keys + key];
      }
      let share = exp(score - kept.x) * kept.y;
//#if values
//#for i in 0..DEPTH4
      sum_{{i}} += share * dy[source + {{i}}u];
//#end
//#else
      let change = share * (slope - kept.z);
//#for i in 0..DEPTH4
      sum_{{i}} += change * q_{{i}};
//#end
//#end
    }
  }
//#end
  let to = select(at, sizes.values + at, of_values);
//#for i in 0..DEPTH4
  out[to + {{i}}u] = sum_{{i}};
//#end
}
