//! LoRA (Hu et al. 2021), with the scale of rsLoRA (Kalajdzievski 2023) and the magnitudes of DoRA
//! (Liu et al. 2024), as peft computes them.
//!
//! `y = x · Wᵀ + s · (x · Aᵀ) · Bᵀ`: two small products beside the frozen one. `W + s · B · A` is
//! never formed in training, and the frozen weight never gets a gradient.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Tensor, TensorData};

use super::config::{LoraConfig, TARGETS};
use crate::{
    error::{Error, Result},
    model::{
        T5,
        linear::Linear,
        parameter::{Parameter, Parameters},
        pass::Pass,
    },
    ops::{self, Weight},
    rng::{Purpose, Random},
};

/// The matrices of all adapted maps, by the maps' names.
#[derive(Clone, Debug)]
pub struct LoraAdapter {
    /// Its rank, scale and targets, as peft records them.
    pub config: LoraConfig,
    /// By module path, such as `encoder.block.0.layer.0.SelfAttention.q`.
    pub layers: BTreeMap<String, LoraLayer>,
}

/// The matrices beside one linear map.
#[derive(Clone, Debug)]
pub struct LoraLayer {
    /// A, `[rank, inputs]`.
    pub a: Tensor<2>,
    /// B, `[outputs, rank]`.
    pub b: Tensor<2>,
    /// α/r or α/√r.
    pub scale: f64,
    /// DoRA's part.
    pub dora: Option<Dora>,
}

/// What DoRA adds to a layer.
#[derive(Clone, Debug)]
pub struct Dora {
    /// The magnitude of each output's weight vector, `[outputs]`; trained.
    pub magnitude: Tensor<1>,
    /// The squared norm of each row of the frozen weight, `[outputs]`.
    base_squared: Tensor<1>,
}

impl LoraAdapter {
    /// A fresh adapter: A uniform in ±1/√inputs (Kaiming with a = √5, as peft), B zero, DoRA's
    /// magnitudes the norms of the frozen rows. [`Error::Setting`] where no map has a target's name.
    pub fn initialise(model: &mut T5, config: LoraConfig, seed: u64) -> Result<Self> {
        let (rank, device) = (config.r, model.device().burn().clone());
        let mut layers = BTreeMap::new();
        let linears = targets(model, &config)?;
        for (place, linear) in linears.into_iter().enumerate() {
            let [outputs, inputs] = linear.weight.dims();
            let mut random = Random::new(seed, Purpose::Initialise, 0, place as u64);
            let bound = 1.0 / (inputs as f64).sqrt();
            let a: Vec<f32> = (0..rank * inputs)
                .map(|_| ((2.0 * random.uniform_f64() - 1.0) * bound) as f32)
                .collect();
            let a = Tensor::from_data(TensorData::new(a, [rank, inputs]), &device);
            let b = Tensor::zeros([outputs, rank], &device);
            let dora = config.use_dora.then(|| Dora::of(&linear.weight));
            let layer = LoraLayer { a, b, scale: config.scale(), dora };
            layers.insert(linear.name, layer);
        }
        Ok(LoraAdapter { config, layers })
    }
}

/// The linear maps of the model that the configuration names, in the order of the walk.
pub(super) fn targets(model: &mut T5, config: &LoraConfig) -> Result<Vec<Linear>> {
    let mut linears = Vec::new();
    model.visit(&mut |name, parameter| {
        let module = name.strip_suffix(".weight").unwrap_or(name);
        let last = module.rsplit('.').next().unwrap_or(module);
        if let (true, Parameter::Weight(weight)) = (TARGETS.contains(&last), parameter) {
            linears.push(Linear { name: module.to_owned(), weight: weight.clone() });
        }
    });
    for target in &config.target_modules {
        let suffix = format!(".{target}");
        let named = |linear: &Linear| linear.name == *target || linear.name.ends_with(&suffix);
        if !linears.iter().any(named) {
            let names: BTreeSet<&str> =
                linears.iter().filter_map(|linear| linear.name.rsplit('.').next()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("the model has no `{target}`; it has {names}");
            return Err(Error::setting("target_modules", message));
        }
    }
    linears.retain(|linear| config.targets(&linear.name));
    Ok(linears)
}

impl LoraLayer {
    /// `x`: `[rows, inputs]`, `weight`: `[outputs, inputs]`. Returns `[rows, outputs]`.
    pub fn forward(&self, x: Tensor<2>, weight: &Weight, pass: &Pass) -> Tensor<2> {
        if self.dora.is_none() && !pass.drops_lora() {
            return ops::linear::lora(x, weight, &self.a, &self.b, self.scale, pass);
        }
        let dropped = pass.lora_dropout(x.clone());
        let base = ops::linear::linear(x, weight, pass);
        let low = dropped.clone().matmul(self.a.clone().transpose()) * self.scale;
        let up = low.matmul(self.b.clone().transpose());
        let Some(dora) = &self.dora else {
            return base + up;
        };
        let ratio = self.ratio(dora, weight);
        if pass.drops_lora() {
            // As peft: the magnitude acts on the product of the dropped input.
            let frozen = ops::linear::linear(dropped, weight, pass);
            base + frozen * (ratio.clone() - 1.0) + up * ratio
        } else {
            (base + up) * ratio
        }
    }

    /// The magnitude over the norm of each row of `W + s · B · A`, `[1, outputs]`. The norm counts
    /// as a constant in the backward pass (section 4.3 of the DoRA paper), and comes from
    /// `‖w‖² + 2s · w·(BA) + s² · ‖BA‖²` so that no dense sum is made.
    fn ratio(&self, dora: &Dora, weight: &Weight) -> Tensor<2> {
        let (a, b) = (self.a.clone().without_autodiff(), self.b.clone().without_autodiff());
        let mixed = weight.dense().matmul(a.clone().transpose()) * b.clone();
        let own = b.clone().matmul(a.clone().matmul(a.transpose())) * b;
        let squared = dora.base_squared.clone().unsqueeze_dim::<2>(1)
            + mixed.sum_dim(1) * (2.0 * self.scale)
            + own.sum_dim(1) * (self.scale * self.scale);
        let norm = squared.clamp_min(0.0).sqrt().squeeze_dim::<1>(1);
        (dora.magnitude.clone() / norm).unsqueeze()
    }

    /// The weight that does alone what the frozen one and this do together, `[outputs, inputs]`.
    pub fn merged(&self, weight: &Weight) -> Tensor<2> {
        let sum = weight.dense() + self.b.clone().matmul(self.a.clone()) * self.scale;
        match &self.dora {
            None => sum,
            Some(dora) => sum * self.ratio(dora, weight).transpose(),
        }
    }
}

impl Dora {
    /// The magnitudes that change nothing: the norms of the frozen rows.
    pub fn of(weight: &Weight) -> Self {
        let base_squared = weight.dense().square().sum_dim(1).squeeze_dim::<1>(1);
        Dora { magnitude: base_squared.clone().sqrt(), base_squared }
    }

    /// Trained magnitudes beside a frozen weight.
    pub fn with(magnitude: Tensor<1>, weight: &Weight) -> Self {
        Dora { magnitude, ..Dora::of(weight) }
    }
}

impl Parameters for LoraAdapter {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        for (name, layer) in &mut self.layers {
            visit(&format!("{name}.lora_A.weight"), Parameter::Matrix(&mut layer.a));
            visit(&format!("{name}.lora_B.weight"), Parameter::Matrix(&mut layer.b));
            if let Some(dora) = &mut layer.dora {
                let name = format!("{name}.lora_magnitude_vector");
                visit(&name, Parameter::Vector(&mut dora.magnitude));
            }
        }
    }
}
