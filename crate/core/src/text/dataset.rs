//! Data sets: rows rendered and tokenised.

use serde::{Deserialize, Serialize};

use crate::{
    config::OnTooLong,
    error::{Error, Result},
    rng::{Purpose, Random},
    text::{
        rows::{Row, Rows, Skipped, kind},
        template::Rendered,
        templates::Templates,
        tokenizer::Tokenizer,
    },
};

/// How rows become examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// The most tokens of a source, the closing `</s>` counted.
    pub max_source_tokens: usize,
    /// The most tokens of a target, the closing `</s>` counted.
    pub max_target_tokens: usize,
    /// What happens to a text that has more.
    pub on_too_long: OnTooLong,
    /// Whether a row that does not render is counted and passed over.
    pub skip_bad_rows: bool,
    /// The fields that hold references to score against, each a text or a list of texts. None: the
    /// target is the reference.
    pub reference_fields: Vec<String>,
    /// Only the first rows.
    pub limit: Option<usize>,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            max_source_tokens: 512,
            max_target_tokens: 128,
            on_too_long: OnTooLong::Truncate,
            skip_bad_rows: false,
            reference_fields: Vec::new(),
            limit: None,
        }
    }
}

/// A row, tokenised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Which of the file's rows, from 0.
    pub row: usize,
    /// The source's token ids, `</s>` last.
    pub source: Vec<u32>,
    /// The target's token ids, `</s>` last; none where there is only a source.
    pub target: Vec<u32>,
    /// The source, whole.
    pub source_text: String,
    /// The target, whole.
    pub target_text: String,
    /// What a prediction is scored against: at least one, except where there is only a source.
    pub references: Vec<String>,
    /// Whether the source was cut.
    pub source_cut: bool,
    /// Whether the target was cut.
    pub target_cut: bool,
}

/// Tokenised rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataset {
    /// The file's name, for messages.
    pub name: String,
    /// The examples, in the file's order.
    pub examples: Vec<Example>,
    /// Rows that could not be used, where that was allowed.
    pub skipped: Skipped,
    /// How many rows were left out because a text was too long.
    pub dropped: usize,
    /// How many rows no template had a text for.
    pub without_text: usize,
}

/// Something about the rows that a user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A short name for programs.
    pub code: &'static str,
    /// What it is.
    pub message: String,
    /// How many rows it is about.
    pub count: usize,
}

/// Whether a text had too many tokens, and was left out therefore.
enum Fit {
    Whole(Vec<u32>),
    Cut(Vec<u32>),
    Dropped,
}

/// What became of a row.
enum Outcome {
    Example(Box<Example>),
    Dropped,
    WithoutText,
}

impl Dataset {
    /// Renders and tokenises rows.
    ///
    /// # Errors
    /// [`Error::Setting`] for a limit of tokens that leaves no room for text, and for a text that is
    /// too long where that is an error; [`Error::Template`] for a row that does not render, which is
    /// named; [`Error::Row`] where references are missing; [`Error::Format`] where all rows are bad.
    pub fn build(
        rows: &Rows,
        templates: &Templates,
        tokenizer: &Tokenizer,
        settings: &DataSettings,
    ) -> Result<Self> {
        Self::collect(rows, settings, |index, row, place| {
            let Some(Rendered { source, target }) = templates.render(index, row)? else {
                return Ok(Outcome::WithoutText);
            };
            let references = references(row, &settings.reference_fields)
                .map_err(|message| Error::Row { path: rows.name.clone(), line: row.line, message })?
                .unwrap_or_else(|| vec![target.clone()]);
            let Some(prompt) = prompt(index, place, source, tokenizer, settings)? else {
                return Ok(Outcome::Dropped);
            };
            let limit = ("max_target_tokens", settings.max_target_tokens);
            let fit = within(tokenizer, &target, limit, settings.on_too_long, place)?;
            let (target_ids, target_cut) = match fit {
                Fit::Whole(ids) => (ids, false),
                Fit::Cut(ids) => (ids, true),
                Fit::Dropped => return Ok(Outcome::Dropped),
            };
            Ok(Outcome::Example(Box::new(Example {
                target: target_ids,
                target_text: target,
                references,
                target_cut,
                ..prompt
            })))
        })
    }

    /// Renders and tokenises only the sources, for generation: rows may lack what the target needs.
    ///
    /// # Errors
    /// As [`Dataset::build`].
    pub fn prompts(
        rows: &Rows,
        templates: &Templates,
        tokenizer: &Tokenizer,
        settings: &DataSettings,
    ) -> Result<Self> {
        Self::collect(rows, settings, |index, row, place| {
            let Some(source) = templates.render_source(index, row)? else {
                return Ok(Outcome::WithoutText);
            };
            let example = prompt(index, place, source, tokenizer, settings)?;
            Ok(example.map_or(Outcome::Dropped, |example| Outcome::Example(Box::new(example))))
        })
    }

    /// Examples of texts as they are, without references.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`], and [`Error::Setting`] for a text that is too long where that is an
    /// error.
    pub fn from_texts(
        name: impl Into<String>,
        texts: impl IntoIterator<Item = String>,
        tokenizer: &Tokenizer,
        settings: &DataSettings,
    ) -> Result<Self> {
        let mut set = Self { name: name.into(), ..Self::default() };
        for (index, text) in texts.into_iter().enumerate() {
            let place = format!("prompt {}", index + 1);
            match prompt(index, &place, text, tokenizer, settings)? {
                Some(example) => set.examples.push(example),
                None => set.dropped += 1,
            }
        }
        Ok(set)
    }

    fn collect(
        rows: &Rows,
        settings: &DataSettings,
        mut outcome: impl FnMut(usize, &Row, &str) -> Result<Outcome>,
    ) -> Result<Self> {
        for (key, tokens) in [
            ("max_source_tokens", settings.max_source_tokens),
            ("max_target_tokens", settings.max_target_tokens),
        ] {
            if tokens < 2 {
                let message = format!("expected at least 2 (one, and `</s>`), found {tokens}");
                return Err(Error::setting(key, message));
            }
        }
        let mut set =
            Self { name: rows.name.clone(), skipped: rows.skipped.clone(), ..Self::default() };
        let limit = settings.limit.unwrap_or(usize::MAX);
        for (index, row) in rows.rows.iter().take(limit).enumerate() {
            let place = format!("{}, line {}", rows.name, row.line);
            match outcome(index, row, &place) {
                Ok(Outcome::Example(example)) => set.examples.push(*example),
                Ok(Outcome::Dropped) => set.dropped += 1,
                Ok(Outcome::WithoutText) => set.without_text += 1,
                Err(error) => {
                    let error = match error {
                        Error::Template { message } => {
                            Error::Template { message: format!("{place}: {message}") }
                        }
                        other => other,
                    };
                    let of_row = matches!(error, Error::Template { .. } | Error::Row { .. });
                    if !(settings.skip_bad_rows && of_row) {
                        return Err(error);
                    }
                    set.skipped.add(&error);
                }
            }
        }
        match (set.examples.is_empty(), set.skipped.first.first()) {
            (true, Some(first)) => {
                let message = format!("no row can be used; the first: {first}");
                Err(Error::format(set.name, message))
            }
            _ => Ok(set),
        }
    }

    /// What a user should know about the rows: each thing once, with its count.
    pub fn warnings(&self) -> Vec<Warning> {
        let rows = self.len() + self.skipped.count + self.dropped + self.without_text;
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
        .collect()
    }

    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// How many sources were cut.
    pub fn cut_sources(&self) -> usize {
        self.examples.iter().filter(|example| example.source_cut).count()
    }

    /// How many targets were cut.
    pub fn cut_targets(&self) -> usize {
        self.examples.iter().filter(|example| example.target_cut).count()
    }

    /// The lengths of each example's source and target, in tokens.
    pub fn lengths(&self) -> Vec<(usize, usize)> {
        self.examples.iter().map(|example| (example.source.len(), example.target.len())).collect()
    }

    /// Parts the examples at random into those to train on and those to validate with, each in the
    /// file's order. With a fraction above 0 and two examples or more, each part has at least one.
    ///
    /// # Errors
    /// [`Error::Setting`] for a fraction outside [0, 1).
    pub fn split(self, validation_fraction: f64, seed: u64) -> Result<(Self, Self)> {
        if !(0.0..1.0).contains(&validation_fraction) {
            let message = format!("expected at least 0 and below 1, found {validation_fraction}");
            return Err(Error::setting("validation_fraction", message));
        }
        let is_held_out = held_out(self.len(), validation_fraction, seed);
        let mut train =
            Self { examples: Vec::with_capacity(self.len()), ..self.without_examples() };
        let mut validation = Self { name: self.name, ..Self::default() };
        for (example, held_out) in self.examples.into_iter().zip(is_held_out) {
            let part = if held_out { &mut validation } else { &mut train };
            part.examples.push(example);
        }
        Ok((train, validation))
    }

    /// Its name and counts.
    fn without_examples(&self) -> Self {
        Self {
            name: self.name.clone(),
            examples: Vec::new(),
            skipped: self.skipped.clone(),
            dropped: self.dropped,
            without_text: self.without_text,
        }
    }
}

/// Which of `count` rows are held out for validation, as [`Dataset::split`] parts them.
pub fn held_out(count: usize, validation_fraction: f64, seed: u64) -> Vec<bool> {
    let wanted = (count as f64 * validation_fraction).round() as usize;
    let number = match count {
        0 | 1 => 0,
        _ if validation_fraction == 0.0 => 0,
        _ => wanted.clamp(1, count - 1),
    };
    let mut order: Vec<usize> = (0..count).collect();
    Random::new(seed, Purpose::Split, 0, 0).shuffle(&mut order);
    let mut is_held_out = vec![false; count];
    order[..number].iter().for_each(|index| is_held_out[*index] = true);
    is_held_out
}

/// The example of a source alone; none where it is too long and left out.
fn prompt(
    row: usize,
    place: &str,
    source_text: String,
    tokenizer: &Tokenizer,
    settings: &DataSettings,
) -> Result<Option<Example>> {
    let limit = ("max_source_tokens", settings.max_source_tokens);
    let (source, source_cut) =
        match within(tokenizer, &source_text, limit, settings.on_too_long, place)? {
            Fit::Whole(ids) => (ids, false),
            Fit::Cut(ids) => (ids, true),
            Fit::Dropped => return Ok(None),
        };
    Ok(Some(Example {
        row,
        source,
        target: Vec::new(),
        source_text,
        target_text: String::new(),
        references: Vec::new(),
        source_cut,
        target_cut: false,
    }))
}

/// The tokens of a text, no more than the limit (a key, and its value) allows.
fn within(
    tokenizer: &Tokenizer,
    text: &str,
    (key, limit): (&str, usize),
    on_too_long: OnTooLong,
    place: &str,
) -> Result<Fit> {
    if on_too_long == OnTooLong::Truncate {
        let (ids, cut) = tokenizer.encode_within(text, limit)?;
        return Ok(if cut { Fit::Cut(ids) } else { Fit::Whole(ids) });
    }
    let ids = tokenizer.encode(text)?;
    match on_too_long {
        OnTooLong::Drop if ids.len() > limit => Ok(Fit::Dropped),
        OnTooLong::Error if ids.len() > limit => {
            let message = format!("{place}: a text has {} tokens, {key} is {limit}", ids.len());
            Err(Error::setting("on_too_long", message))
        }
        _ => Ok(Fit::Whole(ids)),
    }
}

/// The texts of a row's reference fields; none where no field is asked for.
fn references(row: &Row, fields: &[String]) -> Result<Option<Vec<String>>, String> {
    use serde_json::Value;
    let mut texts = Vec::new();
    for name in fields {
        let value = row.fields.get(name).ok_or_else(|| {
            format!("there is no reference field `{name}`; the row has {}", row.field_names())
        })?;
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values {
            match value {
                Value::String(text) => texts.push(text.trim().to_owned()),
                Value::Number(number) => texts.push(number.to_string()),
                other => {
                    let found = kind(other);
                    return Err(format!(
                        "reference field `{name}`: expected a text, found {found}"
                    ));
                }
            }
        }
    }
    match (fields.is_empty(), texts.is_empty()) {
        (true, _) => Ok(None),
        (false, false) => Ok(Some(texts)),
        (false, true) => Err("the reference fields are empty lists".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{template::Template, tokenizer::tests::FLAN};

    fn rows(lines: &str) -> Rows {
        Rows::from_jsonl("rows.jsonl", lines.as_bytes()).unwrap()
    }

    fn numbered(count: usize) -> Dataset {
        let lines: String = (0..count).map(|n| format!("{{\"a\": {n}, \"b\": \"x\"}}\n")).collect();
        let template = Templates::from(Template::default_fields(None, None));
        Dataset::build(&rows(&lines), &template, &FLAN, &DataSettings::default()).unwrap()
    }

    #[test]
    fn rows_become_examples() {
        let rows = rows(
            "{\"text\": \"The cat sat on the mat.\", \"sum\": \"A cat.\", \"r\": [\"x\", \" y \"]}\n\n\
             {\"text\": \"a\", \"sum\": \"\", \"r\": 3}\n{\"text\": \"beyond the limit\"}",
        );
        let template = Templates::from(Template::parse("{{ text }} ||| {{ sum }}").unwrap());
        let settings = DataSettings {
            max_source_tokens: 5,
            max_target_tokens: 4,
            limit: Some(2),
            ..DataSettings::default()
        };
        let set = Dataset::build(&rows, &template, &FLAN, &settings).unwrap();
        assert_eq!((set.len(), set.cut_sources(), set.cut_targets()), (2, 1, 0));
        assert_eq!(set.examples[0].source, [37, 1712, 3, 7, 1]);
        assert_eq!(set.examples[0].source_text, "The cat sat on the mat.");
        assert_eq!(set.examples[0].references, ["A cat."]);
        assert_eq!(set.examples[1].target, [1]);
        assert_eq!(set.lengths(), [(5, 4), (3, 1)]);

        let settings =
            DataSettings { reference_fields: vec!["r".into(), "sum".into()], ..settings };
        let set = Dataset::build(&rows, &template, &FLAN, &settings).unwrap();
        assert_eq!(set.examples[0].references, ["x", "y", "A cat."]);
        assert_eq!(set.examples[1].references, ["3", ""]);

        let settings = DataSettings { limit: None, ..settings };
        let prompts = Dataset::prompts(&rows, &template, &FLAN, &settings).unwrap();
        assert_eq!(prompts.len(), 3);
        assert!(prompts.examples.iter().all(|e| e.target.is_empty() && e.references.is_empty()));
        let texts = Dataset::from_texts("-", ["a".to_owned()], &FLAN, &settings).unwrap();
        assert_eq!(texts.examples[0].source, [3, 9, 1]);
    }

    #[test]
    fn a_bad_row_is_named() {
        let template = Templates::from(Template::parse("{{ a }} ||| {{ b }}").unwrap());
        let build = |lines: &str, settings: DataSettings| {
            let error = Dataset::build(&rows(lines), &template, &FLAN, &settings).unwrap_err();
            error.to_string()
        };
        let lines = "{\"a\": 1, \"b\": 2}\n\n{\"a\": 1, \"c\": null, \"d\": []}";
        let message = build(lines, DataSettings::default());
        let expected = "template: rows.jsonl, line 3: there is no field `b`; the row has";
        assert!(message.starts_with(expected), "{message}");
        for (field, expected) in [
            ("e", "rows.jsonl, line 1: there is no reference field `e`; the row has `a`, `b`"),
            ("c", "rows.jsonl, line 1: reference field `c`: expected a text, found null"),
            ("d", "rows.jsonl, line 1: the reference fields are empty lists"),
        ] {
            let lines = match field {
                "e" => "{\"a\": 1, \"b\": 2}",
                _ => "{\"a\": 1, \"b\": 2, \"c\": null, \"d\": []}",
            };
            let reference_fields = vec![field.to_owned()];
            let message = build(lines, DataSettings { reference_fields, ..Default::default() });
            assert_eq!(message, expected);
        }
        let message = build(lines, DataSettings { max_target_tokens: 1, ..Default::default() });
        assert_eq!(message, "max_target_tokens: expected at least 2 (one, and `</s>`), found 1");
    }

    #[test]
    fn bad_rows_are_skipped_where_that_is_asked_for() {
        let template = Templates::from(Template::parse("{{ a }} ||| {{ b }}").unwrap());
        let settings = DataSettings { skip_bad_rows: true, ..DataSettings::default() };
        let lines = "{\"a\": 1, \"b\": 2}\n3\n{\"a\": 1}\n";
        let rows = Rows::read("rows.jsonl", lines.as_bytes(), true).unwrap();
        let set = Dataset::build(&rows, &template, &FLAN, &settings).unwrap();
        assert_eq!((set.len(), set.skipped.count), (1, 2));
        let [warning] = &set.warnings()[..] else { panic!("{:?}", set.warnings()) };
        assert_eq!((warning.code, warning.count), ("skipped_rows", 2));
        assert_eq!(
            warning.message,
            "2 of 3 rows were skipped because they are bad; the first: rows.jsonl, line 2: \
             expected a JSON object, found a number"
        );
        let rows = Rows::from_jsonl("rows.jsonl", b"{\"c\": 1}").unwrap();
        let error = Dataset::build(&rows, &template, &FLAN, &settings).unwrap_err();
        assert!(error.to_string().starts_with("rows.jsonl: no row can be used; the first: temp"));
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_kept_dropped_or_refused() {
        let rows = rows(
            "{\"source\": \"The cat sat on the mat.\", \"target\": \"a\"}\n\
             {\"source\": \"a\", \"target\": \"The cat sat on the mat.\"}\n\
             {\"source\": \"a\", \"target\": \"b\"}",
        );
        let template = Templates::from(Template::default_fields(None, None));
        let build = |on_too_long| {
            let settings = DataSettings {
                max_source_tokens: 5,
                max_target_tokens: 4,
                on_too_long,
                ..DataSettings::default()
            };
            Dataset::build(&rows, &template, &FLAN, &settings)
        };
        let codes = |set: &Dataset| -> Vec<_> {
            set.warnings().iter().map(|warning| (warning.code, warning.count)).collect()
        };
        let cut = build(OnTooLong::Truncate).unwrap();
        assert_eq!(codes(&cut), [("cut_sources", 1), ("cut_targets", 1)]);
        let kept = build(OnTooLong::Keep).unwrap();
        assert!(kept.lengths()[0].0 > 5 && kept.lengths()[1].1 > 4 && codes(&kept).is_empty());
        let dropped = build(OnTooLong::Drop).unwrap();
        assert_eq!((dropped.len(), dropped.examples[0].row), (1, 2));
        assert_eq!(codes(&dropped), [("dropped_rows", 2)]);
        let error = build(OnTooLong::Error).unwrap_err().to_string();
        let tokens = kept.lengths()[0].0;
        assert_eq!(
            error,
            format!(
                "on_too_long: rows.jsonl, line 1: a text has {tokens} tokens, max_source_tokens is 5"
            )
        );
    }

    #[test]
    fn a_split_parts_all_rows_by_the_seed() {
        for (count, fraction, expected) in [
            (100, 0.1, 10),
            (100, 0.0, 0),
            (2, 0.01, 1),
            (2, 0.99, 1),
            (3, 0.999, 2),
            (1, 0.5, 0),
            (0, 0.5, 0),
        ] {
            let (train, validation) = numbered(count).split(fraction, 7).unwrap();
            assert_eq!(validation.len(), expected, "{count} rows, {fraction}");
            let of = |set: &Dataset| set.examples.iter().map(|e| e.row).collect::<Vec<_>>();
            let (train, validation) = (of(&train), of(&validation));
            assert!(train.is_sorted() && validation.is_sorted());
            let mut all = [train, validation].concat();
            all.sort();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
        let held_out = |seed| numbered(100).split(0.1, seed).unwrap().1;
        assert_eq!(held_out(7), held_out(7));
        assert_ne!(held_out(7), held_out(8));
        for fraction in [1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(numbered(3).split(fraction, 7), Err(Error::Setting { .. })));
        }
    }
}
