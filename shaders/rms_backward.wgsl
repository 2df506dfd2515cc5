// The gradient of RMS norm's input: dx = scale · (dy ∘ w) − x · scale³ · mean(dy ∘ w ∘ x), a row at a time; with
// RESIDUAL + residual, which is what comes back past the norm.
//
//   x, dy (, residual) [rows, width], w [width], scales [rows] → dx [rows, width]
//
// With ALONE a thread does a row, without workgroup memory, and adds in the same order, as in `rms_norm`.
//
// Grid: a workgroup of 64 threads for each row, and 288 bytes of workgroup memory; ALONE: ⌈rows / 64⌉ workgroups.

struct Sizes {
  rows: u32,
  width: u32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> dy: array<f32>;
//#if RESIDUAL
@group(0) @binding(4) var<storage, read_write> residual: array<f32>;
//#end
@group(0) @binding({{RESIDUAL+4}}) var<storage, read_write> dx: array<f32>;
@group(0) @binding({{RESIDUAL+5}}) var<uniform> sizes: Sizes;

// Every 64th product of a row.
fn products(first: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var column = lane; column < sizes.width; column += 64u) {
    sum += dy[first + column] * w[column] * x[first + column];
  }
  return sum;
}

// Writes the gradient of one number.
fn put(first: u32, column: u32, scale: f32, back: f32) {
  let change = scale * dy[first + column] * w[column] - back * x[first + column];
//#if RESIDUAL
  dx[first + column] = change + residual[first + column];
//#else
  dx[first + column] = change;
//#end
}

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
      part += products(first, lane);
    }
    sum += part;
  }
  let scale = scales[row];
  let back = scale * scale * scale * (sum / f32(sizes.width));
  for (var column = 0u; column < sizes.width; column++) {
    put(first, column, scale, back);
  }
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
  sums[lane] = products(first, lane);
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
  let scale = scales[row];
  let back = scale * scale * scale * (sum / f32(sizes.width));
  for (var column = lane; column < sizes.width; column += 64u) {
    put(first, column, scale, back);
  }
}
//#end
