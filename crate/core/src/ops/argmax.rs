//! The likeliest of each row's numbers.

use burn::tensor::{Int, Tensor};

use super::{
    Context,
    gpu::{self, family::Family},
};

/// The place of the greatest number of each row, the first of equal ones: `x` is `[rows, width]`. Returns
/// `[rows]`.
pub fn argmax(x: Tensor<2>, context: &Context) -> Tensor<1, Int> {
    if context.has_gpu_kernel_of(Family::Generation, &x) {
        return gpu::argmax::argmax(x.without_autodiff());
    }
    let rows = x.dims()[0];
    x.argmax(1).reshape([rows])
}
