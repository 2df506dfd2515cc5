//! Data sets: rows rendered and tokenised.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    rng::{Purpose, Random},
    text::{
        rows::{Row, Rows, kind},
        template::{Rendered, Template},
        tokenizer::Tokenizer,
    },
};

/// How rows become examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// The most tokens of a source, the closing `</s>` counted; the rest is cut off.
    pub max_source_tokens: usize,
    /// The most tokens of a target, the closing `</s>` counted; the rest is cut off.
    pub max_target_tokens: usize,
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
}

impl Dataset {
    /// Renders and tokenises rows.
    ///
    /// # Errors
    /// [`Error::Setting`] for a limit of tokens that leaves no room for text; [`Error::Template`]
    /// for a row that does not render, which is named; [`Error::Row`] where references are missing.
    pub fn build(
        rows: &Rows,
        template: &Template,
        tokenizer: &Tokenizer,
        settings: &DataSettings,
    ) -> Result<Self> {
        Self::collect(rows, settings, |index, row| {
            let Rendered { source, target } = template.render(row)?;
            let references = references(row, &settings.reference_fields)
                .map_err(|message| Error::Row { path: rows.name.clone(), line: row.line, message })?
                .unwrap_or_else(|| vec![target.clone()]);
            let (target_ids, target_cut) =
                tokenizer.encode_within(&target, settings.max_target_tokens)?;
            Ok(Example {
                target: target_ids,
                target_text: target,
                references,
                target_cut,
                ..prompt(index, source, tokenizer, settings)?
            })
        })
    }

    /// Renders and tokenises only the sources, for generation: rows may lack what the target needs.
    ///
    /// # Errors
    /// As [`Dataset::build`].
    pub fn prompts(
        rows: &Rows,
        template: &Template,
        tokenizer: &Tokenizer,
        settings: &DataSettings,
    ) -> Result<Self> {
        Self::collect(rows, settings, |index, row| {
            prompt(index, template.render_source(row)?, tokenizer, settings)
        })
    }

    /// Examples of texts as they are, without references.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn from_texts(
        name: impl Into<String>,
        texts: impl IntoIterator<Item = String>,
        tokenizer: &Tokenizer,
        settings: &DataSettings,
    ) -> Result<Self> {
        let examples = (texts.into_iter().enumerate())
            .map(|(index, text)| prompt(index, text, tokenizer, settings))
            .collect::<Result<_>>()?;
        Ok(Self { name: name.into(), examples })
    }

    fn collect(
        rows: &Rows,
        settings: &DataSettings,
        mut example: impl FnMut(usize, &Row) -> Result<Example>,
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
        let limit = settings.limit.unwrap_or(usize::MAX);
        let examples = (rows.rows.iter().take(limit).enumerate())
            .map(|(index, row)| {
                example(index, row).map_err(|error| match error {
                    Error::Template { message } => Error::Template {
                        message: format!("{}, line {}: {message}", rows.name, row.line),
                    },
                    other => other,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self { name: rows.name.clone(), examples })
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
        let count = self.len();
        let wanted = (count as f64 * validation_fraction).round() as usize;
        let held_out = match count {
            0 | 1 => 0,
            _ if validation_fraction == 0.0 => 0,
            _ => wanted.clamp(1, count - 1),
        };
        let mut order: Vec<usize> = (0..count).collect();
        Random::new(seed, Purpose::Split, 0, 0).shuffle(&mut order);
        let mut is_held_out = vec![false; count];
        order[..held_out].iter().for_each(|index| is_held_out[*index] = true);
        let mut parts = (
            Self { name: self.name.clone(), examples: Vec::with_capacity(count - held_out) },
            Self { name: self.name, examples: Vec::with_capacity(held_out) },
        );
        for (example, held_out) in self.examples.into_iter().zip(is_held_out) {
            let part = if held_out { &mut parts.1 } else { &mut parts.0 };
            part.examples.push(example);
        }
        Ok(parts)
    }
}

fn prompt(
    row: usize,
    source_text: String,
    tokenizer: &Tokenizer,
    settings: &DataSettings,
) -> Result<Example> {
    let (source, source_cut) = tokenizer.encode_within(&source_text, settings.max_source_tokens)?;
    Ok(Example {
        row,
        source,
        target: Vec::new(),
        source_text,
        target_text: String::new(),
        references: Vec::new(),
        source_cut,
        target_cut: false,
    })
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
    use crate::text::tokenizer::tests::FLAN;

    fn rows(lines: &str) -> Rows {
        Rows::from_jsonl("rows.jsonl", lines.as_bytes()).unwrap()
    }

    fn numbered(count: usize) -> Dataset {
        let lines: String = (0..count).map(|n| format!("{{\"a\": {n}, \"b\": \"x\"}}\n")).collect();
        let template = Template::default_fields(None, None);
        Dataset::build(&rows(&lines), &template, &FLAN, &DataSettings::default()).unwrap()
    }

    #[test]
    fn rows_become_examples() {
        let rows = rows(
            "{\"text\": \"The cat sat on the mat.\", \"sum\": \"A cat.\", \"r\": [\"x\", \" y \"]}\n\n\
             {\"text\": \"a\", \"sum\": \"\", \"r\": 3}\n{\"text\": \"beyond the limit\"}",
        );
        let template = Template::parse("{{ text }} ||| {{ sum }}").unwrap();
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
        let template = Template::parse("{{ a }} ||| {{ b }}").unwrap();
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
