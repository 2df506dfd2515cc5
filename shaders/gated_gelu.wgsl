// The gated GELU and its gradients: y = gelu(gate) ∘ value with
// gelu(a) = a/2 · (1 + t), t = tanh(√(2/π) · (a + 0.044715 · a³));
// with BACKWARD dgate = dy ∘ value ∘ gelu'(gate), dvalue = dy ∘ gelu(gate).
//
//   gate, value (, dy) → y (dgate, dvalue), all of one shape
//
// Grid: ⌈count / 64⌉ workgroups of 64 threads, a thread a number, or four of them with VEC.

struct Sizes {
  count: u32,
};

//#if VEC
alias T = vec4<f32>;
//#else
alias T = f32;
//#end

@group(0) @binding(0) var<storage, read_write> gate: array<T>;
@group(0) @binding(1) var<storage, read_write> value: array<T>;
//#if BACKWARD
@group(0) @binding(2) var<storage, read_write> dy: array<T>;
@group(0) @binding(3) var<storage, read_write> dgate: array<T>;
@group(0) @binding(4) var<storage, read_write> dvalue: array<T>;
@group(0) @binding(5) var<uniform> sizes: Sizes;
//#else
@group(0) @binding(2) var<storage, read_write> y: array<T>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
//#end

const ROOT: f32 = 0.7978845608028654;
const CUBIC: f32 = 0.044715;

// Some devices' tanh is a quotient of exponentials, which is not a number where they overflow; beyond
// ±10 it is ±1 in a float.
fn held(a: T) -> T {
  return tanh(clamp(ROOT * (a + CUBIC * a * a * a), T(-10.0), T(10.0)));
}

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
  let a = gate[place];
  let t = held(a);
//#if BACKWARD
  let slope = 0.5 * (1.0 + t) + 0.5 * a * (1.0 - t * t) * ROOT * (1.0 + 3.0 * CUBIC * a * a);
  let d = dy[place];
  dgate[place] = d * value[place] * slope;
  dvalue[place] = d * (0.5 * a * (1.0 + t));
//#else
  y[place] = 0.5 * a * (1.0 + t) * value[place];
//#end
}
