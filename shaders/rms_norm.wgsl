// RMS norm: y = x · scale · w with scale = 1 / √(mean(x²) + ε), a row at a time; the scale is kept for the
// backward pass. With LOW also the inner numbers of the low-rank products beside as many maps of y, as `low_rank`
// makes them: low[row, first + r] = Σ_k y[row, k] · A[r, k].
//
//   x [rows, width], w [width] (, A [rank, width] of each map) → y [rows, width], scales [rows] (, low [rows, ranks])
//
// Each inner number is summed by `lanes` threads side by side, a power of two; `ranks` times it is 64 at most.
//
// Grid and workgroup memory are those of `row_sum.wgsl`, which goes with this file.

struct Sizes {
  rows: u32,
  width: u32,
  epsilon: f32,
//#if LOW
  ranks: u32,
  lanes: u32,
//#end
//#for p in 0..LOW
  first{{p}}: u32,
  rank{{p}}: u32,
//#end
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> scales: array<f32>;
//#for p in 0..LOW
@group(0) @binding({{p+4}}) var<storage, read_write> a{{p}}: array<f32>;
//#end
//#if LOW
@group(0) @binding({{LOW+4}}) var<storage, read_write> low: array<f32>;
@group(0) @binding({{LOW+5}}) var<uniform> sizes: Sizes;
//#else
@group(0) @binding(4) var<uniform> sizes: Sizes;
//#end

// The squares of every 64th number of a row.
fn term(first: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var column = lane; column < sizes.width; column += 64u) {
    let value = x[first + column];
    sum += value * value;
  }
  return sum;
}

//#for p in 0..LOW
// A thread's part of an inner number of a map.
fn inner_{{p}}(first: u32, scale: f32, r: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var column = lane; column < sizes.width; column += sizes.lanes) {
    sum += x[first + column] * scale * w[column] * a{{p}}[r * sizes.width + column];
  }
  return sum;
}

//#end
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let row = row_of(group.y * groups.x + group.x, local.x);
  if (row >= sizes.rows) {
    return;
  }
  let lane = lane_of(local.x);
  let first = row * sizes.width;
  let scale = 1.0 / sqrt(row_sum(first, lane) / f32(sizes.width) + sizes.epsilon);
  for (var column = lane; column < sizes.width; column += LANES) {
    y[first + column] = x[first + column] * scale * w[column];
  }
  if (lane == 0u) {
    scales[row] = scale;
  }
//#if LOW
//#if ALONE
//#for p in 0..LOW
  for (var r = 0u; r < sizes.rank{{p}}; r++) {
    var inner = 0.0;
    for (var other = 0u; other < sizes.lanes; other++) {
      inner += inner_{{p}}(first, scale, r, other);
    }
    low[row * sizes.ranks + sizes.first{{p}} + r] = inner;
  }
//#end
//#else
  let r = lane / sizes.lanes;
  var part = 0.0;
//#for p in 0..LOW
  if (r >= sizes.first{{p}} && r < sizes.first{{p}} + sizes.rank{{p}}) {
    part = inner_{{p}}(first, scale, r - sizes.first{{p}}, lane % sizes.lanes);
  }
//#end
  sums[lane] = part;
  workgroupBarrier();
  if (lane % sizes.lanes == 0u && r < sizes.ranks) {
    var inner = 0.0;
    for (var other = 0u; other < sizes.lanes; other++) {
      inner += sums[lane + other];
    }
    low[row * sizes.ranks + r] = inner;
  }
//#end
//#end
}
