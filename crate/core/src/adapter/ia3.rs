//! (IA)³ (Liu et al. 2022, arXiv:2205.05638), as peft computes it: trained vectors that scale what
//! comes out of a linear map, or what goes into it where the map ends a feed-forward layer.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Tensor;
use serde_json::{Map, Value, json};

use super::{
    config::{Keys, object},
    kind::{AdapterKind, AdapterSettings, Beginning, Cost, LinearMap},
    peft::Reader,
    targets::{Chosen, Matcher, Names, PatternBudget, Targets, at, list, targets},
};
use crate::{
    config::RunConfig,
    error::{Result, short},
    model::{
        BaseModel, T5,
        beside::{Beside, BesideMap},
        linear::Linear,
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
    pub targets: Targets,
    /// Those of them whose input is scaled instead of what comes out. As in peft, a name of a list is
    /// any end of a path here, not whole parts of it alone.
    pub feedforward: Names,
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
const FEED_FORWARD: &str = "wo";

/// What peft trains of a T5 where no maps are named.
const DEFAULT_TARGETS: [&str; 3] = ["k", "v", "wo"];

impl Ia3Config {
    /// What a run of this configuration records.
    fn of(config: &RunConfig, base: BaseModel) -> Self {
        let targets = Targets::from(config.target_modules());
        let feedforward = feedforward_of(&targets.names);
        Ia3Config { base, targets, feedforward }
    }

    /// Whether the input of the map at this path is scaled, of a list of names.
    fn scales_input(&self, module: &str) -> bool {
        matches!(&self.feedforward, Names::List(names) if names.iter().any(|name| module.ends_with(name)))
    }

    /// The same for these maps, and as peft has it in its file: names that are among the targets'.
    fn settle(
        &mut self,
        model: &T5,
        chosen: &Chosen,
        budget: &mut PatternBudget,
    ) -> Result<(), String> {
        let pattern = match &self.feedforward {
            Names::Pattern(_) => Some(Matcher::new(&self.feedforward, budget)?),
            // A list with this one name: peft knows no other meaning of it here.
            Names::AllLinear => {
                self.feedforward = Names::List(vec!["all-linear".to_owned()]);
                None
            }
            Names::List(_) => None,
        };
        let mut scaled = Vec::new();
        for map in &chosen.maps {
            let scales = match &pattern {
                Some(pattern) => pattern.matches(&map.name)?,
                None => self.scales_input(&map.name),
            };
            if scales {
                scaled.push(map.name.clone());
            }
        }
        self.targets = self.targets.settled(model, chosen);
        let Names::List(targets) = &self.targets.names else { return Ok(()) };
        let kept = match &self.feedforward {
            Names::List(names) => {
                names.iter().filter(|name| targets.contains(name)).cloned().collect()
            }
            Names::Pattern(_) | Names::AllLinear => Vec::new(),
        };
        self.feedforward = Names::List(kept);
        let same = |map: &Linear| scaled.contains(&map.name) == self.scales_input(&map.name);
        if !chosen.maps.iter().all(same) {
            self.targets = Targets::paths(chosen);
            self.feedforward = Names::List(scaled);
        }
        Ok(())
    }
}

/// Those of the targets' names that end feed-forward layers.
fn feedforward_of(targets: &Names) -> Names {
    let ends = |name: &&String| name.rsplit('.').next() == Some(FEED_FORWARD);
    match targets {
        Names::List(names) => Names::List(names.iter().filter(ends).cloned().collect()),
        Names::Pattern(_) | Names::AllLinear => Names::List(vec![FEED_FORWARD.to_owned()]),
    }
}

/// The shape of what scales a map.
fn shape(scales_input: bool, [outputs, inputs]: [usize; 2]) -> [usize; 2] {
    if scales_input { [1, inputs] } else { [outputs, 1] }
}

impl Ia3Layer {
    fn new(scales_input: bool, values: Tensor<2>) -> Self {
        match scales_input {
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

impl AdapterKind for Ia3Adapter {
    type Settings = Ia3Config;

    const PREFIX: &'static str = "base_model.model.";

    fn settings(&self) -> &Ia3Config {
        &self.config
    }

    /// Every scale begins as one, which changes nothing.
    fn fresh(beginning: &Beginning<'_>, model: &T5, config: &RunConfig) -> Result<Self> {
        let config = Ia3Config::of(config, beginning.base.clone());
        let mut layers = BTreeMap::new();
        for linear in targets(model, &config.targets.modules())? {
            let scales_input = config.scales_input(&linear.name);
            let shape = shape(scales_input, linear.weight.dims());
            let ones = Tensor::ones(shape, model.device().burn());
            layers.insert(linear.name, Ia3Layer::new(scales_input, ones));
        }
        Ok(Ia3Adapter { config, layers })
    }

    async fn read(reader: &Reader<'_>, mut config: Ia3Config) -> Result<Self> {
        let mut budget = PatternBudget::default();
        let chosen = reader.choose(&config.targets, &mut budget)?;
        config
            .settle(reader.model, &chosen, &mut budget)
            .map_err(|message| reader.fault(at("feedforward_modules")(message)))?;
        let (mut layers, mut names) = (BTreeMap::new(), BTreeSet::new());
        for map in &chosen.maps {
            let scales_input = config.scales_input(&map.name);
            let shape = shape(scales_input, map.weight.dims());
            let name = format!("{}{}.ia3_l", Self::PREFIX, map.name);
            let values = reader.matrix(&name, shape).await?;
            layers.insert(map.name.clone(), Ia3Layer::new(scales_input, values));
            names.insert(name);
        }
        reader.nothing_else(&names).await?;
        Ok(Ia3Adapter { config, layers })
    }

    fn take_over(&mut self, config: &mut RunConfig) {
        config.method.target_modules = Some(self.config.targets.modules());
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
        let shape = shape(keeps_input, [map.outputs, map.inputs]);
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

impl AdapterSettings for Ia3Config {
    const PEFT_TYPE: &'static str = "IA3";

    fn read(keys: &Keys<'_>) -> Result<Self> {
        keys.expect_any_text_task()?;
        // Of a map whose weight lies as T5's do, peft turns it off itself.
        keys.fields.flag("fan_in_fan_out")?;
        keys.fields.flag("init_ia3_weights")?;
        let (key, targets) = ("feedforward_modules", keys.targets(&DEFAULT_TARGETS, false)?);
        let feedforward = match (keys.names(key)?, &targets.names) {
            (None, names) => feedforward_of(names),
            (Some(Names::List(names)), Names::List(all)) => {
                if let Some(name) = names.iter().find(|name| !all.contains(name)) {
                    let expected = "some of `target_modules`";
                    return Err(keys.unsupported(key, format!("`{}`", short(name)), expected));
                }
                Names::List(names)
            }
            (Some(names), _) => names,
        };
        Ok(Ia3Config { base: keys.base()?, targets, feedforward })
    }

    fn base(&self) -> &BaseModel {
        &self.base
    }

    fn targets(&self) -> Option<&Targets> {
        Some(&self.targets)
    }

    fn keys(&self) -> Map<String, Value> {
        object(json!({
            "exclude_modules": self.targets.excluded.as_ref().map(Names::value),
            "fan_in_fan_out": false,
            "feedforward_modules": self.feedforward.value(),
            "init_ia3_weights": true,
            "target_modules": self.targets.names.value(),
        }))
    }
}
