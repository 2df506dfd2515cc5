//! An adapter's `adapter_config.json`, as peft 0.21 reads and writes it.
//!
//! Keys of newer versions are tolerated where they are unknown, and refused where they are known to
//! change what the adapter computes: an adapter is never applied otherwise than peft would.

use serde_json::{Map, Value, json};

use crate::{
    error::{Error, Result},
    model::{
        config::{Fields, short, to_bytes},
        hub::{HubModel, is_hub_id},
    },
};

/// The version of peft whose keys are written.
const PEFT_VERSION: &str = "0.21.2";

const TASK: &str = "SEQ_2_SEQ_LM";

/// T5's linear maps that LoRA can stand beside: attention's, then the feed-forward layer's.
pub const TARGETS: [&str; 8] = ["q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"];

/// The highest rank; above a matrix's own sizes it has no use.
pub const MAX_RANK: usize = 1 << 12;
/// The longest soft prompt.
pub const MAX_VIRTUAL_TOKENS: usize = 1 << 12;

/// Keys that change what a LoRA computes, or where. None of them may be set.
const REFUSED_FOR_LORA: [&str; 18] = [
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

/// An adapter's configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum AdapterConfig {
    /// Low-rank matrices beside linear maps.
    Lora(LoraConfig),
    /// A soft prompt before the encoder's input.
    Prompt(PromptConfig),
}

/// The base that an adapter was trained on, as far as its configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseModel {
    /// A hub id such as `google/flan-t5-small`. A path is neither kept nor written.
    pub id: Option<String>,
    /// The hub's commit, branch or tag.
    pub revision: Option<String>,
}

impl From<&HubModel> for BaseModel {
    fn from(model: &HubModel) -> Self {
        let (id, revision) = (model.repository.clone(), model.revision.clone());
        BaseModel { id: Some(id), revision: Some(revision) }
    }
}

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
    pub target_modules: Vec<String>,
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

/// A soft prompt (peft's `PromptTuningConfig`).
#[derive(Clone, Debug, PartialEq)]
pub struct PromptConfig {
    /// The base it belongs to.
    pub base: BaseModel,
    /// Tokens that go before the encoder's input.
    pub num_virtual_tokens: usize,
    /// The base's d_model.
    pub token_dim: usize,
    /// How many times `num_virtual_tokens` rows the file holds; only the first time counts. peft
    /// takes a missing or null one as 2; 1 is what is written here.
    pub num_transformer_submodules: usize,
    /// The base's encoder layers; nothing depends on it.
    pub num_layers: Option<usize>,
    /// The base's heads; nothing depends on it.
    pub num_attention_heads: Option<usize>,
    /// How the rows started.
    pub init: PromptInit,
}

/// How a soft prompt starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptInit {
    /// Normal numbers.
    Random,
    /// Embeddings of random tokens.
    Vocabulary,
    /// Embeddings of this text's tokens, repeated or cut to fit.
    Text(String),
}

impl AdapterConfig {
    /// Reads the bytes of an `adapter_config.json`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`] for what is not JSON, missing, of a wrong type or out of bounds;
    /// [`Error::Adapter`] for what peft would apply but is not supported here. Both name the key.
    pub fn from_json(path: &str, bytes: &[u8]) -> Result<Self> {
        let keys = Keys { path, fields: Fields::parse(path, bytes)? };
        keys.refuse("modules_to_save")?;
        match keys.need_text("peft_type")? {
            "LORA" => Ok(AdapterConfig::Lora(keys.lora()?)),
            "PROMPT_TUNING" => Ok(AdapterConfig::Prompt(keys.prompt()?)),
            other => Err(keys.unsupported("peft_type", short(other), "`LORA` or `PROMPT_TUNING`")),
        }
    }

    /// The bytes of an `adapter_config.json`: the keys that peft writes, sorted.
    pub fn to_json(&self) -> Vec<u8> {
        let mut keys = match self {
            AdapterConfig::Lora(lora) => lora.keys(),
            AdapterConfig::Prompt(prompt) => prompt.keys(),
        };
        let base = self.base();
        let id = base.id.as_deref().filter(|id| is_hub_id(id));
        keys.insert("auto_mapping".to_owned(), Value::Null);
        keys.insert("base_model_name_or_path".to_owned(), json!(id));
        keys.insert("inference_mode".to_owned(), json!(true));
        keys.insert("modules_to_save".to_owned(), Value::Null);
        keys.insert("peft_version".to_owned(), json!(PEFT_VERSION));
        keys.insert("revision".to_owned(), json!(base.revision.as_ref().filter(|_| id.is_some())));
        keys.insert("task_type".to_owned(), json!(TASK));
        keys.sort_keys();
        to_bytes(&Value::Object(keys))
    }

    /// The base that the adapter belongs to.
    pub fn base(&self) -> &BaseModel {
        match self {
            AdapterConfig::Lora(lora) => &lora.base,
            AdapterConfig::Prompt(prompt) => &prompt.base,
        }
    }
}

impl LoraConfig {
    /// What `B A` is multiplied by: alpha / r, or alpha / √r with rsLoRA.
    pub fn scale(&self) -> f64 {
        match self.use_rslora {
            true => self.alpha / (self.r as f64).sqrt(),
            false => self.alpha / self.r as f64,
        }
    }

    /// Whether the linear map at `module`, such as `decoder.block.0.layer.1.EncDecAttention.v`, is
    /// one of the targets: by whole parts from the end, as peft does it.
    pub fn targets(&self, module: &str) -> bool {
        self.target_modules.iter().any(|target| {
            module
                .strip_suffix(target.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
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
            "peft_type": "LORA",
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
    const ALL: [Self; 4] = [Self::Kaiming, Self::Random, Self::Gaussian, Self::Orthogonal];

    fn value(self) -> Value {
        match self {
            LoraInit::Kaiming => json!(true),
            LoraInit::Random => json!(false),
            LoraInit::Gaussian => json!("gaussian"),
            LoraInit::Orthogonal => json!("orthogonal"),
        }
    }
}

impl PromptConfig {
    fn keys(&self) -> Map<String, Value> {
        // peft opens no configuration that starts from a text without naming a tokenizer. It does
        // not load it for a trained adapter, but a name that means nothing would be a lie.
        let tokenizer = self.base.id.as_deref().filter(|id| is_hub_id(id));
        let (init, text) = match (&self.init, tokenizer) {
            (PromptInit::Text(text), Some(_)) => ("TEXT", Some(text)),
            (PromptInit::Vocabulary, _) => ("SAMPLE_VOCAB", None),
            _ => ("RANDOM", None),
        };
        let keys = json!({
            "num_attention_heads": self.num_attention_heads,
            "num_layers": self.num_layers,
            "num_transformer_submodules": self.num_transformer_submodules,
            "num_virtual_tokens": self.num_virtual_tokens,
            "peft_type": "PROMPT_TUNING",
            "prompt_tuning_init": init,
            "prompt_tuning_init_text": text,
            "token_dim": self.token_dim,
            "tokenizer_kwargs": null,
            "tokenizer_name_or_path": text.and(tokenizer),
        });
        object(keys)
    }
}

/// The keys of a configuration that is being read.
struct Keys<'a> {
    path: &'a str,
    fields: Fields<'a>,
}

impl Keys<'_> {
    fn lora(&self) -> Result<LoraConfig> {
        for key in REFUSED_FOR_LORA {
            self.refuse(key)?;
        }
        self.expect("bias", "none")?;
        // peft writes null where a LoRA was made without a task; it computes the same.
        self.expect("task_type", TASK)?;
        let fields = &self.fields;
        Ok(LoraConfig {
            base: self.base()?,
            r: fields.size("r", MAX_RANK as u64)?,
            alpha: fields.number("lora_alpha", -1e6..=1e6)?.unwrap_or(8.0),
            dropout: fields.number("lora_dropout", 0.0..=0.99)?.unwrap_or(0.0),
            target_modules: self.target_modules()?,
            use_rslora: fields.flag("use_rslora")?.unwrap_or(false),
            use_dora: fields.flag("use_dora")?.unwrap_or(false),
            init: self.lora_init()?,
        })
    }

    fn target_modules(&self) -> Result<Vec<String>> {
        let key = "target_modules";
        let names = match self.fields.need(key, self.fields.get(key))? {
            Value::Array(names) => names,
            other => {
                let expected = "a list of names, not a pattern";
                return Err(self.unsupported(key, short(other), expected));
            }
        };
        if names.is_empty() || names.len() > 1 << 12 {
            return Err(self.fields.error(key, "expected between 1 and 4096 names"));
        }
        let name = |value: &Value| match value.as_str() {
            Some(name) if is_target(name) => Ok(name.to_owned()),
            _ => {
                let expected = format!("linear maps of T5: {}", TARGETS.join(", "));
                Err(self.unsupported(key, short(value), &expected))
            }
        };
        names.iter().map(name).collect()
    }

    fn lora_init(&self) -> Result<LoraInit> {
        let key = "init_lora_weights";
        let Some(value) = self.fields.get(key) else {
            return Ok(LoraInit::default());
        };
        LoraInit::ALL.into_iter().find(|init| init.value() == *value).ok_or_else(|| {
            let expected = "true, false, `gaussian` or `orthogonal`; others change the base, or how \
                            the adapter is computed";
            self.unsupported(key, short(value), expected)
        })
    }

    fn prompt(&self) -> Result<PromptConfig> {
        // Without the task peft puts the rows elsewhere.
        self.need_text("task_type")?;
        self.expect("task_type", TASK)?;
        let fields = &self.fields;
        let size = |key, most| Ok(fields.integer(key, 1..=most)?.map(|size| size as usize));
        Ok(PromptConfig {
            base: self.base()?,
            num_virtual_tokens: fields.size("num_virtual_tokens", MAX_VIRTUAL_TOKENS as u64)?,
            token_dim: fields.size("token_dim", 1 << 15)?,
            num_transformer_submodules: size("num_transformer_submodules", 2)?.unwrap_or(2),
            num_layers: size("num_layers", 512)?,
            num_attention_heads: size("num_attention_heads", 1 << 10)?,
            init: self.prompt_init()?,
        })
    }

    fn prompt_init(&self) -> Result<PromptInit> {
        let key = "prompt_tuning_init";
        match self.fields.text(key)? {
            None | Some("RANDOM") => Ok(PromptInit::Random),
            Some("SAMPLE_VOCAB") => Ok(PromptInit::Vocabulary),
            Some("TEXT") => {
                let key = "prompt_tuning_init_text";
                let text = self.fields.need(key, self.fields.text(key)?)?;
                Ok(PromptInit::Text(text.to_owned()))
            }
            Some(other) => {
                let expected = "`RANDOM`, `SAMPLE_VOCAB` or `TEXT`";
                Err(self.unsupported(key, short(other), expected))
            }
        }
    }

    /// The base, if a hub id names it; a path says nothing on another machine.
    fn base(&self) -> Result<BaseModel> {
        let id = self.fields.text("base_model_name_or_path")?.filter(|id| is_hub_id(id));
        let revision = self.fields.text("revision")?.filter(|_| id.is_some());
        Ok(BaseModel { id: id.map(str::to_owned), revision: revision.map(str::to_owned) })
    }

    fn need_text(&self, key: &str) -> Result<&str> {
        self.fields.need(key, self.fields.text(key)?)
    }

    /// A key which, where it is there, must be this.
    fn expect(&self, key: &str, expected: &str) -> Result<()> {
        match self.fields.text(key)? {
            Some(found) if found != expected => {
                Err(self.unsupported(key, short(found), &format!("`{expected}`")))
            }
            _ => Ok(()),
        }
    }

    /// A key that must not be set: absent, or what Python counts as false.
    fn refuse(&self, key: &str) -> Result<()> {
        let set = match self.fields.get(key) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(map)) => !map.is_empty(),
            Some(_) => true,
        };
        match set {
            true => Err(self.unsupported(key, short(&self.fields.map[key]), "it not to be set")),
            false => Ok(()),
        }
    }

    fn unsupported(&self, key: &str, found: String, expected: &str) -> Error {
        let message = format!("`{key}`: {found} is not supported; expected {expected}");
        Error::Adapter { path: self.path.to_owned(), message }
    }
}

/// Whether a target is the last part, or the last parts, of a path to one of T5's linear maps.
fn is_target(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let last = name.rsplit('.').next();
    name.split('.').all(part) && last.is_some_and(|last| TARGETS.contains(&last))
}

/// A number as Python writes it: alpha is a whole number for peft wherever it can be.
fn number(value: f64) -> Value {
    match value as i64 as f64 == value {
        true => json!(value as i64),
        false => json!(value),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
