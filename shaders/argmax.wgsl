// The place of the greatest number of each row, the first of equal ones; what is not a number is passed over.
//
//   x [rows, width] → places [rows]
//
// Grid: a workgroup of 64 threads for each row; 512 bytes of workgroup memory.

struct Sizes {
  rows: u32,
  width: u32,
};

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> places: array<u32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

var<workgroup> values: array<f32, 64>;
var<workgroup> columns: array<u32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let row = group.y * groups.x + group.x;
  if (row >= sizes.rows) {
    return;
  }
  let thread = local.x;
  var most = -3.4028234e38;
  var at = 0u;
  for (var column = thread; column < sizes.width; column += 64u) {
    let value = x[row * sizes.width + column];
    if (value > most) {
      most = value;
      at = column;
    }
  }
  values[thread] = most;
  columns[thread] = at;
  workgroupBarrier();
  if (thread == 0u) {
    for (var other = 1u; other < 64u; other++) {
      let value = values[other];
      if (value > most || (value == most && columns[other] < at)) {
        most = value;
        at = columns[other];
      }
    }
    places[row] = at;
  }
}
