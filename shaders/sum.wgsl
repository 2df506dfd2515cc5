// The sum of numbers, times a factor: y[0] = scale · Σ x.
//
//   x [count] → y [1]
//
// Grid: one workgroup of 64 threads; 256 bytes of workgroup memory.

struct Sizes {
  count: u32,
  scale: f32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> lanes: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_id) local: vec3<u32>) {
  let lane = local.x;
  var sum = 0.0;
  for (var place = lane; place < sizes.count; place += 64u) {
    sum += x[place];
  }
  lanes[lane] = sum;
  workgroupBarrier();
//#for half in 32,16,8,4,2,1
  if (lane < {{half}}u) {
    lanes[lane] += lanes[lane + {{half}}u];
  }
  workgroupBarrier();
//#end
  if (lane == 0u) {
    y[0] = sizes.scale * lanes[0];
  }
}
