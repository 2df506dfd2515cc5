// The gradient of RMS norm's weight, dw = Σ over rows of dy ∘ x · scale, in parts of the rows that
// `sum_parts` adds up in their order.
//
//   x, dy [rows, width], scales [rows] → parts [parts, width]
//
// Grid: ⌈width / 64⌉ × parts workgroups of 64 threads, a thread a column.

struct Sizes {
  rows: u32,
  width: u32,
  part: u32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> scales: array<f32>;
@group(0) @binding(2) var<storage, read_write> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
) {
  let column = id.x;
  if (column >= sizes.width) {
    return;
  }
  let first = group.y * sizes.part;
  let end = min(first + sizes.part, sizes.rows);
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    let at = row * sizes.width + column;
    sum += dy[at] * x[at] * scales[row];
  }
  parts[group.y * sizes.width + column] = sum;
}
