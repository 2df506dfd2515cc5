// The loss of each token: lse − (1 − s) · logits[label] − s · mean(logits) + z · lse², with
// lse = log Σ exp(logits) and the smoothing s; 0 where the label is masked (−1).
//
//   logits [tokens, words], labels [tokens] → losses [tokens], log_sums (lse) [tokens]
//
// Grid: a workgroup of 64 threads for each token; 512 bytes of workgroup memory.

struct Sizes {
  tokens: u32,
  words: u32,
  smoothing: f32,
  z_loss: f32,
};

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> labels: array<f32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> log_sums: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

var<workgroup> sums: array<f32, 64>;
var<workgroup> others: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let token = group.y * groups.x + group.x;
  if (token >= sizes.tokens) {
    return;
  }
  let lane = local.x;
  let first = token * sizes.words;
  var most = -3.4e38;
  var total = 0.0;
  for (var word = lane; word < sizes.words; word += 64u) {
    let value = logits[first + word];
    most = max(most, value);
    total += value;
  }
  sums[lane] = most;
  others[lane] = total;
  workgroupBarrier();
//#for half in 32,16,8,4,2,1
  if (lane < {{half}}u) {
    sums[lane] = max(sums[lane], sums[lane + {{half}}u]);
    others[lane] += others[lane + {{half}}u];
  }
  workgroupBarrier();
//#end
  most = sums[0];
  total = others[0];
  workgroupBarrier();
  var sum = 0.0;
  for (var word = lane; word < sizes.words; word += 64u) {
    sum += exp(logits[first + word] - most);
  }
  sums[lane] = sum;
  workgroupBarrier();
//#for half in 32,16,8,4,2,1
  if (lane < {{half}}u) {
    sums[lane] += sums[lane + {{half}}u];
  }
  workgroupBarrier();
//#end
  if (lane == 0u) {
    let label = labels[token];
    let lse = most + log(sums[0]);
    var loss = 0.0;
    if (label >= 0.0) {
      let right = logits[first + min(u32(label), sizes.words - 1u)];
      loss = lse - (1.0 - sizes.smoothing) * right;
      loss -= sizes.smoothing * (total / f32(sizes.words));
      loss += sizes.z_loss * lse * lse;
    }
    losses[token] = loss;
    log_sums[token] = lse;
  }
}
