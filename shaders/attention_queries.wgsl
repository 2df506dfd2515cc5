// The gradient of attention's queries, a query a thread: dq = Σ over keys of dS · k with
// dS = P · (dy · v − delta), where P = exp(score − greatest) / sum is made again, and delta = Σ over the head of
// dy ∘ y, which is put third among what the forward pass kept.
//
//   q, y, dy [batch · queries, heads · depth], k, v [batch · keys, heads · depth],
//   bias: position [heads, queries, keys], from number `mask_at` on mask [batch, keys],
//   stats [batch, heads, queries] of (greatest, 1 / sum, delta, 0) → dq as q
//
// DEPTH4 is a head's width over four. A position or mask that is not there is not read.
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
@group(0) @binding(4) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> dy: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> dq: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let query = id.x;
  let head = id.y;
  let row = id.z;
  if (query >= sizes.queries) {
    return;
  }
  let at = ((row * sizes.queries + query) * sizes.heads + head) * {{DEPTH4}}u;
  var delta = 0.0;
//#for i in 0..DEPTH4
  let q_{{i}} = q[at + {{i}}u];
  let dy_{{i}} = dy[at + {{i}}u];
  var dq_{{i}} = vec4<f32>(0.0);
  delta += dot(dy_{{i}}, y[at + {{i}}u]);
//#end
  let place = (row * sizes.heads + head) * sizes.queries + query;
  let kept = stats[place];
  stats[place].z = delta;
  let position_at = (head * sizes.queries + query) * sizes.keys;
  for (var key = 0u; key < sizes.keys; key++) {
    let source = ((row * sizes.keys + key) * sizes.heads + head) * {{DEPTH4}}u;
    var score = 0.0;
    var slope = 0.0;
//#for i in 0..DEPTH4
    let k_{{i}} = k[source + {{i}}u];
    score += dot(q_{{i}}, k_{{i}});
    slope += dot(dy_{{i}}, v[source + {{i}}u]);
//#end
    if (sizes.has_position != 0u) {
      score += bias[position_at + key];
    }
    if (sizes.has_mask != 0u) {
      score += bias[sizes.mask_at + row * sizes.keys + key];
    }
    let change = exp(score - kept.x) * kept.y * (slope - delta);
//#for i in 0..DEPTH4
    dq_{{i}} += change * k_{{i}};
//#end
  }
//#for i in 0..DEPTH4
  dq[at + {{i}}u] = dq_{{i}};
//#end
}
