// The products of `product.wgsl` whose sizes divide by four, and whose planes by 32 where there are several, by tiles of 32 × 32 numbers and 16 steps of k
// in workgroup memory: for GPUs, where a value from memory is used by eight threads. Sums have the same
// order, so that both give the same numbers where the compiler rounds alike.
//
// A thread makes 4 × 4 numbers of y. Rows of a thread stand 8 apart (so do columns of NT), so that threads
// side by side read workgroup memory side by side.
//
// Grid: ⌈n / 32⌉ × ⌈m / 32⌉ × parts workgroups of 8 × 8 threads; 4 KiB of workgroup memory.

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  plane: u32,
  stride: u32,
  alpha: f32,
//#for p in 0..LOW
  first{{p}}: u32,
  rank{{p}}: u32,
  beta{{p}}: f32,
//#end
//#if LOW
  ranks: u32,
//#end
//#if TN
  part: u32,
//#end
};

alias T = vec4<f32>;

@group(0) @binding({{next}}) var<storage, read_write> a: array<T>;
//#if FLOATS
@group(0) @binding({{next}}) var<storage, read_write> b: array<T>;
//#end
//#if INT8
@group(0) @binding({{next}}) var<storage, read_write> b: array<u32>;
@group(0) @binding({{next}}) var<storage, read_write> scales: array<f32>;
//#end
//#if INT4
@group(0) @binding({{next}}) var<storage, read_write> b: array<u32>;
@group(0) @binding({{next}}) var<storage, read_write> scales: array<u32>;
//#end
//#if F16
@group(0) @binding({{next}}) var<storage, read_write> b: array<vec2<u32>>;
//#end
//#if LOW
@group(0) @binding({{next}}) var<storage, read_write> low: array<f32>;
//#for p in 0..LOW
//#if NT
@group(0) @binding({{next}}) var<storage, read_write> up{{p}}: array<f32>;
//#else
@group(0) @binding({{next}}) var<storage, read_write> up{{p}}: array<T>;
//#end
//#end
//#end
//#if NT
//#if RESIDUAL
@group(0) @binding({{next}}) var<storage, read_write> residual: array<f32>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> y: array<f32>;
//#else
//#if RESIDUAL
@group(0) @binding({{next}}) var<storage, read_write> residual: array<T>;
//#end
//#if GATE
@group(0) @binding({{next}}) var<storage, read_write> gated: array<T>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> y: array<T>;
//#end
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

// NT, NN: [4 vectors along k][32 rows]; TN: [16 of k][8 vectors along m].
var<workgroup> left: array<T, 128>;
// NT: [4 vectors along k][32 columns]; NN, TN: [16 of k][8 vectors along n].
var<workgroup> right: array<T, 128>;

//#if GATE
const ROOT: f32 = 0.7978845608028654;
const CUBIC: f32 = 0.044715;

// The gradients of a gated GELU's gate and value from that of its result, d: as `gated_gelu` has them.
fn pass_gate(at: u32, d: vec4<f32>) {
  let a = gated[at];
  let t = tanh(clamp(ROOT * (a + CUBIC * a * a * a), vec4<f32>(-10.0), vec4<f32>(10.0)));
  let slope = 0.5 * (1.0 + t) + 0.5 * a * (1.0 - t * t) * ROOT * (1.0 + 3.0 * CUBIC * a * a);
  let value_at = sizes.stride / 4u + at;
  y[at] = d * gated[value_at] * slope;
  y[value_at] = d * (0.5 * a * (1.0 + t));
}
//#end

@compute @workgroup_size(8, 8)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let lane = local.y * 8u + local.x;
  let first_row = group.y * 32u;
  let first_column = group.x * 32u;
  let k4 = sizes.k / 4u;
  let n4 = sizes.n / 4u;
  let m4 = sizes.m / 4u;
//#for i in 0..4
  var sum_{{i}} = T(0.0);
//#end

//#if TN
  let beginning = group.z * sizes.part;
  let end = min(beginning + sizes.part, sizes.k);
//#else
  let beginning = 0u;
  let end = sizes.k;
//#end
  for (var first = beginning; first < end; first += 16u) {
//#for half in 0,1
    {
      let place = lane + 64u * {{half}}u;
//#if TN
      let k = first + place / 8u;
      let m = first_row / 4u + place % 8u;
      var value = T(0.0);
      if (k < end && m < m4) {
        value = a[k * m4 + m];
      }
//#else
      let k = first / 4u + place / 32u;
      let m = first_row + place % 32u;
      var value = T(0.0);
      if (k < k4 && m < sizes.m) {
//#if NN
        let plane4 = sizes.plane / 4u;
        value = a[(k / plane4) * (sizes.stride / 4u) + m * plane4 + k % plane4];
//#else
        value = a[m * k4 + k];
//#end
//#if INT8
//#if NN
        value *= T(scales[4u * k], scales[4u * k + 1u], scales[4u * k + 2u], scales[4u * k + 3u]);
//#end
//#end
      }
//#end
      left[place] = value;
    }
    {
      let place = lane + 64u * {{half}}u;
//#if NT
      let k = first / 4u + place / 32u;
      let n = first_column + place % 32u;
      var value = T(0.0);
      if (k < k4 && n < sizes.n) {
        value = four(n, k, k4);
      }
//#else
      let k = first + place / 8u;
      let n = first_column / 4u + place % 8u;
      var value = T(0.0);
      if (k < end && n < n4) {
        value = four(k, n, n4);
      }
//#end
      right[place] = value;
    }
//#end
    workgroupBarrier();
//#if NT
//#for s in 0..4
    {
//#for j in 0..4
      let right_{{j}} = right[{{s}}u * 32u + local.x + 8u * {{j}}u];
//#end
//#for i in 0..4
      let left_{{i}} = left[{{s}}u * 32u + local.y + 8u * {{i}}u];
      sum_{{i}} += T(
        dot(left_{{i}}, right_0), dot(left_{{i}}, right_1), dot(left_{{i}}, right_2), dot(left_{{i}}, right_3)
      );
//#end
    }
//#end
//#end
//#if NN
//#for s in 0..4
    {
//#for j in 0..4
      let right_{{j}} = right[({{s}}u * 4u + {{j}}u) * 8u + local.x];
//#end
//#for i in 0..4
      let left_{{i}} = left[{{s}}u * 32u + local.y + 8u * {{i}}u];
      sum_{{i}} += left_{{i}}.x * right_0;
      sum_{{i}} += left_{{i}}.y * right_1;
      sum_{{i}} += left_{{i}}.z * right_2;
      sum_{{i}} += left_{{i}}.w * right_3;
//#end
    }
//#end
//#end
//#if TN
//#for s in 0..16
    {
      let of_a = left[{{s}}u * 8u + local.y];
      let of_b = right[{{s}}u * 8u + local.x];
      sum_0 += of_a.x * of_b;
      sum_1 += of_a.y * of_b;
      sum_2 += of_a.z * of_b;
      sum_3 += of_a.w * of_b;
    }
//#end
//#end
    workgroupBarrier();
  }

//#if NT
  let column = first_column + local.x;
//#else
  let column = first_column / 4u + local.x;
//#end
//#for i in 0..4
//#if TN
  let row_{{i}} = first_row + 4u * local.y + {{i}}u;
//#else
  let row_{{i}} = first_row + local.y + 8u * {{i}}u;
//#end
//#end
//#if NT
//#for j in 0..4
  let column_{{j}} = min(column + 8u * {{j}}u, sizes.n - 1u);
//#end
//#if INT8
  let scale = T(scales[column_0], scales[column_1], scales[column_2], scales[column_3]);
//#for i in 0..4
  sum_{{i}} *= scale;
//#end
//#end
//#end
//#for i in 0..4
  sum_{{i}} *= sizes.alpha;
//#end
//#if NT
  // A tile is within one plane.
  let plane = first_column / sizes.plane;
//#end
//#if LOW
//#for i in 0..4
  let low_{{i}}_at = min(row_{{i}}, sizes.m - 1u) * sizes.ranks;
//#end
//#for p in 0..LOW
//#if NT
  if (plane == {{p}}u) {
//#else
  {
//#end
//#for i in 0..4
    var low_{{i}} = T(0.0);
//#end
    for (var r = 0u; r < sizes.rank{{p}}; r++) {
//#if NT
//#for j in 0..4
      let up_{{j}} = up{{p}}[(column_{{j}} - plane * sizes.plane) * sizes.rank{{p}} + r];
//#end
      let of_up = T(up_0, up_1, up_2, up_3);
//#else
      let of_up = up{{p}}[r * n4 + min(column, n4 - 1u)];
//#end
//#for i in 0..4
      low_{{i}} += low[low_{{i}}_at + sizes.first{{p}} + r] * of_up;
//#end
    }
//#for i in 0..4
    sum_{{i}} += sizes.beta{{p}} * low_{{i}};
//#end
  }
//#end
//#end

//#for i in 0..4
  if (row_{{i}} < sizes.m) {
//#if NT
    let at_{{i}} = plane * sizes.stride + row_{{i}} * sizes.plane + column - plane * sizes.plane;
//#for j in 0..4
    if (column + 8u * {{j}}u < sizes.n) {
//#if RESIDUAL
      y[at_{{i}} + 8u * {{j}}u] = sum_{{i}}[{{j}}] + residual[at_{{i}} + 8u * {{j}}u];
//#else
      y[at_{{i}} + 8u * {{j}}u] = sum_{{i}}[{{j}}];
//#end
    }
//#end
//#else
    if (column < n4) {
//#if TN
      let at_{{i}} = (group.z * sizes.m + row_{{i}}) * n4 + column;
//#else
      let at_{{i}} = row_{{i}} * n4 + column;
//#end
//#if RESIDUAL
      y[at_{{i}}] = sum_{{i}} + residual[at_{{i}}];
//#else
//#if GATE
      pass_gate(at_{{i}}, sum_{{i}});
//#else
      y[at_{{i}}] = sum_{{i}};
//#end
//#end
    }
//#end
  }
//#end
}
