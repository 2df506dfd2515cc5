//! What a run would be, before it begins: what it trains, in how many steps, in how much memory.

use serde::Serialize;

use super::{
    epochs::Count,
    memory::{Demand, Estimate, estimate},
};
use crate::{
    adapter::{LinearMap, cost, describe, title, virtual_tokens},
    config::{Method, RunConfig, TargetModule},
    error::Result,
    model::config::{T5Config, expected_tensors},
    text::dataset::part_of,
};

/// A run before it begins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The run's configuration, every default written out. A front end shows it in its own form.
    #[serde(skip)]
    pub config: RunConfig,
    /// What it trains, in as few words as a list has room for.
    pub title: String,
    /// The same in full.
    pub description: String,
    /// The names that `target_modules` can have in this model, or in FLAN-T5 where none is given.
    pub modules: Vec<String>,
    /// What is trained of the model; none where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Trainable>,
    /// The memory that it takes; none where no model is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Estimate>,
    /// How long it is; none where no rows are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Length>,
}

/// What is trained of a model, or beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trainable {
    /// Numbers that the optimizer changes.
    pub trainable: u64,
    /// The numbers of the base.
    pub base: u64,
    /// The one divided by the other.
    pub share: f64,
    /// Numbers of each virtual token, and how many there are; none without a soft prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<SoftPrompt>,
    /// The matrices that something is trained beside, those of one name and shape together.
    pub matrices: Vec<Matrices>,
}

/// A soft prompt's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SoftPrompt {
    /// How many virtual tokens there are.
    pub tokens: usize,
    /// Numbers of each.
    pub width: usize,
}

/// Matrices of a model that have one name and one shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matrices {
    /// The last part of their names, such as `q`.
    pub module: String,
    /// How many there are.
    pub count: usize,
    /// Numbers that come out of each.
    pub outputs: usize,
    /// Numbers that go into each.
    pub inputs: usize,
    /// Numbers that are trained beside each.
    pub trainable: usize,
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Length {
    /// Optimizer steps of the whole run, unless it ends early.
    pub steps: usize,
    /// Examples of a step.
    pub examples_per_step: usize,
    /// Training examples, if no row is left out.
    pub examples: usize,
    /// Validation examples, if no row is left out.
    pub validation_examples: usize,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// In the file of training rows.
    pub train: usize,
    /// In the file of validation rows, where there is one.
    pub validation: Option<usize>,
}

impl Plan {
    /// Of a run of this configuration; on a device and a model of this shape, on so many rows, as far
    /// as they are known.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) as [`RunConfig::validate`].
    pub fn of(
        config: &RunConfig,
        model: Option<(&T5Config, &Demand)>,
        rows: Option<Rows>,
    ) -> Result<Self> {
        let given = config;
        let config = given.resolve()?;
        let memory = model.map(|(model, demand)| estimate(model, demand));
        let layout = match model {
            Some((model, _)) => model.clone(),
            None => T5Config::flan("small")?,
        };
        Ok(Self {
            title: title(&config),
            description: describe(&config),
            modules: modules(&layout),
            parameters: model
                .zip(memory)
                .map(|((model, _), memory)| trainable(&config, model, &memory)),
            memory,
            length: rows.map(|rows| length(given, rows)),
            config,
        })
    }
}

/// The linear maps of a model, by name.
fn maps(model: &T5Config) -> impl Iterator<Item = (TargetModule, LinearMap)> {
    expected_tensors(model, true).into_iter().filter_map(|(name, shape)| {
        let (name, &[outputs, inputs]) = (name.strip_suffix(".weight")?, &shape[..]) else {
            return None;
        };
        let module = TargetModule::new(name.rsplit('.').next()?)?;
        Some((module, LinearMap { name: name.to_owned(), inputs, outputs }))
    })
}

fn modules(model: &T5Config) -> Vec<String> {
    let mut modules: Vec<String> = Vec::new();
    for (module, _) in maps(model) {
        if !modules.iter().any(|known| known == module.as_str()) {
            modules.push(module.as_str().to_owned());
        }
    }
    modules
}

fn trainable(config: &RunConfig, model: &T5Config, memory: &Estimate) -> Trainable {
    let trainable = memory.trainable_parameters;
    let beside = if config.method.method == Method::Full { 0 } else { trainable };
    let base = memory.total_parameters - beside;
    let tokens = virtual_tokens(config);
    let mut matrices: Vec<Matrices> = Vec::new();
    for (module, map) in maps(model) {
        let cost = cost(config, &map);
        if !cost.is_trained() {
            continue;
        }
        let found = Matrices {
            module: module.as_str().to_owned(),
            count: 1,
            outputs: map.outputs,
            inputs: map.inputs,
            trainable: cost.numbers(),
        };
        match matrices.iter_mut().find(|known| Matrices { count: 1, ..(*known).clone() } == found) {
            Some(known) => known.count += 1,
            None => matrices.push(found),
        }
    }
    Trainable {
        trainable,
        base,
        share: trainable as f64 / base as f64,
        prompt: (tokens > 0).then_some(SoftPrompt { tokens, width: model.d_model }),
        matrices,
    }
}

fn length(config: &RunConfig, rows: Rows) -> Length {
    let most = |rows: usize| rows.min(config.data.limit.unwrap_or(usize::MAX));
    let all = most(rows.train);
    let (examples, validation_examples) = match (rows.validation, config.data.validation_fraction) {
        (Some(validation), None | Some(0.0)) => (all, most(validation)),
        _ => {
            let held_out = part_of(all, all, config.validation_fraction());
            (all - held_out, held_out)
        }
    };
    Length {
        steps: Count::of(config, examples).steps,
        examples_per_step: config.train.batch_size * config.train.accumulate,
        examples,
        validation_examples,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Variant;

    fn plan(set: impl Fn(&mut RunConfig), rows: Option<Rows>) -> Plan {
        let mut config = RunConfig::default();
        set(&mut config);
        let model = T5Config::flan("small").unwrap();
        Plan::of(&config, Some((&model, &Demand::new(&config, true))), rows).unwrap()
    }

    #[test]
    fn what_is_trained_is_counted() {
        let lora = plan(|config| config.method.rank = 4, None);
        let found = lora.parameters.unwrap();
        // 24 queries and 24 values of 384 × 512: peft says 172,032.
        assert_eq!((found.trainable, found.base), (172_032, 76_961_152));
        assert_eq!(found.share, 172_032.0 / 76_961_152.0);
        let [q, v] = &found.matrices[..] else { panic!("{:?}", found.matrices) };
        assert_eq!((q.module.as_str(), q.count, q.outputs, q.inputs), ("q", 24, 384, 512));
        assert_eq!((v.module.as_str(), v.trainable), ("v", 4 * (384 + 512)));
        assert_eq!(found.prompt, None);
        assert_eq!(lora.modules.join(" "), "q k v o wi_0 wi_1 wo");
        assert_eq!(lora.title, "LoRA of rank 4");
        assert_eq!(lora.description, "LoRA (plain) of rank 4 and alpha 8 on q, v");

        let dora = plan(|config| config.method.variant = Variant::Dora, None);
        let dora = dora.parameters.unwrap();
        assert_eq!(dora.matrices[0].trainable, 8 * (384 + 512) + 384);
        assert_eq!(dora.trainable, 48 * (8 * (384 + 512) + 384));

        let scales = plan(|config| config.method.method = Method::Ia3, None).parameters.unwrap();
        let of = |module: &str| {
            let of = scales.matrices.iter().find(|matrices| matrices.module == module);
            of.map(|matrices| (matrices.count, matrices.trainable))
        };
        assert_eq!((of("k"), of("wo"), of("q")), (Some((24, 384)), Some((16, 1024)), None));
        assert_eq!(scales.trainable, 24 * 384 * 2 + 16 * 1024);

        let prompt = plan(|config| config.method.method = Method::Prompt, None).parameters.unwrap();
        assert_eq!(prompt.prompt, Some(SoftPrompt { tokens: 20, width: 512 }));
        assert_eq!((prompt.trainable, prompt.matrices.len()), (20 * 512, 0));

        let full = plan(|config| config.method.method = Method::Full, None).parameters.unwrap();
        assert_eq!((full.trainable, full.share), (full.base, 1.0));
    }

    #[test]
    fn its_length_follows_from_the_rows() {
        let of = |rows, validation, set: fn(&mut RunConfig)| {
            plan(set, Some(Rows { train: rows, validation })).length.unwrap()
        };
        let length = |steps, examples_per_step, examples, validation_examples| Length {
            steps,
            examples_per_step,
            examples,
            validation_examples,
        };
        assert_eq!(of(100, None, |_| ()), length(36, 8, 90, 10));
        assert_eq!(of(100, Some(20), |_| ()), length(39, 8, 100, 20));
        assert_eq!(of(100, None, |config| config.train.accumulate = 4), length(9, 32, 90, 10));
        assert_eq!(of(100, None, |config| config.data.limit = Some(9)), length(3, 8, 8, 1));
        assert_eq!(
            of(100, Some(20), |config| config.data.validation_fraction = Some(0.25)),
            length(30, 8, 75, 25)
        );
        assert_eq!(of(1, None, |_| ()), length(3, 8, 1, 0));
    }

    #[test]
    fn without_a_model_names_are_those_of_flan() {
        let plan = Plan::of(&RunConfig::default(), None, None).unwrap();
        assert_eq!(plan.modules.join(" "), "q k v o wi_0 wi_1 wo");
        assert_eq!((plan.parameters, plan.memory, plan.length), (None, None, None));
        let mut config = RunConfig::default();
        config.method.rank = 0;
        assert!(Plan::of(&config, None, None).is_err());
    }
}
