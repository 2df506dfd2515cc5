// The gradient of the logits, in their own place:
// dy · ((1 + 2 · z · lse) · softmax(logits) − (1 − s) · onehot(label) − s / words), 0 where the label is
// masked (−1). With SHARED all tokens have one dy, which is multiplied by `scale`: a mean's.
//
//   logits [tokens, words], labels, log_sums (lse) [tokens], dy [tokens], or [1] → logits
//
// Grid: ⌈words / 64⌉ × tokens workgroups of 64 threads, a thread a number.

struct Sizes {
  tokens: u32,
  words: u32,
  smoothing: f32,
  z_loss: f32,
//#if SHARED
  scale: f32,
//#end
};

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> labels: array<f32>;
@group(0) @binding(2) var<storage, read_write> log_sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> dy: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let word = id.x;
  if (word >= sizes.words) {
    return;
  }
  for (var token = id.y; token < sizes.tokens; token += groups.y) {
    let at = token * sizes.words + word;
    let label = labels[token];
    var gradient = 0.0;
    if (label >= 0.0) {
      let lse = log_sums[token];
      gradient = (1.0 + 2.0 * sizes.z_loss * lse) * exp(logits[at] - lse);
      gradient -= sizes.smoothing / f32(sizes.words);
      if (word == u32(label)) {
        gradient -= 1.0 - sizes.smoothing;
      }
    }
//#if SHARED
    logits[at] = gradient * (dy[0] * sizes.scale);
//#else
    logits[at] = gradient * dy[token];
//#end
  }
}
