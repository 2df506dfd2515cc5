//! The weights of a model's directory: `model.safetensors`, or shards with their index.

pub mod convert;
pub(crate) mod folder;
mod names;
pub mod quantised;
pub mod safetensors;
pub mod weights;

use std::collections::{BTreeMap, BTreeSet};

use half::{bf16, f16};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::{
    names::{ALIASES, HEAD, SHARED},
    quantised::{Stored, integers, scale_name},
};
use crate::{
    error::{Error, Result, short},
    model::{
        config::{Fields, T5Config},
        safetensors::{Dtype, MODEL_HEADER_LIMIT, Parts, SafetensorsFile, TensorInfo, hex},
    },
    ops::Format,
    storage::{Storage, join},
};

pub(super) const SINGLE: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";
const INDEX_LIMIT: u64 = 16 << 20;
const MAX_SHARDS: usize = 1024;

/// Where the metadata of a file, a model's or an adapter's, records the hash of the base. In a
/// model's it is that of what the model was converted from.
pub const BASE_HASH: &str = "flantune_base";

/// Small tensors that any training of the whole model changes.
const TELLING: [&str; 4] = [
    "encoder.final_layer_norm.weight",
    "decoder.final_layer_norm.weight",
    "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
];

/// How many numbers of each tensor are hashed: any training changes some of them in some tensor.
const HASHED: usize = 64;

/// Bytes that are compared at first, which show most differences, and then.
const FIRST_LOOK: u64 = 1 << 16;
const LOOK: u64 = 8 << 20;

/// What published files hold beside a model's weights, and transformers ignores: copies of
/// `shared.weight`, and a position bias that no T5 uses.
const IGNORED: [&str; 3] = [
    "encoder.embed_tokens.weight",
    "decoder.embed_tokens.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
];

/// A model's weights, spread over one file or more. Nothing but headers is in memory.
#[derive(Clone, Debug)]
pub struct WeightFiles {
    /// The file that says what belongs to the model: itself the weights, or the index.
    path: String,
    /// Sorted by name.
    files: Vec<SafetensorsFile>,
    /// Where each tensor lies, by the name that a model has for it.
    places: BTreeMap<String, Place>,
    /// Whether the head is the embedding once more, byte by byte.
    head_is_copy: bool,
}

/// Where a tensor lies.
#[derive(Clone, Debug)]
struct Place {
    /// Which of the files.
    file: usize,
    /// The name that the file has for it.
    name: String,
}

impl WeightFiles {
    /// Finds a directory's weights and checks their headers.
    ///
    /// # Errors
    /// [`Error::Storage`] if there is no such directory, [`Error::NotFound`] if it holds no weights,
    /// [`Error::Format`] for those of another format, for a faulty header, and for an index that
    /// does not fit its shards.
    pub async fn open(storage: &dyn Storage, directory: &str) -> Result<Self> {
        let names = storage.list(directory).await?;
        let has = |name: &str| names.iter().any(|there| there == name);
        if has(SINGLE) {
            return Self::open_single(storage, &join(directory, SINGLE)).await;
        }
        if has(INDEX) {
            return Self::open_shards(storage, directory).await;
        }
        if names.is_empty() {
            let message = "there is no such directory, or it is empty".to_owned();
            return Err(Error::Storage { path: directory.to_owned(), message });
        }
        if has("pytorch_model.bin") || has("pytorch_model.bin.index.json") {
            let message = format!(
                "it holds pytorch_model.bin, which can run code when it is loaded, and no {SINGLE}; \
                 convert it: transformers' `from_pretrained` and `save_pretrained` write safetensors"
            );
            return Err(Error::format(directory, message));
        }
        match folder::instead(storage, directory, SINGLE).await {
            Some(message) => Err(Error::format(directory, message)),
            None => Err(Error::NotFound { path: join(directory, SINGLE) }),
        }
    }

    /// With the names that a model has for what the files hold.
    async fn with(
        storage: &dyn Storage,
        path: String,
        files: Vec<SafetensorsFile>,
        held: BTreeMap<String, usize>,
    ) -> Result<Self> {
        let places = names::without_prefix(held.keys())
            .into_iter()
            .map(|(plain, name)| (plain, Place { file: held[name], name: name.clone() }))
            .collect();
        let mut found = WeightFiles { path, files, places, head_is_copy: false };
        if !found.places.contains_key(SHARED) {
            let aliases: Vec<&str> =
                ALIASES.into_iter().filter(|alias| found.places.contains_key(*alias)).collect();
            if let [first, second] = aliases[..]
                && !found.same(storage, first, second).await?
            {
                let message = format!("it is missing, and `{first}` and `{second}` differ");
                return Err(Error::tensor(found.path, SHARED, message));
            }
            let place = aliases.first().and_then(|first| found.places.get(*first)).cloned();
            found.places.extend(place.map(|place| (SHARED.to_owned(), place)));
        }
        found.head_is_copy = found.same(storage, HEAD, SHARED).await?;
        Ok(found)
    }

    /// Whether two tensors are there and have the same type, shape and bytes.
    async fn same(&self, storage: &dyn Storage, one: &str, other: &str) -> Result<bool> {
        let (Some((first, one)), Some((second, other))) = (self.get(one), self.get(other)) else {
            return Ok(false);
        };
        if (one.dtype, &one.shape) != (other.dtype, &other.shape) {
            return Ok(false);
        }
        let (length, mut at, mut step) = (one.range.end - one.range.start, 0, FIRST_LOOK);
        while at < length {
            let end = length.min(at + step);
            let part = |info: &TensorInfo| info.range.start + at..info.range.start + end;
            let bytes = storage.read(first.path(), part(one)).await?;
            if bytes != storage.read(second.path(), part(other)).await? {
                return Ok(false);
            }
            (at, step) = (end, LOOK);
        }
        Ok(true)
    }

    async fn open_single(storage: &dyn Storage, path: &str) -> Result<Self> {
        let file = SafetensorsFile::open(storage, path, MODEL_HEADER_LIMIT).await?;
        let held = file.tensors().keys().map(|name| (name.clone(), 0)).collect();
        Self::with(storage, path.to_owned(), vec![file], held).await
    }

    async fn open_shards(storage: &dyn Storage, directory: &str) -> Result<Self> {
        let path = join(directory, INDEX);
        let map = read_index(&path, &storage.read_all(&path, INDEX_LIMIT).await?)?;
        let shards: BTreeSet<&String> = map.values().collect();

        let mut files: Vec<SafetensorsFile> = Vec::new();
        let mut places = BTreeMap::new();
        for shard in shards {
            let shard_path = join(directory, shard);
            let file = match SafetensorsFile::open(storage, &shard_path, MODEL_HEADER_LIMIT).await {
                Err(Error::NotFound { .. }) => {
                    return Err(Error::format(path, format!("there is no `{shard}` beside it")));
                }
                file => file?,
            };
            for name in file.tensors().keys() {
                if map.get(name) != Some(shard) {
                    let message = format!("{INDEX} does not say that it is here");
                    return Err(Error::tensor(shard_path, name, message));
                }
                places.insert(name.clone(), files.len());
            }
            files.push(file);
        }
        match map.iter().find(|(name, _)| !places.contains_key(*name)) {
            Some((name, shard)) => {
                let message = format!("{INDEX} says that it is here, but it is not");
                Err(Error::tensor(join(directory, shard), name, message))
            }
            None => Self::with(storage, path, files, places).await,
        }
    }

    /// The path of the single file, or of the index.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The files, sorted by name.
    pub fn files(&self) -> &[SafetensorsFile] {
        &self.files
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.places.keys().map(String::as_str)
    }

    /// A tensor's file, and what it says about the tensor.
    pub fn get(&self, name: &str) -> Option<(&SafetensorsFile, &TensorInfo)> {
        let place = self.places.get(name)?;
        let file = &self.files[place.file];
        Some((file, file.tensors().get(&place.name)?))
    }

    /// Whether the head uses the embedding: there is no `lm_head.weight`, or it is a copy of the
    /// embedding and the configuration ties the two. transformers 5 writes that it does for every T5,
    /// also where the head is its own.
    pub fn tied(&self, config: &T5Config) -> bool {
        !self.places.contains_key(HEAD) || (self.head_is_copy && config.tie_word_embeddings)
    }

    /// What an adapter records of its base: that of its tensors, whatever files they are in. That of a
    /// converted model is its source's. See [`same_base`].
    ///
    /// It has five parts with dashes between them, all but one in hexadecimal: 16 digits of SHA-256 over
    /// all names and shapes and the first numbers of each tensor, as they are; the same over those
    /// numbers rounded to bf16; and to f16; the type that the embedding has; and over a few small tensors
    /// alone, which was all that the first versions recorded.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn hash(&self, storage: &dyn Storage) -> Result<String> {
        if let [file] = self.files.as_slice()
            && let Some(source) = file.metadata().get(BASE_HASH)
        {
            return Ok(source.clone());
        }
        let mut hashes: [Sha256; 3] = Default::default();
        let is_copy = |name: &str| IGNORED.contains(&name) || (self.head_is_copy && name == HEAD);
        for (name, place) in self.places.iter().filter(|(name, _)| !is_copy(name)) {
            let file = &self.files[place.file];
            let head = file.head(storage, &place.name, HASHED).await?;
            let shape = file.info(&place.name)?.shape.iter();
            let layout =
                format!("{name} {}\n", shape.map(usize::to_string).collect::<Vec<_>>().join(" "));
            hashes.iter_mut().for_each(|hash| hash.update(&layout));
            let [exact, rounded, half] = &mut hashes;
            for value in head {
                exact.update(value.to_le_bytes());
                rounded.update(bf16::from_f32(value).to_le_bytes());
                half.update(f16::from_f32(value).to_le_bytes());
            }
        }
        let mut telling = Sha256::new();
        for name in TELLING.iter().filter(|name| self.places.contains_key(**name)) {
            for value in self.read_f32(storage, name).await? {
                telling.update(value.to_le_bytes());
            }
        }
        let dtype = self.get(SHARED).map_or(Dtype::F32, |(_, info)| info.dtype);
        let [exact, rounded, half] = hashes.map(|hash| hex(&hash.finalize()));
        Ok(format!("{exact:.16}-{rounded:.16}-{half:.16}-{dtype}-{:.16}", hex(&telling.finalize())))
    }

    /// Checks that the tensors are these, of these shapes and of a float type, and no others. Those
    /// named `optional` may be there too, of any shape, and so may those that transformers ignores.
    ///
    /// # Errors
    /// [`Error::Tensor`], which names the first that is missing, misshapen or surplus.
    pub fn check(&self, expected: &[(String, Vec<usize>)], optional: &[&str]) -> Result<()> {
        let floats = expected.iter().cloned().map(|(name, shape)| (name, shape, None));
        self.check_types(&floats.collect::<Vec<_>>(), optional)
    }

    /// As [`WeightFiles::check`], for a model as its configuration says it is.
    ///
    /// # Errors
    /// As there.
    pub fn check_model(&self, config: &T5Config, expected: &[(String, Vec<usize>)]) -> Result<()> {
        let Some(dtype) = config.quantization else { return self.check(expected, &[]) };
        let mut all = Vec::new();
        for (name, shape) in expected.iter().cloned() {
            match integers(&name, &shape, dtype) {
                Some(format) => {
                    let Stored { numbers, scales } = Stored::of(format, &shape);
                    all.push((scale_name(&name), scales.1, Some(scales.0)));
                    all.push((name, numbers.1, Some(numbers.0)));
                }
                None => all.push((name, shape, None)),
            }
        }
        self.check_types(&all, &[])
    }

    /// `expected`: names, shapes, and the type where it is not to be one of the floats.
    fn check_types(
        &self,
        expected: &[(String, Vec<usize>, Option<Dtype>)],
        optional: &[&str],
    ) -> Result<()> {
        let missing: Vec<&String> = expected
            .iter()
            .map(|(name, ..)| name)
            .filter(|name| !self.places.contains_key(*name))
            .collect();
        if let Some(first) = missing.first() {
            let others = and_others(missing.len());
            let message = match names::other_kind(self.names()) {
                Some(kind) => format!("it is missing{others}: the model is {kind}"),
                None => {
                    let like = names::most_like(first, self.names());
                    let there =
                        like.map_or(String::new(), |like| format!("; the file has `{like}`"));
                    format!("it is missing{others}{there}")
                }
            };
            return Err(Error::tensor(&self.path, *first, message));
        }

        let quantised = expected.iter().any(|(.., dtype)| dtype.is_some());
        for (name, shape, dtype) in expected {
            let Some((file, info)) = self.get(name) else {
                continue;
            };
            if info.shape != *shape {
                let message = format!("its shape is {:?}; expected {shape:?}", info.shape);
                return Err(Error::tensor(file.path(), name, message));
            }
            let found = info.dtype;
            let expected = match dtype {
                Some(dtype) if *dtype == found => continue,
                Some(dtype) => format!("{dtype}, as config.json's `quantization_config` says"),
                None if found.is_float() => continue,
                None if !quantised && matches!(found, Dtype::I8 | Dtype::U8) => {
                    let why = "because config.json has no `quantization_config`";
                    format!("F32, F16, BF16 or F64, {why}")
                }
                None => "F32, F16, BF16 or F64".to_owned(),
            };
            let message = format!("it is of type {found}; expected {expected}");
            return Err(Error::tensor(file.path(), name, message));
        }

        let known: BTreeSet<&str> = (expected.iter().map(|(name, ..)| name.as_str()))
            .chain(optional.iter().copied())
            .chain(IGNORED)
            .chain(self.head_is_copy.then_some(HEAD))
            .collect();
        let surplus: Vec<&str> = self.names().filter(|name| !known.contains(name)).collect();
        match surplus.first().and_then(|name| Some((name, self.get(name)?.0))) {
            Some((first, file)) => {
                let named: Vec<String> =
                    surplus.iter().skip(1).take(3).map(|name| format!("`{name}`")).collect();
                let others = match surplus.len() {
                    1 => String::new(),
                    count if count <= 4 => format!(", and neither {}", named.join(", ")),
                    count => format!(", nor {} others, such as {}", count - 1, named.join(", ")),
                };
                let message = match names::other_kind(self.names()) {
                    Some(kind) => format!("the model is {kind}"),
                    None => format!("a model of this configuration has no such tensor{others}"),
                };
                Err(Error::tensor(file.path(), *first, message))
            }
            None => Ok(()),
        }
    }

    /// The scales of a matrix of integers, row by row.
    ///
    /// # Errors
    /// [`Error::Tensor`] for one that is not a finite number greater than 0, or other than 0 for 4-bit
    /// integers.
    pub async fn read_scales(
        &self,
        storage: &dyn Storage,
        name: &str,
        format: Format,
    ) -> Result<Vec<f32>> {
        let name = scale_name(name);
        let scales = self.read_f32(storage, &name).await?;
        let (wrong, expected): (fn(f32) -> bool, _) = match format {
            Format::Int4 => (|scale| scale == 0.0, "other than 0"),
            _ => (|scale| scale <= 0.0, "greater than 0"),
        };
        match scales.iter().position(|scale| wrong(*scale)) {
            Some(at) => {
                let path = self.get(&name).map_or(self.path(), |(file, _)| file.path());
                let message =
                    format!("element {at} is {}; expected a number {expected}", scales[at]);
                Err(Error::tensor(path, name, message))
            }
            None => Ok(scales),
        }
    }

    /// A tensor in parts of whole rows.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name.
    pub fn parts<'a>(&'a self, storage: &'a dyn Storage, name: &'a str) -> Result<Parts<'a>> {
        match self.places.get(name) {
            Some(place) => self.files[place.file].parts(storage, &place.name),
            None => Err(Error::tensor(&self.path, name, "it is missing")),
        }
    }

    /// A tensor's elements, row by row, as f32.
    ///
    /// # Errors
    /// Those of [`SafetensorsFile::read_f32`].
    pub async fn read_f32(&self, storage: &dyn Storage, name: &str) -> Result<Vec<f32>> {
        match self.places.get(name) {
            Some(place) => self.files[place.file].read_f32(storage, &place.name).await,
            None => Err(Error::tensor(&self.path, name, "it is missing")),
        }
    }
}

/// The files that an index names, sorted.
pub(super) fn shards(path: &str, index: &[u8]) -> Result<Vec<String>> {
    let shards: BTreeSet<String> = read_index(path, index)?.into_values().collect();
    Ok(shards.into_iter().collect())
}

/// Whether a hash that something was made with is that of this base: the same tensors, in whatever
/// files, or the same rounded to bf16 or f16.
pub fn same_base(recorded: &str, base: &str) -> bool {
    let parts = |hash: &str| hash.split('-').map(str::to_owned).collect::<Vec<_>>();
    match (&parts(recorded)[..], &parts(base)[..]) {
        _ if recorded == base => true,
        (
            [exact, rounded, half, dtype, _],
            [exact_here, rounded_here, half_here, dtype_here, _],
        ) => match dtype == dtype_here {
            true => exact == exact_here,
            false => rounded == rounded_here || half == half_here,
        },
        // What the first versions recorded, which tells as much as it can.
        ([telling, _], [.., _, _, _, telling_here])
        | ([.., _, _, _, telling], [telling_here, _]) => telling == telling_here,
        _ => false,
    }
}

/// Whether two hashes are those of one base in two precisions.
pub fn other_precision(recorded: &str, base: &str) -> Option<(String, String)> {
    let dtype = |hash: &str| Some(hash.split('-').nth(3)?.to_owned());
    let (was, is) = (dtype(recorded)?, dtype(base)?);
    (was != is && same_base(recorded, base)).then_some((was, is))
}

/// How a base differs from the one that something was made with, as far as their hashes tell.
pub(crate) fn what_differs(recorded: &str, base: &str) -> String {
    let parts = |hash: &str| hash.split('-').map(str::to_owned).collect::<Vec<_>>();
    match (&parts(recorded)[..], &parts(base)[..]) {
        ([_, _, _, was, _], [_, _, _, is, _]) if was != is => {
            format!(
                "that was in {was}, and this one, in {is}, is not the same rounded to another type"
            )
        }
        ([_, _, _, dtype, _], [_, _, _, _, _]) => {
            format!("both are in {dtype}, but tensors have other names, shapes or numbers")
        }
        ([_, _], [.., is, _]) => format!(
            "it was written by a first version, whose hash does not tell the same base in another type \
             from another base; this one is in {is}: take the base in the type that it had"
        ),
        _ => "their hashes do not tell how".to_owned(),
    }
}

/// Tensors and their shards, from an index.
fn read_index(path: &str, bytes: &[u8]) -> Result<BTreeMap<String, String>> {
    let fields = Fields::parse(path, bytes)?;
    let key = "weight_map";
    let Value::Object(map) = fields.need(key, fields.get(key))? else {
        return Err(fields.error(key, "expected an object of tensors and their files"));
    };
    let mut places = BTreeMap::new();
    for (name, file) in map {
        match file.as_str() {
            Some(file) if is_plain(file) => places.insert(name.clone(), file.to_owned()),
            _ => {
                let (name, file) = (short(name), short(file));
                let message = format!("`{name}` is in {file}; expected the name of a file beside");
                return Err(fields.error(key, message));
            }
        };
    }
    match places.values().collect::<BTreeSet<_>>().len() {
        files if files > MAX_SHARDS => {
            let message = format!("it names {files} files, more than {MAX_SHARDS}");
            Err(Error::format(path, message))
        }
        _ => Ok(places),
    }
}

/// Whether a name means a file of the same directory on every platform.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().all(plain) && !name.starts_with('.') && name.ends_with(".safetensors")
}

fn and_others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => ", and another one".to_owned(),
        count => format!(", and {} others", count - 1),
    }
}

#[cfg(test)]
mod tests;
