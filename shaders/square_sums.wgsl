// Sums of squares of the parts of a row of numbers: sums[to + p] = Σ of x² over part p.
//
//   x [count] → sums [≥ to + parts]
//
// Grid: a workgroup of 64 threads for each part; 256 bytes of workgroup memory.

struct Sizes {
  count: u32,
  part: u32,
  to: u32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> lanes: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let lane = local.x;
  let first = group.x * sizes.part;
  let end = min(first + sizes.part, sizes.count);
  var sum = 0.0;
  for (var place = first + lane; place < end; place += 64u) {
    sum += x[place] * x[place];
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
    sums[sizes.to + group.x] = lanes[0];
  }
}
