//! The likeliest of each row's numbers, found on the GPU.

use burn::{
    backend::Cube,
    tensor::{DType, Int, Tensor},
};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::ARGMAX;

use super::{Launch, buffer, dims, empty, groups};

/// The place of the greatest number of each row, the first of equal ones: `x` is `[rows, width]`. Returns
/// `[rows]`.
///
/// # Panics
/// Where the tensor is not on a GPU.
pub fn argmax(x: Tensor<2>) -> Tensor<1, Int> {
    let x = buffer(x);
    let [rows, width] = dims(&x);
    let places = CubeTensor { dtype: DType::I32, ..empty(&x, [rows]) };
    let launch = Launch::new(&ARGMAX).read(&x).write(&places).size(rows).size(width);
    launch.run(groups(rows, 1));
    Tensor::from_primitive::<Cube>(places)
}
