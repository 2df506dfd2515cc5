//! Data sets: where examples come from, and how long each is. The texts and tokens themselves are
//! read when a batch is due, so that a data set takes a few dozen bytes a row, however long its rows.

mod file;

use std::{fmt, ops::Range, rc::Rc};

use sha2::{Digest, Sha256};

pub(crate) use self::file::File;
use crate::{
    error::{Error, Result},
    rng::{Purpose, Random},
    text::{
        example::{Example, Outcome},
        mixture::Mixing,
        notice::Notices,
        rows::Skipped,
        warning::Warning,
    },
};

/// The examples of a file, or of several files, or a part of them.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// The file's name, for messages.
    pub name: String,
    /// The sets that it is made of, one after the other: one, unless it is a mixture.
    parts: Vec<Part>,
    /// The examples, in the files' order.
    entries: Vec<Entry>,
    /// Rows that could not be used, where that was allowed.
    pub skipped: Skipped,
    /// How many rows were left out because a text was too long.
    pub dropped: usize,
    /// How many rows no template had a text for.
    pub without_text: usize,
    /// How many examples were held out of it, to validate with.
    pub held_out: usize,
    /// How the sets of a mixture are mixed.
    mixing: Option<Mixing>,
    /// Hashes of all tokens of the files, before any were held out.
    hashes: Vec<[u8; 32]>,
    /// What there is to say of the files' texts.
    notices: Vec<Rc<Notices>>,
}

/// A set of a mixture, or the only one.
#[derive(Clone)]
struct Part {
    name: String,
    file: Rc<File>,
    /// Which of the entries are its.
    entries: Range<usize>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({}, {:?})", self.name, self.entries)
    }
}

/// What is kept of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Which of the file's rows, from 0.
    row: u32,
    /// Its source's tokens.
    source: u32,
    /// Its target's tokens.
    target: u32,
    source_cut: bool,
    target_cut: bool,
}

impl Dataset {
    /// Renders and tokenises the rows of a file once, for their lengths.
    ///
    /// # Errors
    /// As [`File::each`]; [`Error::Format`] where all rows are bad.
    pub(crate) async fn measure(name: impl Into<String>, file: File) -> Result<Self> {
        let mut set =
            Self { name: name.into(), skipped: file.skipped().clone(), ..Self::default() };
        let mut hasher = Sha256::new();
        let mut notices = file.notices();
        let skip_bad_rows = file.settings().reading.skip_bad_rows;
        file.each(&mut |outcome| {
            match outcome {
                Ok(Outcome::Example(example)) => {
                    notices.note(&example, file.line(example.row), file.tokenizer());
                    for tokens in [&example.source, &example.target] {
                        hasher.update((tokens.len() as u64).to_le_bytes());
                        tokens.iter().for_each(|token| hasher.update(token.to_le_bytes()));
                    }
                    set.entries.push(Entry {
                        row: u32::try_from(example.row).unwrap_or(u32::MAX),
                        source: example.source.len() as u32,
                        target: example.target.len() as u32,
                        source_cut: example.source_cut,
                        target_cut: example.target_cut,
                    });
                }
                Ok(Outcome::Dropped) => set.dropped += 1,
                Ok(Outcome::WithoutText) => set.without_text += 1,
                Err(error) => {
                    let of_row = matches!(error, Error::Template { .. } | Error::Row { .. });
                    if !(skip_bad_rows && of_row) {
                        return Err(error);
                    }
                    set.skipped.add(&error);
                }
            }
            Ok(())
        })
        .await?;
        if let (true, Some(first)) = (set.entries.is_empty(), set.skipped.first.first()) {
            let message = format!("no row can be used; the first: {first}");
            return Err(Error::format(file.name(), message));
        }
        set.entries.shrink_to_fit();
        set.hashes.push(hasher.finalize().into());
        set.notices.push(Rc::new(notices));
        let (name, entries) = (set.name.clone(), 0..set.entries.len());
        set.parts.push(Part { name, file: Rc::new(file), entries });
        Ok(set)
    }

    /// Several sets, one after the other.
    pub(crate) fn join(name: impl Into<String>, sets: impl IntoIterator<Item = Self>) -> Self {
        let mut joined = Self { name: name.into(), ..Self::default() };
        for set in sets {
            let before = joined.entries.len();
            joined.entries.extend(set.entries);
            joined.parts.extend(set.parts.into_iter().map(|part| {
                let entries = part.entries.start + before..part.entries.end + before;
                Part { entries, ..part }
            }));
            joined.skipped.merge(&set.skipped);
            joined.dropped += set.dropped;
            joined.without_text += set.without_text;
            joined.held_out += set.held_out;
            joined.hashes.extend(set.hashes);
            joined.notices.extend(set.notices);
        }
        joined
    }

    /// The same examples, mixed.
    pub(crate) fn mixed(self, mixing: Mixing) -> Self {
        Self { mixing: Some(mixing), ..self }
    }

    /// What a user should know about the rows: each thing once, with its count.
    pub fn warnings(&self) -> Vec<Warning> {
        let left_out = self.skipped.count + self.dropped + self.without_text;
        let rows = self.len() + self.held_out + left_out;
        let examples = self.len();
        let first = self.skipped.first.first().map_or("", String::as_str);
        [
            (
                "skipped_rows",
                self.skipped.count,
                format!("of {rows} rows were skipped because they are bad; the first: {first}"),
            ),
            (
                "dropped_rows",
                self.dropped,
                format!("of {rows} rows were dropped because a text has too many tokens"),
            ),
            (
                "rows_without_text",
                self.without_text,
                format!("of {rows} rows were left out because no template has a text for them"),
            ),
            (
                "cut_sources",
                self.cut_sources(),
                format!("of {examples} sources were cut to max_source_tokens"),
            ),
            (
                "cut_targets",
                self.cut_targets(),
                format!("of {examples} targets were cut to max_target_tokens"),
            ),
        ]
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(code, count, what)| Warning { code, message: format!("{count} {what}"), count })
        .chain(self.notices.iter().flat_map(|notices| notices.warnings()))
        .collect()
    }

    /// That there is something to work with.
    ///
    /// # Errors
    /// [`Error::Format`] says why there is not.
    pub fn check_not_empty(&self) -> Result<()> {
        if !self.is_empty() {
            return Ok(());
        }
        let why: Vec<String> = self.warnings().into_iter().map(|warning| warning.message).collect();
        let why = if why.is_empty() { "it has none".to_owned() } else { why.join("; ") };
        Err(Error::format(&self.name, format!("no row is left to work with: {why}")))
    }

    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many sources were cut.
    pub fn cut_sources(&self) -> usize {
        self.entries.iter().filter(|entry| entry.source_cut).count()
    }

    /// How many targets were cut.
    pub fn cut_targets(&self) -> usize {
        self.entries.iter().filter(|entry| entry.target_cut).count()
    }

    /// The tokens of the source and of the target of the example at this place.
    pub fn length(&self, place: usize) -> (usize, usize) {
        self.entries
            .get(place)
            .map_or((0, 0), |entry| (entry.source as usize, entry.target as usize))
    }

    /// The lengths of each example's source and target, in tokens.
    pub fn lengths(&self) -> Vec<(usize, usize)> {
        (0..self.len()).map(|place| self.length(place)).collect()
    }

    /// The names of the sets with the places of their examples.
    pub fn sets(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.parts.iter().map(|part| (part.name.as_str(), part.entries.clone()))
    }

    /// The example at a place, read and tokenised again.
    ///
    /// # Errors
    /// Those of the file; [`Error::Format`] where it is no longer what it was.
    pub async fn example(&self, place: usize) -> Result<Example> {
        let part = self.parts.iter().find(|part| part.entries.contains(&place));
        let (Some(part), Some(entry)) = (part, self.entries.get(place)) else {
            return Err(Error::format(&self.name, format!("there is no example {place}")));
        };
        let changed = |how: String| {
            Error::format(part.file.name(), format!("the file has changed since it was read{how}"))
        };
        match part.file.example(entry.row as usize).await {
            Ok(Outcome::Example(example))
                if (example.source.len(), example.target.len()) == self.length(place) =>
            {
                Ok(*example)
            }
            Ok(_) => Err(changed(String::new())),
            Err(error @ Error::NotFound { .. }) => Err(error),
            Err(error) => Err(changed(format!("; {}", part.file.said(error)))),
        }
    }

    /// The examples at these places.
    ///
    /// # Errors
    /// As [`Dataset::example`].
    pub async fn examples(&self, places: &[usize]) -> Result<Vec<Example>> {
        let mut examples = Vec::with_capacity(places.len());
        for place in places {
            examples.push(self.example(*place).await?);
        }
        Ok(examples)
    }

    /// The first places, at most `count`, taken evenly from the sets of a mixture.
    pub fn first(&self, count: usize) -> Vec<usize> {
        let (mut room, mut taken) = (count, vec![0; self.parts.len()]);
        while room > 0 {
            let open: Vec<usize> = (0..taken.len())
                .filter(|set| taken[*set] < self.parts[*set].entries.len())
                .collect();
            if open.is_empty() {
                break;
            }
            let share = (room / open.len()).max(1);
            for set in open.into_iter().take(room) {
                let more = share.min(self.parts[set].entries.len() - taken[set]);
                taken[set] += more;
                room -= more;
            }
        }
        let places = |(part, taken): (&Part, usize)| part.entries.start..part.entries.start + taken;
        self.parts.iter().zip(taken).flat_map(places).collect()
    }

    /// How many examples an epoch has: all of them once, unless they are mixed.
    pub fn epoch_length(&self) -> usize {
        self.mixing.as_ref().map_or(self.len(), Mixing::epoch_length)
    }

    /// About how many tokens an epoch has, sources and targets.
    pub fn epoch_tokens(&self) -> f64 {
        let tokens = |places: Range<usize>| -> usize {
            places.map(|place| self.length(place)).map(|(source, target)| source + target).sum()
        };
        let Some(mixing) = &self.mixing else { return tokens(0..self.len()) as f64 };
        let mean = |places: Range<usize>| tokens(places.clone()) as f64 / places.len() as f64;
        let of_a_row =
            self.sets().zip(mixing.rates()).map(|((_, places), rate)| mean(places) * rate);
        of_a_row.sum::<f64>() * self.epoch_length() as f64
    }

    /// The places of an epoch's examples, before they are shuffled: each once, unless sets are mixed.
    pub fn epoch(&self, seed: u64, epoch: u64, shuffle: bool) -> Vec<usize> {
        match &self.mixing {
            None => (0..self.len()).collect(),
            Some(mixing) => mixing.epoch(seed, epoch, shuffle),
        }
    }

    /// How the sets are mixed, where they are.
    pub fn mixing(&self) -> Option<&Mixing> {
        self.mixing.as_ref()
    }

    /// Parts the examples at random into those to train on and those to validate with, each in the
    /// file's order. With a fraction above 0 and two examples or more, each part has at least one.
    ///
    /// # Errors
    /// [`Error::Setting`] for a fraction outside [0, 1).
    pub(crate) fn split(self, validation_fraction: f64, seed: u64) -> Result<(Self, Self)> {
        if !(0.0..1.0).contains(&validation_fraction) {
            let message = format!("expected at least 0 and below 1, found {validation_fraction}");
            return Err(Error::setting("validation_fraction", message));
        }
        let is_held_out = held_out(self.len(), validation_fraction, seed);
        let part = |held_out: bool| -> Vec<Entry> {
            let pairs = self.entries.iter().zip(&is_held_out);
            pairs.filter(|(_, held)| **held == held_out).map(|(entry, _)| *entry).collect()
        };
        let with = |entries: Vec<Entry>, set: Self| {
            let all = 0..entries.len();
            let parts = self.parts.iter().map(|part| Part { entries: all.clone(), ..part.clone() });
            Self { name: self.name.clone(), parts: parts.collect(), entries, ..set }
        };
        let (train, validation) = (part(false), part(true));
        let counted = Self {
            skipped: self.skipped.clone(),
            dropped: self.dropped,
            without_text: self.without_text,
            held_out: validation.len(),
            hashes: self.hashes.clone(),
            notices: self.notices.clone(),
            ..Self::default()
        };
        Ok((with(train, counted), with(validation, Self::default())))
    }

    /// Adds what decides the examples and their mixing to a hash.
    pub(crate) fn hash(&self, hasher: &mut Sha256) {
        hasher.update((self.hashes.len() as u64).to_le_bytes());
        self.hashes.iter().for_each(|hash| hasher.update(hash));
        if let Some(mixing) = &self.mixing {
            mixing.hash(hasher);
        }
    }
}

/// Which of `count` rows are held out for validation, as data sets are split.
pub fn held_out(count: usize, validation_fraction: f64, seed: u64) -> Vec<bool> {
    let parts = parts(count, &[validation_fraction], seed);
    parts.into_iter().map(|part| part == Some(0)).collect()
}

/// How many of `count` rows are a part of this fraction, drawn from the `left` that no other part has.
pub(crate) fn part_of(count: usize, left: usize, fraction: f64) -> usize {
    match left {
        0 | 1 => 0,
        _ if fraction == 0.0 => 0,
        left => ((count as f64 * fraction).round() as usize).clamp(1, left - 1),
    }
}

/// Which of `count` rows are drawn into which of the parts of these fractions; the rest are in none.
/// A part of more than nothing has at least one row, and so has the rest, as long as there are
/// enough.
pub fn parts(count: usize, fractions: &[f64], seed: u64) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..count).collect();
    Random::new(seed, Purpose::Split, 0, 0).shuffle(&mut order);
    let mut parts = vec![None; count];
    let mut rest = order.as_slice();
    for (part, fraction) in fractions.iter().enumerate() {
        let (drawn, left) = rest.split_at(part_of(count, rest.len(), *fraction));
        drawn.iter().for_each(|index| parts[*index] = Some(part));
        rest = left;
    }
    parts
}

#[cfg(test)]
mod tests;
