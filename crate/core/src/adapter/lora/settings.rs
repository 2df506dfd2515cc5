//! What peft records of a LoRA.

use serde_json::{Map, Value, json};

use crate::{
    adapter::{
        config::{Keys, number, object},
        kind::Settings,
    },
    config::TargetModule,
    error::{Result, short},
    model::BaseModel,
};

/// The highest rank; above a matrix's own sizes it has no use.
pub const MAX_RANK: usize = 1 << 12;

/// Keys that change what a LoRA computes, or where. None of them may be set.
pub(in crate::adapter) const REFUSED: [&str; 18] = [
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "exclude_modules",
    "fan_in_fan_out",
    "kasa_config",
    "layer_replication",
    "layers_pattern",
    "layers_to_transform",
    "lora_bias",
    "megatron_config",
    "monteclora_config",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_qalora",
    "velora_config",
];

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
    /// Which linear maps: last parts of a module's path, such as `q`, `SelfAttention.q` or
    /// `encoder.block.0.layer.0.SelfAttention.q`.
    pub target_modules: Vec<TargetModule>,
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
    /// What `B A` is multiplied by: alpha / r, or alpha / √r with rsLoRA.
    pub fn scale(&self) -> f64 {
        match self.use_rslora {
            true => self.alpha / (self.r as f64).sqrt(),
            false => self.alpha / self.r as f64,
        }
    }
}

impl Settings for LoraConfig {
    const PEFT_TYPE: &'static str = "LORA";

    fn read(keys: &Keys<'_>) -> Result<Self> {
        for key in REFUSED {
            keys.refuse(key)?;
        }
        keys.expect("bias", "none")?;
        // peft writes null where a LoRA was made without a task; it computes the same.
        keys.expect_task()?;
        let fields = &keys.fields;
        Ok(LoraConfig {
            base: keys.base()?,
            r: fields.size("r", MAX_RANK as u64)?,
            alpha: fields.number("lora_alpha", -1e6..=1e6)?.unwrap_or(8.0),
            dropout: fields.number("lora_dropout", 0.0..=0.99)?.unwrap_or(0.0),
            target_modules: keys.target_modules("target_modules")?,
            use_rslora: fields.flag("use_rslora")?.unwrap_or(false),
            use_dora: fields.flag("use_dora")?.unwrap_or(false),
            init: LoraInit::read(keys)?,
        })
    }

    fn base(&self) -> &BaseModel {
        &self.base
    }

    fn keys(&self) -> Map<String, Value> {
        let keys = json!({
            "alora_invocation_tokens": null,
            "alpha_pattern": {},
            "arrow_config": null,
            "bias": "none",
            "corda_config": null,
            "ensure_weight_tying": false,
            "eva_config": null,
            "exclude_modules": null,
            "fan_in_fan_out": false,
            "init_lora_weights": self.init.value(),
            "kasa_config": null,
            "layer_replication": null,
            "layers_pattern": null,
            "layers_to_transform": null,
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
            "rank_pattern": {},
            "target_modules": self.target_modules,
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
        LoraInit::ALL.into_iter().find(|init| init.value() == *value).ok_or_else(|| {
            let expected = "true, false, `gaussian` or `orthogonal`; others change the base, or how \
                            the adapter is computed";
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
