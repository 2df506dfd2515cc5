// Puts up to seven rows of words (numbers of 32 bits) one after the other into one, from number `to` on, each in a slot that is
// a multiple of 64 long; zeros fill it.
//
//   s0 … s6 [length0 … length6] → y [≥ to + all slots]
//
// A source that is not there is any buffer with a length of 0.
//
// Grid: ⌈all slots / 64⌉ workgroups of 64 threads, a thread a number.

struct Sizes {
  to: u32,
//#for i in 0..7
  length{{i}}: u32,
//#end
};

//#for i in 0..7
@group(0) @binding({{i}}) var<storage, read_write> s{{i}}: array<u32>;
//#end
@group(0) @binding(7) var<storage, read_write> y: array<u32>;
@group(0) @binding(8) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let place = (group.y * groups.x + group.x) * 64u + local.x;
  var first = 0u;
//#for i in 0..7
  let slot{{i}} = (sizes.length{{i}} + 63u) / 64u * 64u;
  if (place >= first && place < first + slot{{i}}) {
    var value = 0u;
    if (place - first < sizes.length{{i}}) {
      value = s{{i}}[place - first];
    }
    y[sizes.to + place] = value;
  }
  first += slot{{i}};
//#end
}
