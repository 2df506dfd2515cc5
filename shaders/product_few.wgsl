// A product of few rows with a frozen weight, as generation makes them: y[m, n] = Σ_k x[m, k] · b[n, k], with LOW
// low-rank products beside it + beta · Σ_r low[m, r] · up[n, r], and with RESIDUAL + residual[m, n].
//
// With NORM, x goes through RMS norm first: x · 1 / √(mean(x²) + ε) · w; what comes of it is never in memory.
// With GATE, b is two weights one below the other, of a gate and a value, and y is their gated GELU: gelu(gate) · value.
// b is of floats, or packed into words (`right.wgsl`, which goes with this file).
//
// Without GATE, the weights of several maps may lie one below the other in b, and what they make is in planes, as
// `product` has them. k and planes divide by four.
//
// Bound by reading b: 16 threads side by side read a row of it, and take every sixteenth four of k; their sums are
// added in their order. Eight rows of x at most go at once.
//
// Grid: ⌈n / 4⌉ × ⌈m / 8⌉ workgroups of 64 threads, which make 4 columns of up to 8 rows; 2 KiB of workgroup memory,
// and 2 KiB more with GATE.

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  plane: u32,
  stride: u32,
//#if NORM
  epsilon: f32,
//#end
//#for p in 0..LOW
  first{{p}}: u32,
  rank{{p}}: u32,
  beta{{p}}: f32,
//#end
//#if LOW
  ranks: u32,
//#end
};

@group(0) @binding({{next}}) var<storage, read_write> x: array<vec4<f32>>;
//#if FLOATS
@group(0) @binding({{next}}) var<storage, read_write> b: array<vec4<f32>>;
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
//#if NORM
@group(0) @binding({{next}}) var<storage, read_write> w: array<vec4<f32>>;
//#end
//#if LOW
@group(0) @binding({{next}}) var<storage, read_write> low: array<f32>;
//#for p in 0..LOW
@group(0) @binding({{next}}) var<storage, read_write> up{{p}}: array<f32>;
//#end
//#end
//#if RESIDUAL
@group(0) @binding({{next}}) var<storage, read_write> residual: array<f32>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> y: array<f32>;
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

// Of each thread, its sums of each row.
var<workgroup> sums: array<f32, 512>;
//#if GATE
var<workgroup> values: array<f32, 512>;
//#end
//#if NORM
var<workgroup> norms: array<f32, 8>;
//#end

//#for p in 0..LOW
// The low-rank product beside a map.
fn beside{{p}}(row: u32, column: u32) -> f32 {
  var sum = 0.0;
  for (var r = 0u; r < sizes.rank{{p}}; r++) {
    sum += low[row * sizes.ranks + sizes.first{{p}} + r] * up{{p}}[column * sizes.rank{{p}} + r];
  }
  return sizes.beta{{p}} * sum;
}
//#end

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let thread = local.x;
  let lane = thread % 16u;
  // Beyond the last column that column is computed again, and not written.
  let column = min(4u * group.x + thread / 16u, sizes.n - 1u);
  let first = 8u * group.y;
  let rows = min(8u, sizes.m - first);
  let k4 = sizes.k / 4u;

//#if NORM
//#for i in 0..8
  if ({{i}}u < rows) {
    var square = 0.0;
    for (var k = thread; k < k4; k += 64u) {
      let value = x[(first + {{i}}u) * k4 + k];
      square += dot(value, value);
    }
    sums[{{i}}u * 64u + thread] = square;
  }
//#end
  workgroupBarrier();
  if (thread < rows) {
    var square = 0.0;
    for (var other = 0u; other < 64u; other++) {
      square += sums[thread * 64u + other];
    }
    norms[thread] = 1.0 / sqrt(square / f32(sizes.k) + sizes.epsilon);
  }
  workgroupBarrier();
//#end

//#for i in 0..8
  var sum_{{i}} = 0.0;
//#if GATE
  var value_{{i}} = 0.0;
//#end
//#if NORM
  var norm_{{i}} = 0.0;
  if ({{i}}u < rows) {
    norm_{{i}} = norms[{{i}}];
  }
//#end
//#end
  for (var k = lane; k < k4; k += 16u) {
    let right = four(column, k, k4);
//#if GATE
    let right_value = four(sizes.n + column, k, k4);
//#end
//#if NORM
    let scale = w[k];
//#end
//#for i in 0..8
    if ({{i}}u < rows) {
//#if NORM
      let left = x[(first + {{i}}u) * k4 + k] * norm_{{i}} * scale;
//#else
      let left = x[(first + {{i}}u) * k4 + k];
//#end
      sum_{{i}} += dot(left, right);
//#if GATE
      value_{{i}} += dot(left, right_value);
//#end
    }
//#end
  }
//#for i in 0..8
  sums[{{i}}u * 64u + thread] = sum_{{i}};
//#if GATE
  values[{{i}}u * 64u + thread] = value_{{i}};
//#end
//#end
  workgroupBarrier();

  // Now a thread has one number of y.
  let c = 4u * group.x + thread % 4u;
  let r = thread / 4u;
  if (c >= sizes.n || r >= rows) {
    return;
  }
  let row = first + r;
  var sum = 0.0;
  for (var other = 0u; other < 16u; other++) {
    sum += sums[r * 64u + 16u * (thread % 4u) + other];
  }
//#if INT8
  sum *= scales[c];
//#end
//#if GATE
  var value = 0.0;
  for (var other = 0u; other < 16u; other++) {
    value += values[r * 64u + 16u * (thread % 4u) + other];
  }
//#if INT8
  value *= scales[sizes.n + c];
//#end
//#if LOW
  sum += beside0(row, c);
  value += beside1(row, c);
//#end
  let inner = 0.7978845608028654 * (sum + 0.044715 * sum * sum * sum);
  y[row * sizes.n + c] = 0.5 * sum * (1.0 + tanh(clamp(inner, -10.0, 10.0))) * value;
//#else
  let plane = c / sizes.plane;
  let within = c % sizes.plane;
//#for p in 0..LOW
  if (plane == {{p}}u) {
    sum += beside{{p}}(row, within);
  }
//#end
  let at = plane * sizes.stride + row * sizes.plane + within;
//#if RESIDUAL
  y[at] = sum + residual[at];
//#else
  y[at] = sum;
//#end
//#end
}
