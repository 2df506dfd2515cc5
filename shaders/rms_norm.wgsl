// RMS norm: y = x · scale · w with scale = 1 / √(mean(x²) + ε), a row at a time; the scale is kept for the
// backward pass.
//
//   x [rows, width], w [width] → y [rows, width], scales [rows]
//
// Grid: a workgroup of 64 threads for each row; 256 bytes of workgroup memory.

struct Sizes {
  rows: u32,
  width: u32,
  epsilon: f32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> scales: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> sums: array<f32, 64>;

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
  var sum = 0.0;
  for (var column = lane; column < sizes.width; column += 64u) {
    let value = x[first + column];
    sum += value * value;
  }
  sums[lane] = sum;
  workgroupBarrier();
//#for half in 32,16,8,4,2,1
  if (lane < {{half}}u) {
    sums[lane] += sums[lane + {{half}}u];
  }
  workgroupBarrier();
//#end
  let scale = 1.0 / sqrt(sums[0] / f32(sizes.width) + sizes.epsilon);
  for (var column = lane; column < sizes.width; column += 64u) {
    y[first + column] = x[first + column] * scale * w[column];
  }
  if (lane == 0u) {
    scales[row] = scale;
  }
}
