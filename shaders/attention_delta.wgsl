// What each query's scores lose in the backward pass through the softmax: Σ over its head of dy ∘ y, put
// third among what the forward pass kept.
//
//   y, dy [batch · queries, heads · depth], stats [batch, heads, queries] → stats
//
// DEPTH4 is a head's width over four.
//
// Grid: ⌈queries / 64⌉ × heads × batch workgroups of 64 threads, a thread a query and head.

struct Sizes {
  queries: u32,
  heads: u32,
};

@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> dy: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> stats: array<vec4<f32>>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let query = id.x;
  if (query >= sizes.queries) {
    return;
  }
  let at = ((id.z * sizes.queries + query) * sizes.heads + id.y) * {{DEPTH4}}u;
  var delta = 0.0;
//#for i in 0..DEPTH4
  delta += dot(y[at + {{i}}u], dy[at + {{i}}u]);
//#end
  stats[(id.z * sizes.heads + id.y) * sizes.queries + query].z = delta;
}
