// How the right side of a product is read, and the embedding: `b`, a matrix in rows. Goes with other files, which
// bind it, and `scales` where there are any.
//
//   FLOATS  as it lies
//   INT8    four integers in a word, the first in the lowest bits; a scale for each row, which whoever reads
//           fours multiplies in
//   INT4    eight in a word, with a scale for each 32 of a row, two 16-bit floats in a word; a row is whole blocks
//   F16     two 16-bit floats in a word

//#if INT4
// The scale of a block of a row, which has so many.
fn block_scale(row: u32, block: u32, blocks: u32) -> f32 {
  let pair = unpack2x16float(scales[row * ((blocks + 1u) / 2u) + block / 2u]);
  return select(pair.x, pair.y, block % 2u == 1u);
}

//#end
//#if VEC
// Four numbers of a row that lie side by side, the `at`-th four of so many in a row.
fn four(row: u32, at: u32, fours: u32) -> vec4<f32> {
//#if FLOATS
  return b[row * fours + at];
//#end
//#if INT8
  let word = i32(b[row * fours + at]);
  return vec4<f32>((vec4<i32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
//#end
//#if INT4
  let word = i32(b[(row * fours + at) / 2u] >> (16u * (at % 2u)));
  let integers = (vec4<i32>(word) << vec4<u32>(28u, 24u, 20u, 16u)) >> vec4<u32>(28u);
  return vec4<f32>(integers) * block_scale(row, at / 8u, fours / 8u);
//#end
//#if F16
  let words = b[row * fours + at];
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
//#end
}
//#else
//#if !FLOATS
// One number of a row of so many.
fn one(row: u32, column: u32, columns: u32) -> f32 {
//#if INT8
  let word = i32(b[row * ((columns + 3u) / 4u) + column / 4u]);
  return f32((word << (24u - 8u * (column % 4u))) >> 24u) * scales[row];
//#end
//#if INT4
  let word = i32(b[row * (columns / 8u) + column / 8u]);
  let integer = (word << (28u - 4u * (column % 8u))) >> 28u;
  return f32(integer) * block_scale(row, column / 32u, columns / 32u);
//#end
//#if F16
  let pair = unpack2x16float(b[row * ((columns + 1u) / 2u) + column / 2u]);
  return select(pair.x, pair.y, column % 2u == 1u);
//#end
}
//#end
//#end
