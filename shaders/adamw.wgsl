// A step of AdamW (Loshchilov and Hutter 2017), as torch has it, over one row of numbers:
// g = gradient · scale; m = β₁ · m + (1 − β₁) · g; v = β₂ · v + (1 − β₂) · g²;
// p = p · keep − size · m / (√v · root + ε). Where `failed` is not 0 nothing changes.
//
//   values, gradient [count], first (m), second (v) [count] in place, numbers [4] as `settle` has them: scale is
//   the third, failed the fourth → y [count]
//
// Grid: ⌈count / 64⌉ workgroups of 64 threads, a thread a number.

struct Sizes {
  count: u32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  keep: f32,
  size: f32,
  root: f32,
  epsilon: f32,
};

@group(0) @binding(0) var<storage, read_write> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> first: array<f32>;
@group(0) @binding(3) var<storage, read_write> second: array<f32>;
@group(0) @binding(4) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  if (place >= sizes.count) {
    return;
  }
  let before = values[place];
  if (numbers[3] != 0.0) {
    y[place] = before;
    return;
  }
  let g = gradient[place] * numbers[2];
  let m = sizes.beta1 * first[place] + sizes.rest1 * g;
  let v = sizes.beta2 * second[place] + sizes.rest2 * g * g;
  first[place] = m;
  second[place] = v;
  y[place] = before * sizes.keep - sizes.size * (m / (sqrt(v) * sizes.root + sizes.epsilon));
}
