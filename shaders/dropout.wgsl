// What dropout multiplies by: 0 where the number drawn for a place is below the rate, else `keep`.
//
// The numbers are those of Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011) as `rng.rs` draws them: four
// words for each counter, of which the upper 24 bits are compared with the rate times 2^24.
//
//   → mask [count]
//
// Grid: ⌈count / 256⌉ workgroups of 64 threads, a thread four numbers.

struct Sizes {
  count: u32,
  key0: u32,
  key1: u32,
  place0: u32,
  place1: u32,
  below: u32,
  keep: f32,
};

@group(0) @binding(0) var<storage, read_write> mask: array<f32>;
@group(0) @binding(1) var<uniform> sizes: Sizes;

// The lower and the upper half of a product of 64 bits: WGSL has none, so by halves of 16.
fn product(a: u32, b: u32) -> vec2<u32> {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let low = a0 * b0;
  let middle = a1 * b0 + (low >> 16u);
  let other = a0 * b1 + (middle & 0xffffu);
  return vec2<u32>(a * b, a1 * b1 + (middle >> 16u) + (other >> 16u));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let counter = (group.y * groups.x + group.x) * 64u + local.x;
  if (4u * counter >= sizes.count) {
    return;
  }
  var x = vec4<u32>(counter, 0u, sizes.place0, sizes.place1);
  var key = vec2<u32>(sizes.key0, sizes.key1);
  for (var round = 0u; round < 10u; round++) {
    let first = product(x.x, 0xd2511f53u);
    let second = product(x.z, 0xcd9e8d57u);
    x = vec4<u32>(second.y ^ x.y ^ key.x, second.x, first.y ^ x.w ^ key.y, first.x);
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
//#for i in 0..4
  if (4u * counter + {{i}}u < sizes.count) {
    mask[4u * counter + {{i}}u] = select(sizes.keep, 0.0, (x[{{i}}] >> 8u) < sizes.below);
  }
//#end
}
