// Attention of one query for each row, as generation goes token by token: y = softmax(q · kᵀ + position + mask) · v.
//
// Keys and values lie with room for more: each row has `room` of them, of which `keys` count, the new one included.
// With APPEND the last of them is new: it is read from where the maps put it, and written to its place.
//
//   q [batch, heads · depth], k, v [batch, room, heads · depth] (, new_k, new_v [batch, heads · depth]),
//   bias: position [heads, places], whose last number is for the query itself and the ones before it for what is
//   further back; from number `mask_at` on mask [batch, keys] → y as q
//
// DEPTH4 is a head's width over four. A position or mask that is not there is not read.
//
// Keys go 64 at a time, a thread a key for the scores. Then each thread sums four of the columns, over every PARTS-th
// key; the parts are added in their order.
//
// Grid: heads × batch workgroups of 64 threads; 1.5 KiB of workgroup memory.

struct Sizes {
  keys: u32,
  room: u32,
  heads: u32,
  has_position: u32,
  has_mask: u32,
  mask_at: u32,
  places: u32,
};

@group(0) @binding({{next}}) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding({{next}}) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding({{next}}) var<storage, read_write> v: array<vec4<f32>>;
//#if APPEND
@group(0) @binding({{next}}) var<storage, read_write> new_k: array<vec4<f32>>;
@group(0) @binding({{next}}) var<storage, read_write> new_v: array<vec4<f32>>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> bias: array<f32>;
@group(0) @binding({{next}}) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

const PARTS: u32 = 64u / {{DEPTH4}}u;

var<workgroup> scores: array<f32, 64>;
var<workgroup> shares: array<f32, 64>;
var<workgroup> mixed: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let thread = local.x;
  let head = group.x;
  let row = group.y;
  let width = sizes.heads * {{DEPTH4}}u;
  let at = row * width + head * {{DEPTH4}}u;
  let first = row * sizes.room * width + head * {{DEPTH4}}u;
  let place = thread % {{DEPTH4}}u;
  let part = thread / {{DEPTH4}}u;
//#if APPEND
  let old = sizes.keys - 1u;
  if (thread < {{DEPTH4}}u) {
    k[first + old * width + thread] = new_k[at + thread];
    v[first + old * width + thread] = new_v[at + thread];
  }
//#else
  let old = sizes.keys;
//#end

  var most = -3.4e38;
  var total = 0.0;
  var sum = vec4<f32>(0.0);
  for (var begin = 0u; begin < sizes.keys; begin += 64u) {
    let count = min(64u, sizes.keys - begin);
    let key = begin + thread;
    if (thread < count) {
      var score = 0.0;
//#if APPEND
      if (key == old) {
//#for i in 0..DEPTH4
        score += dot(q[at + {{i}}u], new_k[at + {{i}}u]);
//#end
      }
//#end
      if (key < old) {
        let source = first + key * width;
//#for i in 0..DEPTH4
        score += dot(q[at + {{i}}u], k[source + {{i}}u]);
//#end
      }
      if (sizes.has_position != 0u) {
        score += bias[head * sizes.places + sizes.places - sizes.keys + key];
      }
      if (sizes.has_mask != 0u) {
        score += bias[sizes.mask_at + row * sizes.keys + key];
      }
      scores[thread] = score;
    }
    workgroupBarrier();
    let before = most;
    for (var other = 0u; other < count; other++) {
      most = max(most, scores[other]);
    }
    if (thread < count) {
      shares[thread] = exp(scores[thread] - most);
    }
    workgroupBarrier();
    let shrink = exp(before - most);
    total *= shrink;
    sum *= shrink;
    for (var other = 0u; other < count; other++) {
      total += shares[other];
    }
    for (var other = part; other < count && part < PARTS; other += PARTS) {
      var value = vec4<f32>(0.0);
//#if APPEND
      if (begin + other == old) {
        value = new_v[at + place];
      }
//#end
      if (begin + other < old) {
        value = v[first + (begin + other) * width + place];
      }
      sum += shares[other] * value;
    }
  }
  mixed[thread] = sum;
  workgroupBarrier();
  if (thread < {{DEPTH4}}u) {
    sum = vec4<f32>(0.0);
    for (var other = 0u; other < PARTS; other++) {
      sum += mixed[other * {{DEPTH4}}u + thread];
    }
    y[at + thread] = sum * (1.0 / total);
  }
}
