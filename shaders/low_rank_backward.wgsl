// The gradients of the inner numbers of low-rank products: dlow[m, first + r] = scale · Σ_n dy[m, n] · B[n, r], each of
// the LOW maps with `rank` of the `ranks` numbers of a row, from `first` on. What comes back is in planes, as
// `product` has them: dy of a map is all rows of its plane, which begins `stride` numbers after the one before.
//
//   dy [planes, m, n], B [n, rank] of each map → dlow [m, ranks]
//
// n divides by four.
//
// Grid: ⌈m · ranks / 64⌉ workgroups of 64 threads, a thread a number.

struct Sizes {
  m: u32,
  n: u32,
  ranks: u32,
  stride: u32,
//#for p in 0..LOW
  first{{p}}: u32,
  rank{{p}}: u32,
  scale{{p}}: f32,
//#end
};

@group(0) @binding({{next}}) var<storage, read_write> dy: array<vec4<f32>>;
//#for p in 0..LOW
@group(0) @binding({{next}}) var<storage, read_write> b{{p}}: array<f32>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> dlow: array<f32>;
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
  let row = place / sizes.ranks;
  let n4 = sizes.n / 4u;
  var sum = 0.0;
//#for p in 0..LOW
  if (r >= sizes.first{{p}} && r < sizes.first{{p}} + sizes.rank{{p}}) {
    let of_b = r - sizes.first{{p}};
    let of_dy = {{p}}u * (sizes.stride / 4u) + row * n4;
    for (var n = 0u; n < n4; n++) {
      let at = 4u * n * sizes.rank{{p}} + of_b;
      let up = vec4<f32>(
        b{{p}}[at], b{{p}}[at + sizes.rank{{p}}], b{{p}}[at + 2u * sizes.rank{{p}}], b{{p}}[at + 3u * sizes.rank{{p}}]
      );
      sum += dot(dy[of_dy + n], up);
    }
    sum *= sizes.scale{{p}};
  }
//#end
  dlow[place] = sum;
}
