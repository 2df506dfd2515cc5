//! A model's `config.json` and `generation_config.json`, as Hugging Face's transformers read them.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::{
    config::Dtype,
    encoding,
    error::{Error, Result, short},
    exact,
    model::folder,
    storage::{Storage, join},
};

/// No configuration that anybody publishes comes near this many bytes.
const LIMIT: u64 = 1 << 20;

/// The most parameters that a configuration may ask for: three times the largest T5, UL2.
const MAX_PARAMETERS: u64 = 1 << 36;

/// Where a configuration says how its weights are quantised.
const QUANTIZATION: &str = "quantization_config";
/// The names of our ways, and their version: `docs/guide/formats.md`. They stand under `method`, because
/// transformers refuses a `quantization_config` without a `quant_method`; at one that it does not
/// know it warns, and takes the integers for weights.
const METHODS: [(&str, Dtype); 2] =
    [("flantune_int8", Dtype::Int8), ("flantune_int4", Dtype::Int4)];
const VERSION: u64 = 1;

/// What stands between the two products of a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedForward {
    /// `wo(relu(wi(x)))`: T5 v1.0.
    Relu,
    /// `wo(gelu_new(wi_0(x)) * wi_1(x))`, with GELU's tanh form: T5 v1.1 and FLAN-T5.
    GatedGelu,
}

impl FeedForward {
    /// The names of the products that d_model goes into.
    pub fn inputs(self) -> &'static [&'static str] {
        match self {
            FeedForward::Relu => &["wi"],
            FeedForward::GatedGelu => &["wi_0", "wi_1"],
        }
    }
}

/// The shape of a T5 model (transformers' `T5Config`).
#[derive(Clone, Debug, PartialEq)]
pub struct T5Config {
    /// Rows of the embedding, and outputs of the head.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of one attention head; heads × d_kv need not be d_model.
    pub d_kv: usize,
    /// Width within a feed-forward layer.
    pub d_ff: usize,
    /// Blocks of the encoder.
    pub num_layers: usize,
    /// Blocks of the decoder.
    pub num_decoder_layers: usize,
    /// Attention heads of every block.
    pub num_heads: usize,
    /// Buckets of relative positions, at least 4.
    pub relative_attention_num_buckets: usize,
    /// The distance from which on all positions share the last bucket.
    pub relative_attention_max_distance: usize,
    /// What the RMS norms add to the mean square.
    pub layer_norm_epsilon: f64,
    /// The rate that the model was pretrained with, in 0..1.
    pub dropout_rate: f64,
    /// The kind of the feed-forward layers.
    pub feed_forward: FeedForward,
    /// The token that fills short rows.
    pub pad_token_id: u32,
    /// The tokens that end a text; never empty.
    pub eos_token_ids: Vec<u32>,
    /// The token that a decoder's input starts with.
    pub decoder_start_token_id: u32,
    /// Only kept for writing. Whether the head is tied is seen from the weights alone: transformers 5
    /// writes `true` for every T5, also where the file holds an `lm_head.weight`.
    pub tie_word_embeddings: bool,
    /// Whether the decoder's output is multiplied by d_model^-0.5 before the head.
    pub scale_decoder_outputs: bool,
    /// Which integers the files' matrices are, if they are any.
    pub quantization: Option<Dtype>,
    /// All keys as they were read, so that those unknown here are written again.
    source: Map<String, Value>,
}

impl T5Config {
    /// Reads `config.json` of a model's directory.
    ///
    /// # Errors
    /// [`Error::Storage`] if there is no such directory, [`Error::NotFound`] if there is no
    /// `config.json` in it, and those of [`T5Config::from_json`].
    pub async fn open(storage: &dyn Storage, directory: &str) -> Result<Self> {
        let path = join(directory, "config.json");
        if !storage.exists(&path).await? && storage.list(directory).await?.is_empty() {
            let message = "there is no such directory, or it is empty".to_owned();
            return Err(Error::Storage { path: directory.to_owned(), message });
        }
        match storage.read_all(&path, LIMIT).await {
            Ok(bytes) => Self::from_json(&path, &bytes),
            Err(error @ Error::NotFound { .. }) => {
                match folder::instead(storage, directory, "config.json").await {
                    Some(message) => Err(Error::format(directory, message)),
                    None => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the bytes of a `config.json`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`], which names the key that is missing, of a wrong type, out of bounds, or
    /// not supported. Unknown keys are kept.
    pub fn from_json(path: &str, bytes: &[u8]) -> Result<Self> {
        let fields = Fields::parse(path, bytes)?;
        refuse_others(&fields)?;

        let vocab_size = fields.size("vocab_size", 1 << 20)?;
        let num_layers = fields.size("num_layers", 512)?;
        let decoder_layers = fields.integer("num_decoder_layers", 1..=512)?;
        let buckets = fields.integer("relative_attention_num_buckets", 4..=4096)?.unwrap_or(32);
        // Below half the buckets every distance has its own; the logarithm starts there.
        let distances = buckets / 2 + 1..=1 << 20;
        let distance_key = "relative_attention_max_distance";
        let distance = fields.integer(distance_key, distances.clone())?.unwrap_or(128);
        if !distances.contains(&distance) {
            let message =
                format!("it is missing, and T5's own, 128, is too few for {buckets} buckets");
            return Err(fields.error(distance_key, message));
        }

        let ids = Ids::read(&fields, vocab_size as u64)?;
        let pad_token_id = ids.pad.unwrap_or(0);
        let tie = fields.flag("tie_word_embeddings")?;
        // T5 v1.0 scales, v1.1 does not; before transformers 5 untied embeddings told v1.1.
        let scale = fields.flag("scale_decoder_outputs")?.unwrap_or(tie != Some(false));

        let config = T5Config {
            vocab_size,
            d_model: fields.size("d_model", 1 << 15)?,
            d_kv: fields.size("d_kv", 1 << 12)?,
            d_ff: fields.size("d_ff", 1 << 18)?,
            num_layers,
            num_decoder_layers: decoder_layers.map_or(num_layers, |layers| layers as usize),
            num_heads: fields.size("num_heads", 1 << 10)?,
            relative_attention_num_buckets: buckets as usize,
            relative_attention_max_distance: distance as usize,
            layer_norm_epsilon: fields.number("layer_norm_epsilon", 1e-12..=1.0)?.unwrap_or(1e-6),
            dropout_rate: fields.number("dropout_rate", 0.0..=0.99)?.unwrap_or(0.1),
            feed_forward: feed_forward(&fields)?,
            pad_token_id,
            eos_token_ids: match ids.eos {
                None if vocab_size < 2 => {
                    let message = "it is missing, and T5's own, 1, is beyond the vocabulary";
                    return Err(fields.error("eos_token_id", message));
                }
                eos => eos.unwrap_or_else(|| vec![1]),
            },
            decoder_start_token_id: ids.start.unwrap_or(pad_token_id),
            tie_word_embeddings: tie.unwrap_or(true),
            scale_decoder_outputs: scale,
            quantization: quantization(&fields)?,
            source: fields.map,
        };
        match config.max_parameters() {
            count if count > MAX_PARAMETERS => Err(Error::format(
                path,
                format!("the model would have {count} parameters, more than {MAX_PARAMETERS}"),
            )),
            _ => Ok(config),
        }
    }

    /// Heads × d_kv: the width that q, k and v make.
    pub fn d_inner(&self) -> usize {
        self.num_heads * self.d_kv
    }

    /// The bytes of a `config.json` that transformers reads as this model: the keys that were read,
    /// unknown ones too, with what is known here set.
    pub fn to_json(&self) -> Vec<u8> {
        let mut map = self.source.clone();
        map.shift_remove(QUANTIZATION);
        let known = json!({
            "architectures": ["T5ForConditionalGeneration"],
            "d_ff": self.d_ff,
            "d_kv": self.d_kv,
            "d_model": self.d_model,
            "decoder_start_token_id": self.decoder_start_token_id,
            "dropout_rate": self.dropout_rate,
            "eos_token_id": match self.eos_token_ids.as_slice() {
                [id] => json!(id),
                ids => json!(ids),
            },
            "feed_forward_proj": match self.feed_forward {
                FeedForward::Relu => "relu",
                FeedForward::GatedGelu => "gated-gelu",
            },
            "is_encoder_decoder": true,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "model_type": "t5",
            "num_decoder_layers": self.num_decoder_layers,
            "num_heads": self.num_heads,
            "num_layers": self.num_layers,
            "pad_token_id": self.pad_token_id,
            "relative_attention_max_distance": self.relative_attention_max_distance,
            "relative_attention_num_buckets": self.relative_attention_num_buckets,
            "scale_decoder_outputs": self.scale_decoder_outputs,
            "tie_word_embeddings": self.tie_word_embeddings,
            "vocab_size": self.vocab_size,
        });
        if let Value::Object(known) = known {
            map.extend(known);
        }
        let method = METHODS.iter().find(|(_, dtype)| Some(*dtype) == self.quantization);
        if let Some((method, _)) = method {
            let quantization = json!({ "method": method, "version": VERSION });
            map.insert(QUANTIZATION.to_owned(), quantization);
        }
        to_bytes(&Value::Object(map))
    }

    /// Sets a key that means nothing here, such as `dtype`, for [`T5Config::to_json`].
    pub fn set_extra(&mut self, key: &str, value: Value) {
        self.source.insert(key.to_owned(), value);
    }

    /// Says which type the weights are of, in torch's words.
    pub fn set_dtype(&mut self, name: &str) {
        // The older name of the same key.
        self.source.shift_remove("torch_dtype");
        self.set_extra("dtype", name.into());
    }

    /// Parameters with an untied head. The bounds of the single sizes keep it far below 2^64.
    fn max_parameters(&self) -> u64 {
        let [d, inner, ff] = [self.d_model, self.d_inner(), self.d_ff].map(|size| size as u64);
        let attention = 4 * d * inner + d;
        let feed_forward = (self.feed_forward.inputs().len() as u64 + 1) * d * ff + d;
        let biases = 2 * (self.relative_attention_num_buckets * self.num_heads) as u64;
        2 * self.vocab_size as u64 * d
            + self.num_layers as u64 * (attention + feed_forward)
            + self.num_decoder_layers as u64 * (2 * attention + feed_forward)
            + biases
            + 2 * d
    }
}

/// Refuses what reads like a T5 but is computed otherwise.
fn refuse_others(fields: &Fields) -> Result<()> {
    if let Some(kind) = fields.text("model_type")?
        && kind != "t5"
    {
        let message = format!("`{kind}` is not supported; expected `t5` (T5, T5 v1.1, FLAN-T5)");
        return Err(fields.error("model_type", message));
    }
    Ok(())
}

/// In which of our ways the weights are quantised, if they are. Others are refused.
fn quantization(fields: &Fields) -> Result<Option<Dtype>> {
    let Some(value) = fields.get(QUANTIZATION) else {
        return Ok(None);
    };
    let (method, version) = (value.get("method"), value.get("version"));
    let known = METHODS.iter().find(|(name, _)| method.and_then(Value::as_str) == Some(name));
    let Some((_, dtype)) = known else {
        let other = method.or(value.get("quant_method"));
        let found = other.map_or_else(|| "nothing".to_owned(), short);
        let message = format!(
            "the method is {found}; expected {}, which quantizing here writes, or use the model in f32, f16 or \
             bf16",
            METHODS.map(|(name, _)| format!("\"{name}\"")).join(" or ")
        );
        return Err(fields.error(QUANTIZATION, message));
    };
    if version.and_then(Value::as_u64) != Some(VERSION) {
        let found = version.map_or_else(|| "nothing".to_owned(), short);
        let message = format!("`version` is {found}; expected {VERSION}");
        return Err(fields.error(QUANTIZATION, message));
    }
    Ok(Some(*dtype))
}

/// transformers splits `feed_forward_proj` at the dash; `dense_act_fn` and `is_gated_act`, where they
/// are written, win.
fn feed_forward(fields: &Fields) -> Result<FeedForward> {
    let projection = fields.text("feed_forward_proj")?.unwrap_or("relu");
    let (gated, activation) = match projection.strip_prefix("gated-") {
        // "gelu" alone is the exact GELU, except here.
        Some("gelu") => (true, "gelu_new"),
        Some(activation) => (true, activation),
        None => (false, projection),
    };
    let gated = fields.flag("is_gated_act")?.unwrap_or(gated);
    let activation = fields.text("dense_act_fn")?.unwrap_or(activation);
    match (gated, activation) {
        (false, "relu") => Ok(FeedForward::Relu),
        (true, "gelu_new" | "gelu_pytorch_tanh") => Ok(FeedForward::GatedGelu),
        _ => {
            let kind = if gated { "gated" } else { "plain" };
            let message = format!(
                "`{}` (a {kind} layer with `{}`) is not supported; expected `relu` or `gated-gelu`",
                short(projection),
                short(activation)
            );
            Err(fields.error("feed_forward_proj", message))
        }
    }
}

/// Which tokens start, end and fill what a model generates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationConfig {
    /// The token that a decoder's input starts with.
    pub decoder_start_token_id: u32,
    /// The tokens that end a text; never empty.
    pub eos_token_ids: Vec<u32>,
    /// The token that follows where a row has ended.
    pub pad_token_id: u32,
    /// All that the file says, how texts are made among it; empty where there is none.
    pub file: Map<String, Value>,
}

impl GenerationConfig {
    /// Reads `generation_config.json` of a model's directory; where there is none, `config` says it.
    ///
    /// # Errors
    /// Those of [`GenerationConfig::from_json`].
    pub async fn open(storage: &dyn Storage, directory: &str, config: &T5Config) -> Result<Self> {
        let path = join(directory, "generation_config.json");
        if !storage.exists(&path).await? {
            return Ok(Self::from(config));
        }
        Self::from_json(&path, &storage.read_all(&path, LIMIT).await?, config)
    }

    /// Reads the bytes of a `generation_config.json`; missing keys are taken from `config`, and
    /// `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`], which names the key that is of a wrong type or beyond the vocabulary.
    pub fn from_json(path: &str, bytes: &[u8], config: &T5Config) -> Result<Self> {
        let fields = Fields::parse(path, bytes)?;
        let ids = Ids::read(&fields, config.vocab_size as u64)?;
        let Self { decoder_start_token_id, eos_token_ids, pad_token_id, .. } = Self::from(config);
        Ok(GenerationConfig {
            decoder_start_token_id: ids.start.unwrap_or(decoder_start_token_id),
            eos_token_ids: ids.eos.unwrap_or(eos_token_ids),
            pad_token_id: ids.pad.unwrap_or(pad_token_id),
            file: fields.map,
        })
    }
}

impl From<&T5Config> for GenerationConfig {
    fn from(config: &T5Config) -> Self {
        GenerationConfig {
            decoder_start_token_id: config.decoder_start_token_id,
            eos_token_ids: config.eos_token_ids.clone(),
            pad_token_id: config.pad_token_id,
            file: Map::new(),
        }
    }
}

/// The special tokens, which both files may name.
struct Ids {
    start: Option<u32>,
    eos: Option<Vec<u32>>,
    pad: Option<u32>,
}

impl Ids {
    fn read(fields: &Fields, vocab_size: u64) -> Result<Self> {
        let known = 0..=vocab_size - 1;
        let one = |key| -> Result<Option<u32>> {
            Ok(fields.integer(key, known.clone())?.map(|id| id as u32))
        };
        let key = "eos_token_id";
        let eos = match fields.get(key) {
            Some(Value::Array(ids)) if (1..=64).contains(&ids.len()) => {
                let id = |value| fields.check_integer(key, value, known.clone());
                Some(ids.iter().map(|value| id(value).map(|id| id as u32)).collect::<Result<_>>()?)
            }
            _ => one(key)?.map(|id| vec![id]),
        };
        Ok(Ids { start: one("decoder_start_token_id")?, eos, pad: one("pad_token_id")? })
    }
}

/// The names and shapes of a model's weights, as Hugging Face's files have them: `[outputs, inputs]`
/// for products, `[buckets, heads]` for position biases. A tied model has no `lm_head.weight`.
pub fn expected_tensors(config: &T5Config, tied: bool) -> Vec<(String, Vec<usize>)> {
    let (d, inner) = (config.d_model, config.d_inner());
    let mut tensors = vec![("shared.weight".to_owned(), vec![config.vocab_size, d])];
    let mut add = |name: String, shape: &[usize]| tensors.push((name, shape.to_vec()));

    for (stack, blocks) in [("encoder", config.num_layers), ("decoder", config.num_decoder_layers)]
    {
        let attentions: &[&str] = match stack {
            "encoder" => &["SelfAttention"],
            _ => &["SelfAttention", "EncDecAttention"],
        };
        for block in 0..blocks {
            let layer = |layer: usize| format!("{stack}.block.{block}.layer.{layer}");
            for (i, attention) in attentions.iter().enumerate() {
                for name in ["q", "k", "v"] {
                    add(format!("{}.{attention}.{name}.weight", layer(i)), &[inner, d]);
                }
                add(format!("{}.{attention}.o.weight", layer(i)), &[d, inner]);
                add(format!("{}.layer_norm.weight", layer(i)), &[d]);
            }
            if block == 0 {
                let shape = [config.relative_attention_num_buckets, config.num_heads];
                let name = "SelfAttention.relative_attention_bias.weight";
                add(format!("{}.{name}", layer(0)), &shape);
            }
            let last = layer(attentions.len());
            for name in config.feed_forward.inputs() {
                add(format!("{last}.DenseReluDense.{name}.weight"), &[config.d_ff, d]);
            }
            add(format!("{last}.DenseReluDense.wo.weight"), &[d, config.d_ff]);
            add(format!("{last}.layer_norm.weight"), &[d]);
        }
        add(format!("{stack}.final_layer_norm.weight"), &[d]);
    }
    if !tied {
        add("lm_head.weight".to_owned(), &[config.vocab_size, d]);
    }
    tensors
}

/// A JSON file's keys, read with errors that name the file and the key. A key that is null counts
/// as absent, as Python's None does.
pub(crate) struct Fields<'a> {
    path: &'a str,
    /// The keys in the file's order.
    pub(crate) map: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Reads a file that must hold one JSON object.
    pub(crate) fn parse(path: &'a str, bytes: &[u8]) -> Result<Self> {
        let wrong = |error: String| Error::format(path, format!("it is not JSON: {error}"));
        let text = encoding::read(bytes).map_err(wrong)?;
        match exact::from_str(text).map_err(|error| wrong(error.to_string()))? {
            Value::Object(map) => Ok(Fields { path, map }),
            other => {
                let message = format!("found {}; expected a JSON object", short(&other));
                Err(Error::format(path, message))
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn error(&self, key: &str, message: impl std::fmt::Display) -> Error {
        Error::format(self.path, format!("`{key}`: {message}"))
    }

    /// What a key must have.
    pub(crate) fn need<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.error(key, "it is missing"))
    }

    /// A size from 1 to `most`, which must be there.
    pub(crate) fn size(&self, key: &str, most: u64) -> Result<usize> {
        let size = self.need(key, self.integer(key, 1..=most)?)?;
        Ok(size as usize)
    }

    pub(crate) fn integer(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<u64>> {
        self.get(key).map(|value| self.check_integer(key, value, range)).transpose()
    }

    fn check_integer(&self, key: &str, value: &Value, range: RangeInclusive<u64>) -> Result<u64> {
        value.as_u64().filter(|number| range.contains(number)).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            let found = short(value);
            self.error(key, format!("found {found}; expected a whole number, {least} to {most}"))
        })
    }

    pub(crate) fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>> {
        let check = |value: &Value| {
            value.as_f64().filter(|number| range.contains(number)).ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                let found = short(value);
                self.error(key, format!("found {found}; expected a number, {least} to {most}"))
            })
        };
        self.get(key).map(check).transpose()
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>> {
        let check = |value: &Value| {
            let wrong = || format!("found {}; expected true or false", short(value));
            value.as_bool().ok_or_else(|| self.error(key, wrong()))
        };
        self.get(key).map(check).transpose()
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>> {
        let check = |value: &'_ Value| -> Result<()> {
            let wrong = || format!("found {}; expected a string", short(value));
            value.as_str().map(|_| ()).ok_or_else(|| self.error(key, wrong()))
        };
        match self.get(key) {
            Some(value) => check(value).map(|()| value.as_str()),
            None => Ok(None),
        }
    }
}

/// JSON as Python's `json.dumps(value, indent=2)` writes it. Pure ASCII, because Python reads a
/// file in the encoding of its platform.
pub(crate) fn to_bytes(value: &Value) -> Vec<u8> {
    use std::fmt::Write;

    let mut ascii = String::new();
    for character in format!("{value:#}").chars() {
        if character.is_ascii() {
            ascii.push(character);
            continue;
        }
        // Beyond ASCII there are only the contents of strings.
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii.into_bytes()
}

#[cfg(test)]
mod tests;
