// The bias by position: y[head, i] = table[ids[i], head]; an id that is no bucket means a key that is masked.
//
//   table [buckets, heads], ids [count] → y [heads, count]
//
// Grid: ⌈heads · count / 64⌉ workgroups of 64 threads, a thread a number.

struct Sizes {
  buckets: u32,
  heads: u32,
  count: u32,
  masked: f32,
};

@group(0) @binding(0) var<storage, read_write> table: array<f32>;
@group(0) @binding(1) var<storage, read_write> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  if (place >= sizes.heads * sizes.count) {
    return;
  }
  let id = ids[place % sizes.count];
  var value = sizes.masked;
  if (id < sizes.buckets) {
    value = table[id * sizes.heads + place / sizes.count];
  }
  y[place] = value;
}
