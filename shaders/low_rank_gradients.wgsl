// The gradients of the matrices of low-rank products beside LOW maps of a part of a block:
// dA[r, k] = Σ_m dlow[m, first + r] · x[m, k] and dB[n, r] = scale · Σ_m dy[m, n] · low[m, first + r].
//
// What a map's input is, is in `source`: 0 for the norm of x, with NORM, x[m, k] · scale[m] · w[k], which is not in
// memory; 1 for another sequence, with OTHER; 2 for what goes into the map back, with BACK. The gradients of what
// the first two make are in planes of one buffer, as `product` has them: those of a map begin at number `dy_at`.
//
//   inner: the norm's scales [m], and of maps of one input low and dlow [m, ranks], from numbers `low` and `dlow` on
//   (, x [m, k], w [k]) (, other [m, k]) (, planes) (, back [m, k], dback [m, n])
//   → y: of each map dA [rank, k] from number `to_a` on, dB [n, rank] from `to_b` on
//
// k and n divide by four. A thread makes four numbers that lie side by side in an input or in what comes back.
//
// Grid: ⌈Σ rank · (k + n) / 256⌉ workgroups of 64 threads.

struct Sizes {
//#for p in 0..LOW
  source{{p}}: u32,
  m{{p}}: u32,
  n{{p}}: u32,
  k{{p}}: u32,
  ranks{{p}}: u32,
  low{{p}}: u32,
  dlow{{p}}: u32,
  dy_at{{p}}: u32,
  first{{p}}: u32,
  rank{{p}}: u32,
  scale{{p}}: f32,
  to_a{{p}}: u32,
  to_b{{p}}: u32,
//#end
};

struct Map {
  source: u32,
  m: u32,
  n4: u32,
  k4: u32,
  ranks: u32,
  // Of its first rank in the first row.
  low: u32,
  dlow: u32,
  dy_at4: u32,
  rank: u32,
  scale: f32,
  to_a: u32,
  to_b: u32,
};

@group(0) @binding({{next}}) var<storage, read_write> inner: array<f32>;
//#if NORM
@group(0) @binding({{next}}) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding({{next}}) var<storage, read_write> w: array<vec4<f32>>;
//#end
//#if OTHER
@group(0) @binding({{next}}) var<storage, read_write> other: array<vec4<f32>>;
//#end
//#if NORM+OTHER
@group(0) @binding({{next}}) var<storage, read_write> planes: array<vec4<f32>>;
//#end
//#if BACK
@group(0) @binding({{next}}) var<storage, read_write> back: array<vec4<f32>>;
@group(0) @binding({{next}}) var<storage, read_write> dback: array<vec4<f32>>;
//#end
@group(0) @binding({{next}}) var<storage, read_write> y: array<f32>;
@group(0) @binding({{next}}) var<uniform> sizes: Sizes;

fn input(source: u32, row: u32, within: u32, k4: u32) -> vec4<f32> {
//#if NORM
  if (source == 0u) {
    return x[row * k4 + within] * inner[row] * w[within];
  }
//#end
//#if OTHER
  if (source == 1u) {
    return other[row * k4 + within];
  }
//#end
//#if BACK
  if (source == 2u) {
    return back[row * k4 + within];
  }
//#end
  return vec4<f32>(0.0);
}

fn comes_back(source: u32, at: u32) -> vec4<f32> {
//#if NORM+OTHER
  if (source < 2u) {
    return planes[at];
  }
//#end
//#if BACK
  if (source == 2u) {
    return dback[at];
  }
//#end
  return vec4<f32>(0.0);
}

// The numbers at `place` among those of one map.
fn gradient(map: Map, place: u32) {
  let r = place / (map.k4 + map.n4);
  let within = place % (map.k4 + map.n4);
  var sum = vec4<f32>(0.0);
  if (within < map.k4) {
    for (var row = 0u; row < map.m; row++) {
      sum += inner[map.dlow + row * map.ranks + r] * input(map.source, row, within, map.k4);
    }
    let at = map.to_a + 4u * (r * map.k4 + within);
//#for j in 0..4
    y[at + {{j}}u] = sum[{{j}}];
//#end
  } else {
    let of_dy = map.dy_at4 + within - map.k4;
    for (var row = 0u; row < map.m; row++) {
      sum += inner[map.low + row * map.ranks + r] * comes_back(map.source, of_dy + row * map.n4);
    }
    let at = map.to_b + 4u * (within - map.k4) * map.rank + r;
//#for j in 0..4
    y[at + {{j}}u * map.rank] = map.scale * sum[{{j}}];
//#end
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  var place = (group.y * groups.x + group.x) * 64u + local.x;
//#for p in 0..LOW
  let numbers_{{p}} = sizes.rank{{p}} * (sizes.k{{p}} + sizes.n{{p}}) / 4u;
  if (place < numbers_{{p}}) {
    gradient(
      Map(
        sizes.source{{p}}, sizes.m{{p}}, sizes.n{{p}} / 4u, sizes.k{{p}} / 4u, sizes.ranks{{p}},
        sizes.low{{p}} + sizes.first{{p}}, sizes.dlow{{p}} + sizes.first{{p}}, sizes.dy_at{{p}} / 4u,
        sizes.rank{{p}}, sizes.scale{{p}}, sizes.to_a{{p}}, sizes.to_b{{p}}
      ),
      place
    );
    return;
  }
  place -= numbers_{{p}};
//#end
}
