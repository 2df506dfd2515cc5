// The gradient of RMS norm's input: dx = scale · (dy ∘ w) − x · scale³ · mean(dy ∘ w ∘ x), a row at a time; with
// RESIDUAL + residual, which is what comes back past the norm.
//
//   x, dy (, residual) [rows, width], w [width], scales [rows] → dx [rows, width]
//
// Grid: a workgroup of 64 threads for each row; 256 bytes of workgroup memory.

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
    sum += dy[first + column] * w[column] * x[first + column];
  }
  sums[lane] = sum;
  workgroupBarrier();
//#for half in 32,16,8,4,2,1
  if (lane < {{half}}u) {
    sums[lane] += sums[lane + {{half}}u];
  }
  workgroupBarrier();
//#end
  let scale = scales[row];
  let back = scale * scale * scale * (sums[0] / f32(sizes.width));
  for (var column = lane; column < sizes.width; column += 64u) {
    let change = scale * dy[first + column] * w[column] - back * x[first + column];
//#if RESIDUAL
    dx[first + column] = change + residual[first + column];
//#else
    dx[first + column] = change;
//#end
  }
}
