// What a step comes to, before anything is changed: its loss, the norm of all gradients together, what clipping
// multiplies them by (as torch's `clip_grad_norm_`), and whether nothing may change: 1 where the loss or the
// norm is not finite, or where that was so in the step before.
//
//   losses [losses], squares [squares], before [4] → numbers [4]: loss, norm, scale, failed
//
// Grid: one workgroup of 64 threads; 512 bytes of workgroup memory.

struct Sizes {
  losses: u32,
  squares: u32,
  has_before: u32,
  limit: f32,
};

@group(0) @binding(0) var<storage, read_write> losses: array<f32>;
@group(0) @binding(1) var<storage, read_write> squares: array<f32>;
@group(0) @binding(2) var<storage, read_write> before: array<f32>;
@group(0) @binding(3) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> lanes: array<vec2<f32>, 64>;

// By its bits: compilers may take for granted that a float is finite.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_id) local: vec3<u32>) {
  let lane = local.x;
  var sum = vec2<f32>(0.0);
  for (var place = lane; place < sizes.losses; place += 64u) {
    sum.x += losses[place];
  }
  for (var place = lane; place < sizes.squares; place += 64u) {
    sum.y += squares[place];
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
    let loss = lanes[0].x;
    let norm = sqrt(lanes[0].y);
    var scale = 1.0;
    if (sizes.limit > 0.0) {
      scale = min(sizes.limit / (norm + 1e-6), 1.0);
    }
    var failed = 0.0;
    if (!is_finite(loss) || !is_finite(norm)) {
      failed = 1.0;
    }
    if (sizes.has_before != 0u) {
      failed = max(failed, before[3]);
    }
    numbers[0] = loss;
    numbers[1] = norm;
    numbers[2] = scale;
    numbers[3] = failed;
  }
}
