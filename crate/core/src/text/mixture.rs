//! Mixtures: several data sets that are trained on together, each at its rate.
//!
//! The rates are those of T5 (Raffel et al. 2020, arXiv:1910.10683, section 3.5.2: examples-proportional
//! mixing with an artificial limit K, and temperature-scaled mixing), as `mixing_rate_num_examples` of
//! google-research/text-to-text-transfer-transformer has them, times a weight:
//!
//! > rate of set i ∝ weightᵢ · min(nᵢ, capᵢ)^(1 / temperature)
//!
//! where nᵢ are the examples to train on. An **epoch** of a mixture has Σ min(nᵢ, capᵢ) examples, so
//! that one of a single set, or of sets without cap, weight and temperature, has each example once. How
//! many of them are of which set is drawn systematically: one number u in [0, 1) is drawn for the
//! epoch, and with R for the sum of the rates of the sets up to one, that set's examples end at
//! ⌊R · length + u⌋. A set's count therefore differs from its share by less than one, and is right on
//! average, however small the share. The examples of a set come in an order drawn for each pass over
//! it, and an epoch goes on where the one before has stopped.

use sha2::{Digest, Sha256};

use serde_json::{Map, Value};

use crate::{
    config::{DataConfig, RunConfig, from_toml, nearest, show},
    encoding,
    error::{Error, Result},
    rng::{Purpose, Random},
    storage::beside,
};

/// The ending of a mixture's file.
const ENDING: &str = ".toml";
/// The keys above the sets.
const KEYS: [&str; 3] = ["set", "temperature", "cap"];
/// The keys of a set that are the configuration's, for this set alone.
const DATA_KEYS: [&str; 9] = [
    "separator",
    "train",
    "validation",
    "validation_fraction",
    "template",
    "template_file",
    "source_field",
    "target_field",
    "reference_fields",
];
/// The keys of a set that are its own.
const SET_KEYS: [&str; 3] = ["name", "weight", "cap"];
/// Keys that say how rows become text: a set that has one of them has none from without.
const TEXT_KEYS: [&str; 4] = ["template", "template_file", "source_field", "target_field"];

/// The streams of random numbers of a mixture. Those of templates that take turns are 1 and 2.
const COUNTS: u64 = 3;
const TURNS: u64 = 4;
const ORDERS: u64 = 16;

/// Whether a file of rows is a mixture, by its name.
pub fn is_mixture(path: &str) -> bool {
    let start = path.len().saturating_sub(ENDING.len());
    path.get(start..).is_some_and(|ending| ending.eq_ignore_ascii_case(ENDING))
}

/// What a mixture's file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The sets, in the file's order.
    pub sets: Vec<Set>,
    /// Above 1 makes the rates more alike, below 1 less.
    pub temperature: f64,
}

/// A set of a mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// What it goes by: its file's name without an ending, unless it has another.
    pub name: String,
    /// Its files, and how its rows become examples.
    pub data: DataConfig,
    /// What its rate is multiplied by.
    pub weight: f64,
    /// The most examples that its rate counts.
    pub cap: Option<usize>,
}

impl Mixture {
    /// Reads a mixture's file. Paths in it are relative to it; what a set leaves out is as in `base`.
    ///
    /// # Errors
    /// [`Error::Format`] names the file, the set and the key; an unknown key is answered with the
    /// nearest one.
    pub fn parse(path: &str, bytes: &[u8], base: &DataConfig) -> Result<Self> {
        Self::read(path, encoding::text(path, bytes)?, base)
            .map_err(|message| Error::format(path, message))
    }

    fn read(path: &str, text: &str, base: &DataConfig) -> Result<Self, String> {
        let file: Map<String, Value> = from_toml(text)?;
        known(file.keys(), &KEYS, |key| match is_key_of_a_set(key) {
            true => Some(format!("`{key}` must stand in a [[set]]")),
            false => None,
        })?;
        let temperature = above_zero(file.get("temperature"), "temperature")?.unwrap_or(1.0);
        let cap = whole(file.get("cap"), "cap")?;
        let sets = match file.get("set") {
            Some(Value::Array(sets)) if !sets.is_empty() => sets.as_slice(),
            Some(Value::Object(_)) => return Err("a set is written [[set]], not [set]".to_owned()),
            _ => return Err("expected at least one [[set]] with `train`".to_owned()),
        };
        let mut read: Vec<Set> = Vec::new();
        for (index, set) in sets.iter().enumerate() {
            let Value::Object(keys) = set else {
                return Err(format!("set {}: expected a [[set]] with keys", index + 1));
            };
            let set = Set::read(path, keys, base, cap).map_err(|message| {
                let name =
                    keys.get("name").map_or_else(String::new, |name| format!(" ({})", show(name)));
                format!("set {}{name}: {message}", index + 1)
            })?;
            if read.iter().any(|other| other.name == set.name) {
                return Err(format!(
                    "set {}: there are two sets `{}`; give one another `name`",
                    index + 1,
                    set.name
                ));
            }
            read.push(set);
        }
        Ok(Self { sets: read, temperature })
    }
}

impl Set {
    fn read(
        path: &str,
        keys: &Map<String, Value>,
        base: &DataConfig,
        cap: Option<usize>,
    ) -> Result<Self, String> {
        let all: Vec<&str> = SET_KEYS.into_iter().chain(DATA_KEYS).collect();
        known(keys.keys(), &all, |key| match key {
            "temperature" => Some("`temperature` must stand above the sets".to_owned()),
            _ if RunConfig::keys().iter().any(|known| known.name == key) => {
                Some(format!("`{key}` is the same for all sets, and stands in no [[set]]"))
            }
            _ => None,
        })?;
        // The sets' own files; those of a run are the mixture's.
        let mut data = DataConfig { train: None, validation: None, ..base.clone() };
        if TEXT_KEYS.iter().any(|key| keys.contains_key(*key)) {
            (data.template, data.template_file) = (None, None);
            (data.source_field, data.target_field) = (None, None);
        }
        if keys.contains_key("validation") && !keys.contains_key("validation_fraction") {
            data.validation_fraction = None;
        }
        let mut config = RunConfig { data, ..RunConfig::default() };
        for key in DATA_KEYS {
            let Some(value) = keys.get(key) else { continue };
            config.set(key, value.clone()).map_err(|error| error.to_string())?;
        }
        config.validate().map_err(|error| error.to_string())?;
        let mut data = config.data;
        for (key, file) in [
            ("train", &mut data.train),
            ("validation", &mut data.validation),
            ("template_file", &mut data.template_file),
        ] {
            let Some(name) = file.as_mut().filter(|_| keys.contains_key(key)) else { continue };
            if name.is_empty() {
                return Err(format!("{key}: expected a file, found nothing"));
            }
            if is_mixture(name) {
                return Err(format!("{key}: found the mixture `{name}`, expected a file of rows"));
            }
            *name = beside(path, name);
        }
        let Some(train) = &data.train else {
            return Err("train: expected a file of rows, found nothing".to_owned());
        };
        let name = match keys.get("name") {
            None => stem(train).to_owned(),
            Some(Value::String(name)) if !name.trim().is_empty() => name.trim().to_owned(),
            Some(other) => return Err(format!("name: found {}, expected a text", show(other))),
        };
        Ok(Self {
            name,
            weight: above_zero(keys.get("weight"), "weight")?.unwrap_or(1.0),
            cap: whole(keys.get("cap"), "cap")?.or(cap),
            data,
        })
    }
}

fn is_key_of_a_set(key: &str) -> bool {
    SET_KEYS.contains(&key) || DATA_KEYS.contains(&key)
}

/// A file's name without its folder and ending.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// Refuses a key that is not among these, in words of its own or with the nearest one.
fn known<'a>(
    mut keys: impl Iterator<Item = &'a String>,
    among: &[&str],
    words: impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let Some(key) = keys.find(|key| !among.contains(&key.as_str())) else { return Ok(()) };
    Err(words(key).unwrap_or_else(|| match nearest(key, among.iter().copied()) {
        Some(name) => format!("`{key}`: there is no such key; did you mean `{name}`?"),
        None => format!("`{key}`: there is no such key; there are {}", among.join(", ")),
    }))
}

fn above_zero(value: Option<&Value>, key: &str) -> Result<Option<f64>, String> {
    let Some(value) = value else { return Ok(None) };
    match value.as_f64().filter(|number| *number > 0.0 && number.is_finite()) {
        Some(number) => Ok(Some(number)),
        None => Err(format!("{key}: found {}, expected a number greater than 0", show(value))),
    }
}

fn whole(value: Option<&Value>, key: &str) -> Result<Option<usize>, String> {
    let Some(value) = value else { return Ok(None) };
    match value.as_u64().filter(|number| *number > 0) {
        Some(number) => Ok(Some(usize::try_from(number).unwrap_or(usize::MAX))),
        None => Err(format!("{key}: found {}, expected a whole number from 1", show(value))),
    }
}

/// How sets of these sizes are mixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixing {
    sizes: Vec<usize>,
    rates: Vec<f64>,
    epoch_length: usize,
}

impl Mixing {
    /// Of sets as (examples, weight, cap), none of them empty.
    pub fn new(sets: &[(usize, f64, Option<usize>)], temperature: f64) -> Self {
        let capped =
            |(size, _, cap): &(usize, f64, Option<usize>)| cap.map_or(*size, |cap| cap.min(*size));
        // By logarithms, and not below where all goes to one set anyway: a temperature near 0 makes
        // numbers that are too large otherwise.
        let temperature = temperature.max(1e-9);
        let logarithms: Vec<f64> =
            (sets.iter()).map(|set| (capped(set) as f64).ln() / temperature + set.1.ln()).collect();
        let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = logarithms.iter().map(|log| (log - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        Self {
            sizes: sets.iter().map(|set| set.0).collect(),
            rates: powers.iter().map(|power| power / sum).collect(),
            epoch_length: sets.iter().map(capped).sum(),
        }
    }

    /// The part of each set in what is trained on; together they are 1.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// How many examples an epoch has.
    pub fn epoch_length(&self) -> usize {
        self.epoch_length
    }

    /// The places of an epoch's examples among those of all sets, one set after the other: the sets
    /// in random turns, each in a random order where `shuffle` asks for it, else in its own.
    pub fn epoch(&self, seed: u64, epoch: u64, shuffle: bool) -> Vec<usize> {
        let mut before = vec![0; self.sizes.len()];
        for earlier in 0..epoch {
            let counts = self.counts(seed, earlier);
            before.iter_mut().zip(counts).for_each(|(before, count)| *before += count);
        }
        let counts = self.counts(seed, epoch);
        let mut turns: Vec<usize> =
            counts.iter().enumerate().flat_map(|(set, count)| vec![set; *count]).collect();
        Random::new(seed, Purpose::Mixture, epoch, TURNS).shuffle(&mut turns);

        let mut start = 0;
        let mut sets = Vec::new();
        for (set, (&size, &from)) in self.sizes.iter().zip(&before).enumerate() {
            sets.push((from..from + counts[set]).map(passes(seed, set, size, shuffle, start)));
            start += size;
        }
        turns.iter().filter_map(|set| sets[*set].next()).collect()
    }

    /// How many examples of each set an epoch has.
    fn counts(&self, seed: u64, epoch: u64) -> Vec<usize> {
        let drawn = Random::new(seed, Purpose::Mixture, epoch, COUNTS).uniform_f64();
        let (mut sum, mut ended) = (0.0, 0);
        let mut counts = Vec::with_capacity(self.rates.len());
        for (set, rate) in self.rates.iter().enumerate() {
            sum += rate;
            let end = match set + 1 == self.rates.len() {
                true => self.epoch_length,
                false => (sum * self.epoch_length as f64 + drawn).floor() as usize,
            };
            let end = end.clamp(ended, self.epoch_length);
            counts.push(end - ended);
            ended = end;
        }
        counts
    }

    /// Adds the rates to a hash.
    pub(crate) fn hash(&self, hasher: &mut Sha256) {
        hasher.update((self.epoch_length as u64).to_le_bytes());
        self.rates.iter().for_each(|rate| hasher.update(rate.to_le_bytes()));
    }
}

/// The place of a set's example by how many were taken before, in pass after pass over the set.
fn passes(
    seed: u64,
    set: usize,
    size: usize,
    shuffle: bool,
    start: usize,
) -> impl FnMut(usize) -> usize {
    let mut kept: Option<(usize, Vec<usize>)> = None;
    move |taken| {
        let (pass, place) = (taken / size, taken % size);
        if !shuffle {
            return start + place;
        }
        if kept.as_ref().is_none_or(|(kept, _)| *kept != pass) {
            let mut order: Vec<usize> = (0..size).collect();
            Random::new(seed, Purpose::Mixture, pass as u64, ORDERS + set as u64)
                .shuffle(&mut order);
            kept = Some((pass, order));
        }
        start + kept.as_ref().map_or(place, |(_, order)| order[place])
    }
}

#[cfg(test)]
mod tests;
