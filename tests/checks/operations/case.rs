//! An operation on chosen inputs: run in both its forms, and differentiated.

use std::fmt::Display;

use burn::tensor::{Device, Tensor, TensorData};
use flantune::{
    device::{self, is_gpu},
    ops::gpu::set_hostile,
    rng::{Purpose, Random},
};

use super::super::Failure;

/// Beyond this many inputs a finite difference has too few digits left.
const SMALL: usize = 256;
/// How far a finite difference goes to each side.
const STEP: f64 = 1e-2;
/// Directions in which the slope of each input is measured.
const DIRECTIONS: usize = 2;

/// Which form of the operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// What training runs: the kernel where there is one.
    Fused,
    /// Plain tensors.
    Definition,
}

/// Computes from inputs, each one row of numbers, one row of results.
type Operation = Box<dyn Fn(&[Tensor<1>], Form) -> Tensor<1>>;

/// An operation and its inputs.
pub(super) struct Case {
    name: String,
    inputs: Vec<Input>,
    operation: Operation,
    smooth: bool,
}

/// The numbers of a tensor, and whether it wants a gradient.
#[derive(Clone)]
pub(super) struct Input {
    values: Vec<f32>,
    tracked: bool,
}

/// Draws inputs.
pub(super) struct Draw(Random);

impl Draw {
    /// Numbers that are the same in every run.
    pub(super) fn new() -> Self {
        Draw(Random::new(0, Purpose::Synthetic, 0, 0))
    }

    pub(super) fn normal(&mut self, count: usize, deviation: f32) -> Vec<f32> {
        let mut values = vec![0.0; count];
        self.0.fill_normal(&mut values, 0.0, deviation);
        values
    }

    /// An input of normal numbers that wants a gradient.
    pub(super) fn tracked(&mut self, count: usize) -> Input {
        Input::tracked(self.normal(count, 1.0))
    }

    /// One that wants none.
    pub(super) fn frozen(&mut self, count: usize) -> Input {
        Input::new(self.normal(count, 1.0), false)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0.below(n as u64) as usize
    }
}

impl Input {
    pub(super) fn new(values: Vec<f32>, tracked: bool) -> Self {
        Input { values, tracked }
    }

    pub(super) fn tracked(values: Vec<f32>) -> Self {
        Input::new(values, true)
    }
}

impl Case {
    pub(super) fn new(
        name: impl Display,
        inputs: Vec<Input>,
        operation: impl Fn(&[Tensor<1>], Form) -> Tensor<1> + 'static,
    ) -> Self {
        let operation = Box::new(operation);
        Case { name: name.to_string(), inputs, operation, smooth: true }
    }

    /// A case whose gradient is not the slope of what is computed: something counts as constant, or
    /// vanishes in rounding.
    pub(super) fn not_smooth(self) -> Self {
        Case { smooth: false, ..self }
    }

    /// Whether there are few enough inputs for finite differences.
    pub(super) fn is_small(&self) -> bool {
        self.inputs.iter().map(|input| input.values.len()).sum::<usize>() <= SMALL
    }

    /// Fails unless both forms have the same results, to 1e-5, and the same gradients, to 1e-4, and
    /// the gradients are slopes. `definition` is the same case on another device.
    pub(super) async fn check(
        &self,
        definition: &Case,
        device: &Device,
        reference: &Device,
    ) -> Result<(), Failure> {
        let (y, gradients) = self.differentiate(Form::Fused, device).await?;
        // Of stale values, and of what one invocation reads while another writes it, other bits would come.
        set_hostile(is_gpu(device));
        let again = self.differentiate(Form::Fused, device).await;
        set_hostile(false);
        let again = again?;
        if (&y, &gradients) != (&again.0, &again.1) && y.iter().all(|number| number.is_finite()) {
            return Err(self.failure("a second run has other bits".to_owned()));
        }
        let (expected_y, expected) = definition.differentiate(Form::Definition, reference).await?;
        self.alike("the result", &y, &expected_y, 1e-5, greatest(&expected_y))?;
        // A gradient that is all rounding is as exact as those beside it.
        let all = expected.iter().map(|gradient| greatest(gradient)).fold(0.0, f64::max);
        for (index, (found, expected)) in gradients.iter().zip(&expected).enumerate() {
            let what = format!("the gradient of input {index}");
            self.alike(&what, found, expected, 1e-4, greatest(expected).max(all / 10.0))?;
        }
        match self.is_small() && self.smooth {
            true => self.slopes(&gradients, device).await,
            false => Ok(()),
        }
    }

    /// The results, and the gradient of each input (empty where none is wanted) of their sum with
    /// random weights.
    async fn differentiate(
        &self,
        form: Form,
        device: &Device,
    ) -> Result<(Vec<f32>, Vec<Vec<f32>>), Failure> {
        let tensors: Vec<Tensor<1>> = (self.inputs.iter())
            .map(|input| {
                let tensor = row(input.values.clone(), device);
                if input.tracked { tensor.autodiff().require_grad() } else { tensor }
            })
            .collect();
        let y = (self.operation)(&tensors, form);
        if !self.inputs.iter().any(|input| input.tracked) {
            return Ok((device::read(y).await?, Vec::new()));
        }
        let weights = row(weights(y.dims()[0]), device);
        let mut computed = (y.clone() * weights).sum().backward();
        let mut gradients = Vec::new();
        for (index, (tensor, input)) in tensors.iter().zip(&self.inputs).enumerate() {
            let gradient = tensor.grad_remove(&mut computed);
            gradients.push(match (input.tracked, gradient) {
                (true, Some(gradient)) => device::read(gradient).await?,
                (false, None) => Vec::new(),
                (true, None) => return Err(self.failure(format!("input {index}: no gradient"))),
                (false, Some(_)) => {
                    return Err(self.failure(format!("input {index}: a gradient nobody wants")));
                }
            });
        }
        Ok((device::read(y.without_autodiff()).await?, gradients))
    }

    /// Fails unless the gradients are what the weighted sum changes by along random directions.
    async fn slopes(&self, gradients: &[Vec<f32>], device: &Device) -> Result<(), Failure> {
        let mut draw = Draw::new();
        for (index, gradient) in gradients.iter().enumerate().filter(|(_, g)| !g.is_empty()) {
            for _ in 0..DIRECTIONS {
                let direction = draw.normal(gradient.len(), 1.0);
                let length = norm(&direction).max(1e-3);
                let moved = |by: f64| -> Vec<f32> {
                    let values = self.inputs[index].values.iter().zip(&direction);
                    values
                        .map(|(x, d)| (f64::from(*x) + by * f64::from(*d) / length) as f32)
                        .collect()
                };
                let (up, down) = (moved(STEP), moved(-STEP));
                // By how much the inputs really differ, after rounding.
                let expected: f64 = (gradient.iter().zip(up.iter().zip(&down)))
                    .map(|(g, (up, down))| f64::from(*g) * (f64::from(*up) - f64::from(*down)))
                    .sum();
                let found =
                    self.sum(index, up, device).await? - self.sum(index, down, device).await?;
                let limit = 2.0 * STEP * 2e-3 * (norm(gradient) + 0.1);
                let difference = (found - expected).abs();
                if difference > limit || difference.is_nan() {
                    return Err(self.failure(format!(
                        "along input {index} the sum changes by {found:e}, but by its gradient \
                         {expected:e}: {difference:e} away, {limit:e} allowed"
                    )));
                }
            }
        }
        Ok(())
    }

    /// The weighted sum of the results with other values for one input, added up in double
    /// precision.
    async fn sum(&self, index: usize, values: Vec<f32>, device: &Device) -> Result<f64, Failure> {
        let mut inputs = self.inputs.clone();
        inputs[index].values = values;
        let tensors: Vec<Tensor<1>> =
            inputs.into_iter().map(|input| row(input.values, device)).collect();
        let y = device::read((self.operation)(&tensors, Form::Fused)).await?;
        let weights = weights(y.len());
        Ok(y.iter().zip(weights).map(|(y, weight)| f64::from(*y) * f64::from(weight)).sum())
    }

    fn alike(
        &self,
        what: &str,
        found: &[f32],
        expected: &[f32],
        tolerance: f64,
        scale: f64,
    ) -> Result<(), Failure> {
        if found.len() != expected.len() {
            let lengths = format!("{} numbers, not {}", found.len(), expected.len());
            return Err(self.failure(format!("{what}: {lengths}")));
        }
        let limit = tolerance * scale.max(1e-2);
        for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
            let difference = (f64::from(*found) - f64::from(*expected)).abs();
            if difference > limit || difference.is_nan() {
                return Err(self.failure(format!(
                    "{what}: number {place} is {found}, not {expected}: {difference:e} away, \
                     {limit:e} allowed"
                )));
            }
        }
        Ok(())
    }

    fn failure(&self, message: String) -> Failure {
        format!("{}: {message}", self.name).into()
    }
}

fn row(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// What each result counts for.
fn weights(count: usize) -> Vec<f32> {
    let mut weights = vec![0.0; count];
    Random::new(0, Purpose::Synthetic, 0, 1).fill_normal(&mut weights, 0.0, 1.0);
    weights
}

fn greatest(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |most, value| f64::from(value.abs()).max(most))
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}
