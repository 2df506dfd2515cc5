// The gradient of attention's bias by position, a score a thread: Σ over rows of
// dS = P · (dy · v − delta), where P = exp(score − greatest) / sum is made again.
//
//   q, dy [batch · queries, heads · depth], k, v [batch · keys, heads · depth],
//   bias: position [heads, queries, keys], from number `mask_at` on mask [batch, keys],
//   stats [batch, heads, queries] of (greatest, 1 / sum, delta, 0) → dposition as position
//
// DEPTH4 is a head's width over four. A mask that is not there is not read.
//
// Grid: ⌈keys / 64⌉ × queries × heads workgroups of 64 threads. No workgroup memory, no barrier.

struct Sizes {
  queries: u32,
  keys: u32,
  heads: u32,
  batch: u32,
  has_mask: u32,
  mask_at: u32,
};

@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> dy: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> dposition: array<f32>;
@group(0) @binding(7) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let key = id.x;
  let query = id.y;
  let head = id.z;
  if (key >= sizes.keys) {
    return;
  }
  let at = (head * sizes.queries + query) * sizes.keys + key;
  var sum = 0.0;
  for (var row = 0u; row < sizes.batch; row++) {
    let source = ((row * sizes.queries + query) * sizes.heads + head) * {{DEPTH4}}u;
    let to = ((row * sizes.keys + key) * sizes.heads + head) * {{DEPTH4}}u;
    let kept = stats[(row * sizes.heads + head) * sizes.queries + query];
    var score = 0.0;
    var slope = 0.0;
//#for i in 0..DEPTH4
    score += dot(q[source + {{i}}u], k[to + {{i}}u]);
    slope += dot(dy[source + {{i}}u], v[to + {{i}}u]);
//#end
    score += bias[at];
    if (sizes.has_mask != 0u) {
      score += bias[sizes.mask_at + row * sizes.keys + key];
    }
    sum += exp(score - kept.x) * kept.y * (slope - kept.z);
  }
  dposition[at] = sum;
}
