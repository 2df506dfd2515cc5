//! What peft records of a LoRA.

use serde_json::{Map, Value, json};

use crate::{
    adapter::{
        config::{Keys, number, object},
        kind::AdapterSettings,
        targets::{Names, PatternBudget, Targets, at, per_map},
    },
    error::{Result, short},
    model::BaseModel,
};

/// The highest rank; above a matrix's own sizes it has no use.
pub const MAX_RANK: usize = 1 << 12;

/// The greatest alpha, and the lowest below zero.
const MAX_ALPHA: f64 = 1e6;

/// Keys that change what a LoRA computes, or where. None of them may be set.
pub(in crate::adapter) const REFUSED: [&str; 12] = [
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "layer_replication",
    "lora_bias",
    "megatron_config",
    "monteclora_config",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
];

/// What peft trains beside of a T5 where no maps are named.
const DEFAULT_TARGETS: [&str; 2] = ["q", "v"];

/// What `init_lora_weights` may say of an adapter that began in a way which leaves the base as it is,
/// and which has no entry in [`LoraInit`]: peft takes what is trained from the file.
const BEGAN_OTHERWISE: [&str; 3] = ["eva", "mica", "lora_ga"];

/// LoRA (peft's `LoraConfig`): `W + scale · B A` beside the frozen `W`.
#[derive(Clone, Debug, PartialEq)]
pub struct LoraConfig {
    /// The base it belongs to.
    pub base: BaseModel,
    /// The rank: rows of A `[r, inputs]`, columns of B `[outputs, r]`.
    pub r: usize,
    /// What the product is scaled by, before it is divided by the rank.
    pub alpha: f64,
    /// The rate of the dropout before A, in 0..1.
    pub dropout: f64,
    /// Which linear maps.
    pub targets: Targets,
    /// Ranks of maps by patterns of their paths' ends; the first that matches counts, else `r`.
    pub rank_pattern: Vec<(String, usize)>,
    /// The same for `alpha`.
    pub alpha_pattern: Vec<(String, f64)>,
    /// Whether the scale is alpha / √r instead of alpha / r.
    pub use_rslora: bool,
    /// Whether each row of the sum is brought to a learnt length.
    pub use_dora: bool,
    /// How A and B started.
    pub init: LoraInit,
}

/// How peft starts a LoRA; only those which leave the base as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoraInit {
    /// A Kaiming-uniform with a = √5, B zero (`true`).
    #[default]
    Kaiming,
    /// Both random, for tests (`false`).
    Random,
    /// A normal, B zero (`"gaussian"`).
    Gaussian,
    /// Orthogonal to each other (`"orthogonal"`).
    Orthogonal,
}

impl LoraConfig {
    /// What `B A` is multiplied by where no pattern says otherwise: alpha / r, or alpha / √r with
    /// rsLoRA.
    pub fn scale(&self) -> f64 {
        self.scale_of(self.r, self.alpha)
    }

    /// What `B A` of this rank is multiplied by.
    pub(super) fn scale_of(&self, rank: usize, alpha: f64) -> f64 {
        match self.use_rslora {
            true => alpha / (rank as f64).sqrt(),
            false => alpha / rank as f64,
        }
    }

    /// The rank and alpha of each of these maps.
    ///
    /// # Errors
    /// What is wrong with a pattern, with its key.
    pub(super) fn of_maps(
        &self,
        maps: &[&str],
        budget: &mut PatternBudget,
    ) -> Result<Vec<(usize, f64)>, String> {
        let ranks = per_map(&self.rank_pattern, maps, budget).map_err(at("rank_pattern"))?;
        let alphas = per_map(&self.alpha_pattern, maps, budget).map_err(at("alpha_pattern"))?;
        let each = |(rank, alpha): (Option<usize>, Option<f64>)| {
            (rank.unwrap_or(self.r), alpha.unwrap_or(self.alpha))
        };
        Ok(ranks.into_iter().zip(alphas).map(each).collect())
    }
}

impl AdapterSettings for LoraConfig {
    const PEFT_TYPE: &'static str = "LORA";

    fn read(keys: &Keys<'_>) -> Result<Self> {
        for key in REFUSED {
            keys.refuse(key)?;
        }
        // T5 has no biases that could be trained with it.
        keys.expect_one_of("bias", &["none", "all", "lora_only"])?;
        keys.expect_any_text_task()?;
        let fields = &keys.fields;
        // Of a map whose weight lies as T5's do, peft turns it off itself.
        fields.flag("fan_in_fan_out")?;
        let rank = |value: &Value| {
            value
                .as_u64()
                .filter(|rank| (1..=MAX_RANK as u64).contains(rank))
                .map(|rank| rank as usize)
        };
        let alpha =
            |value: &Value| value.as_f64().filter(|alpha| (-MAX_ALPHA..=MAX_ALPHA).contains(alpha));
        Ok(LoraConfig {
            base: keys.base()?,
            r: fields.size("r", MAX_RANK as u64)?,
            alpha: fields.number("lora_alpha", -MAX_ALPHA..=MAX_ALPHA)?.unwrap_or(8.0),
            dropout: fields.number("lora_dropout", 0.0..=1.0)?.unwrap_or(0.0),
            targets: keys.targets(&DEFAULT_TARGETS, true)?,
            rank_pattern: keys.by_pattern(
                "rank_pattern",
                rank,
                &format!("a whole number, 1 to {MAX_RANK}"),
            )?,
            alpha_pattern: keys.by_pattern(
                "alpha_pattern",
                alpha,
                &format!("a number, -{MAX_ALPHA} to {MAX_ALPHA}"),
            )?,
            use_rslora: fields.flag("use_rslora")?.unwrap_or(false),
            use_dora: fields.flag("use_dora")?.unwrap_or(false),
            init: LoraInit::read(keys)?,
        })
    }

    fn base(&self) -> &BaseModel {
        &self.base
    }

    fn targets(&self) -> Option<&Targets> {
        Some(&self.targets)
    }

    fn keys(&self) -> Map<String, Value> {
        let alphas = self.alpha_pattern.iter().map(|(key, alpha)| (key.clone(), number(*alpha)));
        let ranks = self.rank_pattern.iter().map(|(key, rank)| (key.clone(), json!(rank)));
        let layers = self.targets.layers.as_ref();
        let patterns =
            layers.map(|layers| &layers.patterns).filter(|patterns| !patterns.is_empty());
        let keys = json!({
            "alora_invocation_tokens": null,
            "alpha_pattern": Map::from_iter(alphas),
            "arrow_config": null,
            "bias": "none",
            "corda_config": null,
            "ensure_weight_tying": false,
            "eva_config": null,
            "exclude_modules": self.targets.excluded.as_ref().map(Names::value),
            "fan_in_fan_out": false,
            "init_lora_weights": self.init.value(),
            "kasa_config": null,
            "layer_replication": null,
            "layers_pattern": patterns,
            "layers_to_transform": layers.map(|layers| &layers.numbers),
            "loftq_config": {},
            "lora_alpha": number(self.alpha),
            "lora_bias": false,
            "lora_dropout": self.dropout,
            "lora_ga_config": null,
            "megatron_config": null,
            "megatron_core": "megatron.core",
            "monteclora_config": null,
            "qalora_group_size": 16,
            "r": self.r,
            "rank_pattern": Map::from_iter(ranks),
            "target_modules": self.targets.names.value(),
            "target_parameters": null,
            "trainable_token_indices": null,
            "use_bdlora": null,
            "use_dora": self.use_dora,
            "use_qalora": false,
            "use_rslora": self.use_rslora,
            "velora_config": null,
        });
        object(keys)
    }
}

impl LoraInit {
    pub(in crate::adapter) const ALL: [Self; 4] =
        [Self::Kaiming, Self::Random, Self::Gaussian, Self::Orthogonal];

    fn read(keys: &Keys<'_>) -> Result<Self> {
        let key = "init_lora_weights";
        let Some(value) = keys.fields.get(key) else {
            return Ok(LoraInit::default());
        };
        let text = value.as_str().map(str::to_lowercase);
        if text.as_deref().is_some_and(|text| BEGAN_OTHERWISE.contains(&text)) {
            return Ok(LoraInit::default());
        }
        let named = text.map_or_else(|| value.clone(), Value::String);
        LoraInit::ALL.into_iter().find(|init| init.value() == named).ok_or_else(|| {
            let expected = "an adapter that leaves the base's own weights as they are; make one of it \
                            with peft: `save_pretrained` with \
                            `path_initial_model_for_weight_conversion`";
            keys.unsupported(key, short(value), expected)
        })
    }

    pub(in crate::adapter) fn value(self) -> Value {
        match self {
            LoraInit::Kaiming => json!(true),
            LoraInit::Random => json!(false),
            LoraInit::Gaussian => json!("gaussian"),
            LoraInit::Orthogonal => json!("orthogonal"),
        }
    }
}
