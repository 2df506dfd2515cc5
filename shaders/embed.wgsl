// Rows of the embedding: y[i] = weight[ids[i]]; with INT8 its integers, four in a word, times the row's scale.
//
//   weight [tokens, width] (INT8: words [tokens, width / 4], scales [tokens]), ids [count] → y [count, width]
//
// With VEC four numbers go at a time; with INT8 they always do, and the width divides by four.
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

//#if INT8
@group(0) @binding({{next}}) var<storage, read_write> weight: array<u32>;
@group(0) @binding({{next}}) var<storage, read_write> scales: array<f32>;
//#else
@group(0) @binding({{next}}) var<storage, read_write> weight: array<T>;
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
  let id = ids[place / sizes.width];
  let column = place % sizes.width;
//#if INT8
  let word = i32(weight[id * sizes.width + column]);
  let integers = (vec4<i32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
  y[place] = vec4<f32>(integers) * scales[id];
//#else
  y[place] = weight[id * sizes.width + column];
//#end
}
