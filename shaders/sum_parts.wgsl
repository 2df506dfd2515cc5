// Adds up parts in their order: y[i] = Σ_p x[p, i].
//
//   x [parts, count] → y [count]
//
// Grid: ⌈count / 64⌉ workgroups of 64 threads, a thread a number.

struct Sizes {
  parts: u32,
  count: u32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  if (place >= sizes.count) {
    return;
  }
  var sum = 0.0;
  for (var part = 0u; part < sizes.parts; part++) {
    sum += x[part * sizes.count + place];
  }
  y[place] = sum;
}
