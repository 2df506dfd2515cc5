//! On GPUs, until there are shaders: dequantized, then a product.

use burn::backend::{
    Cube, TensorMetadata,
    ops::FloatTensorOps,
    tensor::{FloatTensor, IntTensor},
};

use super::{Int8Map, unpacked};

impl Int8Map for Cube {
    fn int8_dense(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        unpacked::<Self>(words, scales, columns)
    }

    fn int8_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let columns = x.shape()[1];
        let weight = unpacked::<Self>(words, scales, columns);
        Self::float_matmul(x, Self::float_transpose(weight))
    }

    fn int8_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        Self::float_matmul(gradient, unpacked::<Self>(words, scales, columns))
    }
}
