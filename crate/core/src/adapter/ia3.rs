//! (IA)³ (Liu et al. 2022, arXiv:2205.05638), as peft computes it: trained vectors that scale what
//! comes out of a linear map, or what goes into it where the map ends a feed-forward layer.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::{
    config::{Keys, object},
    kind::{Beginning, Cost, Kind, LinearMap, Settings},
    peft::Reader,
    targets::{list, targets},
};
use crate::{
    config::{RunConfig, TargetModule},
    error::Result,
    model::{
        BaseModel, T5,
        beside::{Beside, BesideMap},
        parameter::{Parameter, Parameters},
    },
    ops::{self, Context, Weight},
};

/// The vectors of all adapted maps, by the maps' paths.
#[derive(Clone, Debug)]
pub struct Ia3Adapter {
    /// Which maps it scales, as peft records them.
    pub config: Ia3Config,
    /// By module path, such as `encoder.block.0.layer.0.SelfAttention.k`.
    pub layers: BTreeMap<String, Ia3Layer>,
}

/// What peft records of an (IA)³ (its `IA3Config`).
#[derive(Clone, Debug, PartialEq)]
pub struct Ia3Config {
    /// The base it belongs to.
    pub base: BaseModel,
    /// Which linear maps.
    pub target_modules: Vec<TargetModule>,
    /// Those of them whose input is scaled instead of what comes out.
    pub feedforward_modules: Vec<TargetModule>,
}

/// What scales one linear map.
#[derive(Clone, Debug)]
pub enum Ia3Layer {
    /// What goes in, `[1, inputs]`.
    Input(Tensor<2>),
    /// What comes out, `[outputs, 1]`.
    Output(Tensor<2>),
}

/// The maps whose input is scaled: those that end a feed-forward layer.
const FEED_FORWARD: [&str; 1] = ["wo"];

impl Ia3Config {
    /// Whether the input of the map at this path is scaled. As in peft, any end of the path will do,
    /// not whole parts of it alone.
    fn scales_input(&self, module: &str) -> bool {
        self.feedforward_modules.iter().any(|name| module.ends_with(name.as_str()))
    }

    /// The shape of what scales a map.
    fn shape(&self, module: &str, [outputs, inputs]: [usize; 2]) -> [usize; 2] {
        if self.scales_input(module) { [1, inputs] } else { [outputs, 1] }
    }

    /// What a run of this configuration records.
    fn of(config: &RunConfig, base: BaseModel) -> Self {
        let target_modules = config.target_modules();
        let ends = |target: &&TargetModule| {
            FEED_FORWARD.iter().any(|name| target.as_str().rsplit('.').next() == Some(name))
        };
        let feedforward_modules = target_modules.iter().filter(ends).cloned().collect();
        Ia3Config { base, target_modules, feedforward_modules }
    }
}

impl Ia3Layer {
    fn new(config: &Ia3Config, module: &str, values: Tensor<2>) -> Self {
        match config.scales_input(module) {
            true => Ia3Layer::Input(values),
            false => Ia3Layer::Output(values),
        }
    }
}

impl BesideMap for Ia3Layer {
    fn forward(&self, x: Tensor<2>, weight: &Weight, context: &Context) -> Tensor<2> {
        match self {
            Ia3Layer::Input(scale) => ops::linear::linear(x * scale.clone(), weight, context),
            Ia3Layer::Output(scale) => {
                ops::linear::linear(x, weight, context) * scale.clone().transpose()
            }
        }
    }
}

impl Kind for Ia3Adapter {
    type Settings = Ia3Config;

    const PREFIX: &'static str = "base_model.model.";

    fn settings(&self) -> &Ia3Config {
        &self.config
    }

    /// Every scale begins as one, which changes nothing.
    fn fresh(beginning: &Beginning<'_>, model: &T5, config: &RunConfig) -> Result<Self> {
        let config = Ia3Config::of(config, beginning.base.clone());
        let mut layers = BTreeMap::new();
        for linear in targets(model, &config.target_modules)? {
            let shape = config.shape(&linear.name, linear.weight.dims());
            let ones = Tensor::ones(shape, model.device().burn());
            let layer = Ia3Layer::new(&config, &linear.name, ones);
            layers.insert(linear.name, layer);
        }
        Ok(Ia3Adapter { config, layers })
    }

    async fn read(reader: &Reader<'_>, config: Ia3Config) -> Result<Self> {
        let mut layers = BTreeMap::new();
        for linear in reader.targets(&config.target_modules)? {
            let shape = config.shape(&linear.name, linear.weight.dims());
            let name = format!("{}{}.ia3_l", Self::PREFIX, linear.name);
            let layer = Ia3Layer::new(&config, &linear.name, reader.matrix(&name, shape).await?);
            layers.insert(linear.name, layer);
        }
        reader.nothing_else(layers.len())?;
        Ok(Ia3Adapter { config, layers })
    }

    fn take_over(&mut self, config: &mut RunConfig) {
        config.method.target_modules = Some(self.config.target_modules.clone());
    }

    fn merged(&self, module: &str, weight: &Weight) -> Option<Tensor<2>> {
        let (Ia3Layer::Input(scale) | Ia3Layer::Output(scale)) = self.layers.get(module)?;
        Some(weight.dense() * scale.clone())
    }

    fn title(_config: &RunConfig) -> String {
        "(IA)³".to_owned()
    }

    fn describe(config: &RunConfig) -> String {
        format!("(IA)³ on {}", list(&config.target_modules()))
    }

    /// Kept is what the scale is multiplied with.
    fn cost(config: &RunConfig, map: &LinearMap) -> Cost {
        if !config.stands_beside(&map.name) {
            return Cost::default();
        }
        let settings = Ia3Config::of(config, BaseModel::default());
        let keeps_input = settings.scales_input(&map.name);
        let shape = settings.shape(&map.name, [map.outputs, map.inputs]);
        let kept_a_row = if keeps_input { 0 } else { map.outputs };
        Cost { shapes: vec![shape.to_vec()], keeps_input, kept_a_row }
    }
}

impl Beside for Ia3Adapter {
    fn map(&self, name: &str) -> Option<&dyn BesideMap> {
        self.layers.get(name).map(|layer| layer as &dyn BesideMap)
    }
}

impl Parameters for Ia3Adapter {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        for (name, layer) in &mut self.layers {
            let (Ia3Layer::Input(scale) | Ia3Layer::Output(scale)) = layer;
            visit(&format!("{name}.ia3_l"), Parameter::Matrix(scale));
        }
    }
}

impl Settings for Ia3Config {
    const PEFT_TYPE: &'static str = "IA3";

    fn read(keys: &Keys<'_>) -> Result<Self> {
        keys.refuse("exclude_modules")?;
        keys.refuse("fan_in_fan_out")?;
        keys.expect_task()?;
        keys.fields.flag("init_ia3_weights")?;
        let (key, target_modules) = ("feedforward_modules", keys.target_modules("target_modules")?);
        let feedforward_modules = match keys.fields.get(key) {
            // What peft takes for a T5 that names none.
            None => FEED_FORWARD.iter().filter_map(|name| TargetModule::new(name)).collect(),
            Some(Value::Array(names)) if names.is_empty() => Vec::new(),
            Some(_) => {
                let names = keys.target_modules(key)?;
                if let Some(name) = names.iter().find(|name| !target_modules.contains(name)) {
                    let expected = "some of `target_modules`";
                    return Err(keys.unsupported(key, format!("`{name}`"), expected));
                }
                names
            }
        };
        Ok(Ia3Config { base: keys.base()?, target_modules, feedforward_modules })
    }

    fn base(&self) -> &BaseModel {
        &self.base
    }

    fn keys(&self) -> Map<String, Value> {
        object(json!({
            "exclude_modules": null,
            "fan_in_fan_out": false,
            "feedforward_modules": self.feedforward_modules,
            "init_ia3_weights": true,
            "target_modules": self.target_modules,
        }))
    }
}
