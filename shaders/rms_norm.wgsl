// RMS norm: y = x · scale · w with scale = 1 / √(mean(x²) + ε), a row at a time; the scale is kept for the
// backward pass. With LOW also the inner numbers of the low-rank products beside as many maps of y, as `low_rank`
// makes them: low[row, first + r] = Σ_k y[row, k] · A[r, k].
//
//   x [rows, width], w [width] (, A [rank, width] of each map) → y [rows, width], scales [rows] (, low [rows, ranks])
//
// Each inner number is summed by `lanes` threads side by side, a power of two; `ranks` times it is 64 at most.
//
// With ALONE a thread does a row, without workgroup memory, and adds in the same order: for devices to which a
// workgroup with barriers is dear, software first of all.
//
// Grid: a workgroup of 64 threads for each row, and 288 bytes of workgroup memory; ALONE: ⌈rows / 64⌉ workgroups.

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
fn squares(first: u32, lane: u32) -> f32 {
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
//#if ALONE
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let row = 64u * (group.y * groups.x + group.x) + local.x;
  if (row >= sizes.rows) {
    return;
  }
  let first = row * sizes.width;
  var sum = 0.0;
  for (var eighth = 0u; eighth < 64u; eighth += 8u) {
    var part = 0.0;
    for (var lane = eighth; lane < eighth + 8u; lane++) {
      part += squares(first, lane);
    }
    sum += part;
  }
  let scale = 1.0 / sqrt(sum / f32(sizes.width) + sizes.epsilon);
  for (var column = 0u; column < sizes.width; column++) {
    y[first + column] = x[first + column] * scale * w[column];
  }
  scales[row] = scale;
//#for p in 0..LOW
  for (var r = 0u; r < sizes.rank{{p}}; r++) {
    var inner = 0.0;
    for (var lane = 0u; lane < sizes.lanes; lane++) {
      inner += inner_{{p}}(first, scale, r, lane);
    }
    low[row * sizes.ranks + sizes.first{{p}} + r] = inner;
  }
//#end
}
//#else
var<workgroup> sums: array<f32, 64>;
var<workgroup> eighths: array<f32, 8>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let row = group.y * groups.x + group.x;
  if (row >= sizes.rows) {
    return;
  }
  let lane = local.x;
  let first = row * sizes.width;
  sums[lane] = squares(first, lane);
  workgroupBarrier();
  if (lane < 8u) {
    var part = 0.0;
//#for i in 0..8
    part += sums[8u * lane + {{i}}u];
//#end
    eighths[lane] = part;
  }
  workgroupBarrier();
  var sum = 0.0;
//#for i in 0..8
  sum += eighths[{{i}}];
//#end
  let scale = 1.0 / sqrt(sum / f32(sizes.width) + sizes.epsilon);
  for (var column = lane; column < sizes.width; column += 64u) {
    y[first + column] = x[first + column] * scale * w[column];
  }
  if (lane == 0u) {
    scales[row] = scale;
  }
//#if LOW
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
}
//#end
