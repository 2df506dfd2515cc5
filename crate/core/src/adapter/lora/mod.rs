//! LoRA (Hu et al. 2021), with the scale of rsLoRA (Kalajdzievski 2023) and the magnitudes of DoRA
//! (Liu et al. 2024), as peft computes them.
//!
//! `y = x · Wᵀ + s · (x · Aᵀ) · Bᵀ`: two small products beside the frozen one. `W + s · B · A` is
//! never formed in training, and the frozen weight never gets a gradient.

mod layer;
pub(super) mod settings;

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Tensor, TensorData};

pub use self::{
    layer::{Dora, LoraLayer},
    settings::{LoraConfig, LoraInit, MAX_RANK},
};
use super::{
    kind::{AdapterKind, Beginning, Cost, LinearMap},
    peft::Reader,
    targets::{PatternBudget, list, targets},
};
use crate::{
    config::{RunConfig, Variant},
    error::Result,
    model::{
        T5,
        beside::{Beside, BesideMap},
        parameter::{Parameter, Parameters},
    },
    ops::Weight,
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

impl LoraAdapter {
    /// A fresh adapter: A uniform in ±1/√inputs (Kaiming with a = √5, as peft), B zero, DoRA's
    /// magnitudes the norms of the frozen rows. [`Error::Setting`] where no map has a target's name.
    pub fn initialise(model: &T5, config: LoraConfig, seed: u64) -> Result<Self> {
        let (rank, device) = (config.r, model.device().burn().clone());
        let mut layers = BTreeMap::new();
        let linears = targets(model, &config.targets.modules())?;
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

impl AdapterKind for LoraAdapter {
    type Settings = LoraConfig;

    const PREFIX: &'static str = "base_model.model.";

    fn settings(&self) -> &LoraConfig {
        &self.config
    }

    fn fresh(beginning: &Beginning<'_>, model: &T5, config: &RunConfig) -> Result<Self> {
        let settings = LoraConfig {
            base: beginning.base.clone(),
            r: config.method.rank,
            alpha: config.alpha(),
            dropout: config.method.lora_dropout,
            targets: config.target_modules().into(),
            rank_pattern: Vec::new(),
            alpha_pattern: Vec::new(),
            use_rslora: config.method.variant == Variant::Rslora,
            use_dora: config.method.variant == Variant::Dora,
            init: LoraInit::Kaiming,
        };
        Self::initialise(model, settings, config.train.seed)
    }

    async fn read(reader: &Reader<'_>, mut config: LoraConfig) -> Result<Self> {
        let mut budget = PatternBudget::default();
        let chosen = reader.choose(&config.targets, &mut budget)?;
        let maps: Vec<&str> = chosen.maps.iter().map(|map| map.name.as_str()).collect();
        let of_maps =
            config.of_maps(&maps, &mut budget).map_err(|message| reader.fault(message))?;
        let (mut layers, mut names) = (BTreeMap::new(), BTreeSet::new());
        let (mut ranks, mut alphas) = (Vec::new(), Vec::new());
        for (map, (rank, alpha)) in chosen.maps.iter().zip(of_maps) {
            let [outputs, inputs] = map.weight.dims();
            let mut part = |part: &str| {
                let name = format!("{}{}.lora_{part}", Self::PREFIX, map.name);
                names.insert(name.clone());
                name
            };
            let a = reader.matrix(&part("A.weight"), [rank, inputs]).await?;
            let b = reader.matrix(&part("B.weight"), [outputs, rank]).await?;
            let dora = match config.use_dora {
                true => {
                    let magnitude = reader.vector(&part("magnitude_vector"), outputs).await?;
                    Some(Dora::with(magnitude, &map.weight))
                }
                false => None,
            };
            let layer = LoraLayer { a, b, scale: config.scale_of(rank, alpha), dora };
            layers.insert(map.name.clone(), layer);
            if rank != config.r {
                ranks.push((map.name.clone(), rank));
            }
            if alpha != config.alpha {
                alphas.push((map.name.clone(), alpha));
            }
        }
        reader.nothing_else(&names).await?;
        // From here on it is of this base: what is written names its maps.
        config.targets = config.targets.settled(reader.model, &chosen);
        (config.rank_pattern, config.alpha_pattern) = (ranks, alphas);
        Ok(LoraAdapter { config, layers })
    }

    fn take_over(&mut self, config: &mut RunConfig) {
        self.config.dropout = config.method.lora_dropout;
        config.method.rank = self.config.r;
        config.method.target_modules = Some(self.config.targets.modules());
        config.method.alpha = Some(self.config.alpha);
        config.method.variant = match (self.config.use_dora, self.config.use_rslora) {
            (true, _) => Variant::Dora,
            (_, true) => Variant::Rslora,
            _ => Variant::Plain,
        };
    }

    fn merged(&self, module: &str, weight: &Weight) -> Option<Tensor<2>> {
        self.layers.get(module).map(|layer| layer.merged(weight))
    }

    fn title(config: &RunConfig) -> String {
        format!("LoRA of rank {}", config.method.rank)
    }

    fn describe(config: &RunConfig) -> String {
        format!(
            "LoRA ({}) of rank {} and alpha {} on {}",
            config.method.variant,
            config.method.rank,
            config.alpha(),
            list(&config.target_modules())
        )
    }

    /// Its small product is kept, and with DoRA the sum before the magnitudes.
    fn cost(config: &RunConfig, map: &LinearMap) -> Cost {
        if !config.stands_beside(&map.name) {
            return Cost::default();
        }
        let (rank, dora) = (config.method.rank, config.method.variant == Variant::Dora);
        let mut shapes = vec![vec![rank, map.inputs], vec![map.outputs, rank]];
        if dora {
            shapes.push(vec![map.outputs]);
        }
        let kept_a_row = rank + if dora { map.outputs } else { 0 };
        Cost { shapes, keeps_input: true, kept_a_row }
    }
}

impl Beside for LoraAdapter {
    fn map(&self, name: &str) -> Option<&dyn BesideMap> {
        self.layers.get(name).map(|layer| layer as &dyn BesideMap)
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
