// The inner numbers of the low-rank products beside LOW maps of one input: low[m, first + r] = Σ_k x[m, k] · A[r, k],
// each map with `rank` of the `ranks` numbers of a row, from `first` on.
//
//   x [m, k], A [rank, k] of each map → low [m, ranks]
//
// k divides by four.
//
// Grid: ⌈m · ranks / 64⌉ workgroups of 64 threads, a thread a number.

struct Sizes {
  m: u32,
  k: u32,
  ranks: u32,
//#for p in 0..LOW
  first{{p}}: u32,
  rank{{p}}: u32,
//#end
};

@group(0) @binding({{next}}) var<storage, read_write> x: array<vec4<f32>>;
//#for p in 0..LOW
@group(0) @binding({{next}}) var<storage, read_write> a{{p}}: array<vec4<f32>>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> low: array<f32>;
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  if (place >= sizes.m * sizes.ranks) {
    return;
  }
  let r = place % sizes.ranks;
  let k4 = sizes.k / 4u;
  let row = (place / sizes.ranks) * k4;
  var sum = 0.0;
//#for p in 0..LOW
  if (r >= sizes.first{{p}} && r < sizes.first{{p}} + sizes.rank{{p}}) {
    let of_a = (r - sizes.first{{p}}) * k4;
    for (var k = 0u; k < k4; k++) {
      sum += dot(x[row + k], a{{p}}[of_a + k]);
    }
  }
//#end
  low[place] = sum;
}
