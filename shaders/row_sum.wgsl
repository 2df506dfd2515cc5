// The sum over a row, by a workgroup of 64 threads or, with ALONE, by one thread, in the same order. Goes with other
// files, whose `term` sums what a lane has of the row: every 64th number.
//
// ALONE is for devices to which a workgroup with barriers is dear: software.
//
// Grid: a workgroup of 64 threads for each row, and 288 bytes of workgroup memory; ALONE: ⌈rows / 64⌉ workgroups of
// 64 threads, and none.

//#if ALONE
// Threads of a row.
const LANES: u32 = 1u;

// The row of a thread of a workgroup.
fn row_of(group: u32, thread: u32) -> u32 {
  return 64u * group + thread;
}

// Which of its row's threads it is.
fn lane_of(thread: u32) -> u32 {
  return 0u;
}

fn row_sum(first: u32, lane: u32) -> f32 {
  var sum = 0.0;
  for (var eighth = 0u; eighth < 64u; eighth += 8u) {
    var part = 0.0;
    for (var other = eighth; other < eighth + 8u; other++) {
      part += term(first, other);
    }
    sum += part;
  }
  return sum;
}
//#else
const LANES: u32 = 64u;

var<workgroup> sums: array<f32, 64>;
var<workgroup> eighths: array<f32, 8>;

fn row_of(group: u32, thread: u32) -> u32 {
  return group;
}

fn lane_of(thread: u32) -> u32 {
  return thread;
}

fn row_sum(first: u32, lane: u32) -> f32 {
  sums[lane] = term(first, lane);
  workgroupBarrier();
  if (lane < 8u) {
    var part = 0.0;
//#for i in 0..8
    part += sums[8u * lane + {{i}}u];
//#end
    eighths[lane] = part;
  }
  workgroupBarrier();
  var sum = 0.0;
//#for i in 0..8
  sum += eighths[{{i}}];
//#end
  return sum;
}
//#end
