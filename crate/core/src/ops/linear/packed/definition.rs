//! The map in plain tensors.

use burn::{
    backend::{
        Backend, Dispatch, TensorMetadata,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{FloatDType, Shape, Slice, Tensor, TensorData},
};

use super::operands;
use crate::ops::packed::{Format, Packed, int4::BLOCK};

/// How a float is made of bits: a sign, an exponent, and a fraction.
#[derive(Clone, Copy)]
struct Float {
    exponent: u32,
    fraction: u32,
}

const SINGLE: Float = Float { exponent: 8, fraction: 23 };
const HALF: Float = Float { exponent: 5, fraction: 10 };

/// The map in plain tensors.
pub fn linear_definition(x: Tensor<2>, weight: &Packed) -> Tensor<2> {
    x.matmul(definition(weight).transpose())
}

/// The weight as floats, in plain tensors.
pub fn definition(weight: &Packed) -> Tensor<2> {
    let (words, scales) = operands(weight);
    let Packed { format, columns, .. } = *weight;
    Tensor::from_dispatch(unpacked::<Dispatch>(words, scales, format, columns))
}

/// The numbers of all words times their scales.
pub(super) fn unpacked<B: Backend>(
    words: IntTensor<B>,
    scales: IntTensor<B>,
    format: Format,
    columns: usize,
) -> FloatTensor<B> {
    let rows = words.shape()[0];
    let numbers = fields::<B>(words, format.bits(), columns);
    let (scales, block) = match format {
        Format::F16 => return floats::<B>(numbers, HALF),
        Format::Int8 => (floats::<B>(scales, SINGLE), columns),
        Format::Int4 => {
            let scales = fields::<B>(scales, 16, columns / BLOCK);
            (floats::<B>(scales, HALF), BLOCK)
        }
    };
    let blocks = rows * columns / block.max(1);
    let numbers = B::int_reshape(numbers, Shape::new([blocks, block]));
    let numbers = B::int_into_float(numbers, FloatDType::F32);
    let numbers = B::float_mul(numbers, B::float_reshape(scales, Shape::new([blocks, 1])));
    B::float_reshape(numbers, Shape::new([rows, columns]))
}

/// The first `columns` numbers of so many bits in each row of words, from the lowest on, with their signs.
fn fields<B: Backend>(words: IntTensor<B>, bits: usize, columns: usize) -> IntTensor<B> {
    let shape = words.shape();
    let (rows, width) = (shape[0], shape[1]);
    let fields = 32 / bits;
    let field = |place: usize| {
        let above = 32 - bits - bits * place;
        let high = B::bitwise_left_shift_scalar(words.clone(), (above as i32).into());
        let field = B::bitwise_right_shift_scalar(high, (32 - bits as i32).into());
        B::int_reshape(field, Shape::new([rows, width, 1]))
    };
    let all = B::int_cat((0..fields).map(field).collect(), 2);
    let all = B::int_reshape(all, Shape::new([rows, fields * width]));
    B::int_slice(all, &[Slice::from(0..rows), Slice::from(0..columns)])
}

/// The floats of these bits: `(1 + fraction) · 2^exponent`, and without the 1 where the exponent's bits are
/// all zero. None is infinite.
fn floats<B: Backend>(bits: IntTensor<B>, of: Float) -> FloatTensor<B> {
    let shape = bits.shape();
    let (device, all) = (bits.device(), shape.num_elements());
    let bits = B::int_reshape(bits, Shape::new([all]));
    // By sign and exponent.
    let exponents = 1u32 << of.exponent;
    let table = |value: &dyn Fn(bool, i32) -> f32| {
        let signs = [false, true].into_iter();
        let all = signs.flat_map(|sign| (0..exponents as i32).map(move |bits| (sign, bits)));
        let values: Vec<f32> = all.map(|(sign, bits)| value(sign, bits)).collect();
        let length = values.len();
        B::float_from_data(TensorData::new(values, [length]), &device)
    };
    let bias = exponents as i32 / 2 - 1;
    let power = table(&|sign, bits| {
        let power = f32::powi(2.0, bits.max(1) - bias);
        if sign { -power } else { power }
    });
    let one = table(&|_, bits| if bits == 0 { 0.0 } else { 1.0 });
    let place = B::bitwise_right_shift_scalar(bits.clone(), (of.fraction as i32).into());
    let place = B::bitwise_and_scalar(place, (2 * exponents as i32 - 1).into());
    let fraction = B::bitwise_and_scalar(bits, ((1i32 << of.fraction) - 1).into());
    let fraction = B::int_into_float(fraction, FloatDType::F32);
    let fraction = B::float_mul_scalar(fraction, f32::powi(2.0, -(of.fraction as i32)).into());
    let significand = B::float_add(fraction, B::float_select(one, 0, place.clone()));
    let values = B::float_mul(significand, B::float_select(power, 0, place));
    B::float_reshape(values, shape)
}
