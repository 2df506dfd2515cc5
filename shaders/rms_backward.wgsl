// The gradient of RMS norm's input: dx = scale · (dy ∘ w) − x · scale³ · mean(dy ∘ w ∘ x), a row at a time; with
// RESIDUAL + residual, which is what comes back past the norm.
//
//   x, dy (, residual) [rows, width], w [width], scales [rows] → dx [rows, width]
//
// Grid and workgroup memory are those of `row_sum.wgsl`, which goes with this file.

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
fn term(first: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var column = lane; column < sizes.width; column += 64u) {
    sum += dy[first + column] * w[column] * x[first + column];
  }
  return sum;
}

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
  let scale = scales[row];
  let back = scale * scale * scale * (row_sum(first, lane) / f32(sizes.width));
  for (var column = lane; column < sizes.width; column += LANES) {
    let change = scale * dy[first + column] * w[column] - back * x[first + column];
//#if RESIDUAL
    dx[first + column] = change + residual[first + column];
//#else
    dx[first + column] = change;
//#end
  }
}
