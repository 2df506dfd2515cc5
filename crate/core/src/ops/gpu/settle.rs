//! What a step comes to, on the device that made it.

use burn::{backend::Cube, tensor::Tensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{SETTLE, SQUARE_SUMS};

use super::{Launch, buffer, count, empty};

/// Parts of a row whose squares are summed at once.
const PARTS: usize = 64;

/// From each batch's part of the loss, `[1]`, the gradients as rows, what the step before came to, and the
/// greatest norm (0 for none): `[4]` of the loss, the norm of all gradients, what they are to be multiplied by,
/// and 1 where nothing may change, else 0.
///
/// # Panics
/// Where there is nothing, or it is not on a GPU.
pub fn settle(
    losses: Vec<Tensor<1>>,
    gradients: &[Tensor<1>],
    before: Option<Tensor<1>>,
    limit: f64,
) -> Tensor<1> {
    let losses = match <[Tensor<1>; 1]>::try_from(losses) {
        Ok([loss]) => buffer(loss),
        Err(losses) => buffer(Tensor::cat(losses, 0)),
    };
    let squares = empty(&losses, [gradients.len() * PARTS]);
    for (row, gradient) in gradients.iter().enumerate() {
        let gradient = buffer(gradient.clone());
        let all = count(&gradient);
        let launch = Launch::new(&SQUARE_SUMS).read(&gradient).write(&squares);
        let launch = launch.size(all).size(all.div_ceil(PARTS)).size(row * PARTS);
        launch.run([PARTS as u32, 1, 1]);
    }
    let numbers = empty(&losses, [4]);
    let before: Option<CubeTensor> = before.map(buffer);
    let launch = Launch::new(&SETTLE).read(&losses).read(&squares);
    let launch = launch.maybe(before.as_ref()).write(&numbers);
    let launch = launch.size(count(&losses)).size(count(&squares));
    launch.size(usize::from(before.is_some())).number(limit as f32).run([1, 1, 1]);
    Tensor::from_primitive::<Cube>(numbers)
}
