// The gradients of the matrices of low-rank products beside LOW maps of one input:
// dA[r, k] = Σ_m dlow[m, first + r] · x[m, k] and dB[n, r] = scale · Σ_m dy[m, n] · low[m, first + r].
//
//   x [m, k], low, dlow [m, ranks], dy [planes, m, n] → y: of each map dA [rank, k] from number `to_a` on, dB
//   [n, rank] from `to_b` on
//
// k and n divide by four. A thread makes four numbers that lie side by side in x or dy.
//
// Grid: ⌈ranks · (k + n) / 256⌉ workgroups of 64 threads.

struct Sizes {
  m: u32,
  n: u32,
  k: u32,
  ranks: u32,
  stride: u32,
//#for p in 0..LOW
  first{{p}}: u32,
  rank{{p}}: u32,
  scale{{p}}: f32,
  to_a{{p}}: u32,
  to_b{{p}}: u32,
//#end
};

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> low: array<f32>;
@group(0) @binding(2) var<storage, read_write> dlow: array<f32>;
@group(0) @binding(3) var<storage, read_write> dy: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  let k4 = sizes.k / 4u;
  let n4 = sizes.n / 4u;
  let r = place / (k4 + n4);
  let within = place % (k4 + n4);
//#for p in 0..LOW
  if (r >= sizes.first{{p}} && r < sizes.first{{p}} + sizes.rank{{p}}) {
    var sum = vec4<f32>(0.0);
    if (within < k4) {
      for (var row = 0u; row < sizes.m; row++) {
        sum += dlow[row * sizes.ranks + r] * x[row * k4 + within];
      }
      let at = sizes.to_a{{p}} + (r - sizes.first{{p}}) * sizes.k + 4u * within;
//#for j in 0..4
      y[at + {{j}}u] = sum[{{j}}];
//#end
    } else {
      let of_dy = {{p}}u * (sizes.stride / 4u) + within - k4;
      for (var row = 0u; row < sizes.m; row++) {
        sum += low[row * sizes.ranks + r] * dy[of_dy + row * n4];
      }
      let at = sizes.to_b{{p}} + 4u * (within - k4) * sizes.rank{{p}} + r - sizes.first{{p}};
//#for j in 0..4
      y[at + {{j}}u * sizes.rank{{p}}] = sizes.scale{{p}} * sum[{{j}}];
//#end
    }
  }
//#end
}
