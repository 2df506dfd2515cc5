// Rows of a matrix as floats, such as those of the embedding: y[i] = b[ids[i]]. b is of floats, or packed into
// words (`right.wgsl`, which goes with this file), with a scale for each row where those are of INT8.
//
//   b [rows, 4 · width] (with VEC; else [rows, width]), ids [count] → y [count, a row of b]
//
// With VEC four numbers go at a time; of what is packed they always do, and a row's number divides by four.
//
// Grid: ⌈count · width / 64⌉ workgroups of 64 threads, a thread a number, or four of them.

struct Sizes {
  count: u32,
  width: u32,
};

//#if VEC
alias T = vec4<f32>;
//#else
alias T = f32;
//#end

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
@group(0) @binding({{next}}) var<storage, read_write> ids: array<u32>;
@group(0) @binding({{next}}) var<storage, read_write> y: array<T>;
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  if (place >= sizes.count * sizes.width) {
    return;
  }
  let row = ids[place / sizes.width];
  let column = place % sizes.width;
//#if VEC
//#if INT8
  y[place] = four(row, column, sizes.width) * scales[row];
//#else
  y[place] = four(row, column, sizes.width);
//#end
//#else
  y[place] = b[row * sizes.width + column];
//#end
}
