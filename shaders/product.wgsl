// A product of matrices, straight from memory: y[m, n] = alpha · Σ_k a(m, k) · b(k, n), with LOW low-rank
// products beside it + beta · Σ_r low[m, r] · up(r, n), and with RESIDUAL + residual[m, n].
//
// Which of the operands lies transposed is in the name, as BLAS has it:
//   NT  a [m, k], b [n, k], up [n, r]: y = x · Wᵀ
//   NN  a [m, k], b [k, n], up [r, n]: dx = dy · W
//   TN  a [k, m], b [k, n]:            dW = dyᵀ · x
// b is of floats, or a frozen weight packed into words (`right.wgsl`, which goes with this file). A scale of INT8
// is that of a row, so that it is multiplied in after the sum over that row, or into what the row is multiplied by.
//
// The weights of several maps of one input may lie one below the other in b. Then what they make (y of NT),
// and what goes back into them (a of NN), is in planes: all rows of the first map, then all of the second; a
// plane has `plane` columns, and the next one begins `stride` numbers on. Each map has a low-rank product of its own, of `rank` numbers of a row of low
// from number `first` on, a row of which has `ranks`.
//
// With GATE what comes back through W is the gradient of a gated GELU's result, and what is written are those of
// its gate and value, in planes `stride` numbers apart, as gate and value themselves lie in `gated`.
//
// With VEC, what lies side by side (k, n and planes of NT and NN, m and n of TN) divides by four. Without,
// any sizes go, and strides say how floats lie; there is one plane then.
// TN with VEC takes `part` of k in each layer of the grid; `sum_parts` adds what they make.
//
// A thread makes 4 × 4 numbers of y, and sums k in ascending order. No workgroup memory, no barrier: for
// devices whose caches do as well, software first of all.
//
// Grid: ⌈n / 32⌉ × ⌈m / 32⌉ × parts workgroups of 8 × 8 threads.

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
//#if VEC
//#if TN
  part: u32,
//#end
//#else
  a_m: u32,
  a_k: u32,
  b_k: u32,
  b_n: u32,
  up_r: u32,
  up_n: u32,
//#end
};

//#if VEC
alias T = vec4<f32>;
//#else
alias T = f32;
//#end

@group(0) @binding({{next}}) var<storage, read_write> a: array<T>;
//#if FLOATS
@group(0) @binding({{next}}) var<storage, read_write> b: array<T>;
//#end
//#if INT8
@group(0) @binding({{next}}) var<storage, read_write> b: array<u32>;
@group(0) @binding({{next}}) var<storage, read_write> scales: array<T>;
//#end
//#if INT4
@group(0) @binding({{next}}) var<storage, read_write> b: array<u32>;
@group(0) @binding({{next}}) var<storage, read_write> scales: array<u32>;
//#end
//#if F16
//#if VEC
@group(0) @binding({{next}}) var<storage, read_write> b: array<vec2<u32>>;
//#else
@group(0) @binding({{next}}) var<storage, read_write> b: array<u32>;
//#end
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
//#if RESIDUAL
@group(0) @binding({{next}}) var<storage, read_write> residual: array<T>;
//#end
//#if GATE
@group(0) @binding({{next}}) var<storage, read_write> gated: array<T>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> y: array<T>;
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

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
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let column = 4u * id.x;
  let row = 4u * id.y;
  if (column >= sizes.n || row >= sizes.m) {
    return;
  }
  // Beyond the last row that row is computed again, and not written.
//#for i in 0..4
  let row_{{i}} = min(row + {{i}}u, sizes.m - 1u);
  var sum_{{i}} = vec4<f32>(0.0);
//#end

//#if VEC
  let k4 = sizes.k / 4u;
  let n4 = sizes.n / 4u;
//#if NT
  for (var k = 0u; k < k4; k++) {
//#for j in 0..4
    let right_{{j}} = four(column + {{j}}u, k, k4);
//#end
//#for i in 0..4
    let left_{{i}} = a[row_{{i}} * k4 + k];
    sum_{{i}} += vec4<f32>(
      dot(left_{{i}}, right_0), dot(left_{{i}}, right_1), dot(left_{{i}}, right_2), dot(left_{{i}}, right_3)
    );
//#end
  }
//#if INT8
//#for i in 0..4
  sum_{{i}} *= scales[id.x];
//#end
//#end
//#end
//#if NN
  let plane4 = sizes.plane / 4u;
  for (var plane = 0u; plane < k4; plane += plane4) {
//#for i in 0..4
    let a_{{i}} = plane / plane4 * (sizes.stride / 4u) + row_{{i}} * plane4;
//#end
    for (var k = 0u; k < plane4; k++) {
//#for j in 0..4
      let right_{{j}} = four(4u * (plane + k) + {{j}}u, id.x, n4);
//#end
//#for i in 0..4
//#if INT8
      let left_{{i}} = a[a_{{i}} + k] * scales[plane + k];
//#else
      let left_{{i}} = a[a_{{i}} + k];
//#end
      sum_{{i}} += left_{{i}}.x * right_0;
      sum_{{i}} += left_{{i}}.y * right_1;
      sum_{{i}} += left_{{i}}.z * right_2;
      sum_{{i}} += left_{{i}}.w * right_3;
//#end
    }
  }
//#end
//#if TN
  let m4 = sizes.m / 4u;
  let first = id.z * sizes.part;
  let end = min(first + sizes.part, sizes.k);
  for (var k = first; k < end; k++) {
    let left = a[k * m4 + id.y];
    let right = four(k, id.x, n4);
    sum_0 += left.x * right;
    sum_1 += left.y * right;
    sum_2 += left.z * right;
    sum_3 += left.w * right;
  }
//#end
//#else
//#for j in 0..4
  let column_{{j}} = min(column + {{j}}u, sizes.n - 1u);
//#end
  for (var k = 0u; k < sizes.k; k++) {
//#if FLOATS
    let b_k = k * sizes.b_k;
    let right = vec4<f32>(
      b[b_k + column_0 * sizes.b_n], b[b_k + column_1 * sizes.b_n],
      b[b_k + column_2 * sizes.b_n], b[b_k + column_3 * sizes.b_n]
    );
//#else
//#if NT
    let right = vec4<f32>(
      one(column_0, k, sizes.k), one(column_1, k, sizes.k),
      one(column_2, k, sizes.k), one(column_3, k, sizes.k)
    );
//#else
    let right = vec4<f32>(
      one(k, column_0, sizes.n), one(k, column_1, sizes.n),
      one(k, column_2, sizes.n), one(k, column_3, sizes.n)
    );
//#end
//#end
//#for i in 0..4
    sum_{{i}} += a[row_{{i}} * sizes.a_m + k * sizes.a_k] * right;
//#end
  }
//#end
//#for i in 0..4
  sum_{{i}} *= sizes.alpha;
//#end

//#if LOW
//#if NT
  let plane = column / sizes.plane;
//#if VEC
  let within = column % sizes.plane;
//#end
//#end
//#for p in 0..LOW
//#if NT
  if (plane == {{p}}u) {
//#else
  {
//#end
//#for i in 0..4
    var low_{{i}} = vec4<f32>(0.0);
//#end
    for (var r = 0u; r < sizes.rank{{p}}; r++) {
//#if VEC
//#if NT
      let right = vec4<f32>(
        up{{p}}[within * sizes.rank{{p}} + r], up{{p}}[(within + 1u) * sizes.rank{{p}} + r],
        up{{p}}[(within + 2u) * sizes.rank{{p}} + r], up{{p}}[(within + 3u) * sizes.rank{{p}} + r]
      );
//#else
      let right = up{{p}}[r * n4 + id.x];
//#end
//#else
      let up_r = r * sizes.up_r;
      let right = vec4<f32>(
        up{{p}}[up_r + column_0 * sizes.up_n], up{{p}}[up_r + column_1 * sizes.up_n],
        up{{p}}[up_r + column_2 * sizes.up_n], up{{p}}[up_r + column_3 * sizes.up_n]
      );
//#end
//#for i in 0..4
      low_{{i}} += low[row_{{i}} * sizes.ranks + sizes.first{{p}} + r] * right;
//#end
    }
//#for i in 0..4
    sum_{{i}} += sizes.beta{{p}} * low_{{i}};
//#end
  }
//#end
//#end

//#if VEC
//#if NT
  let plane4 = sizes.plane / 4u;
  let y_at = (id.x / plane4) * (sizes.stride / 4u) + id.x % plane4;
  let y_row = plane4;
//#else
//#if TN
  let y_at = id.z * sizes.m * n4 + id.x;
//#else
  let y_at = id.x;
//#end
  let y_row = n4;
//#end
//#end
//#for i in 0..4
  if (row + {{i}}u < sizes.m) {
//#if VEC
    let at_{{i}} = y_at + (row + {{i}}u) * y_row;
//#if RESIDUAL
    sum_{{i}} += residual[at_{{i}}];
//#end
//#if GATE
    pass_gate(at_{{i}}, sum_{{i}});
//#else
    y[at_{{i}}] = sum_{{i}};
//#end
//#else
    let at_{{i}} = (row + {{i}}u) * sizes.n + column;
//#for j in 0..4
    if (column + {{j}}u < sizes.n) {
//#if RESIDUAL
      y[at_{{i}} + {{j}}u] = sum_{{i}}[{{j}}] + residual[at_{{i}} + {{j}}u];
//#else
      y[at_{{i}} + {{j}}u] = sum_{{i}}[{{j}}];
//#end
    }
//#end
//#end
  }
//#end
}
