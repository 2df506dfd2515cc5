//! From the files that a configuration names to data sets.

use std::{fmt, rc::Rc, sync::Arc};

use crate::{
    config::{DataConfig, RunConfig},
    encoding,
    error::{Error, Message, Result},
    storage::Storage,
    text::{
        dataset::{Dataset, File},
        example::{DataSettings, Example, Maker, of_texts},
        mixture::{Mixing, Mixture, Set, is_mixture},
        rows::Reading,
        template::{Template, read_promptsource},
        templates::Templates,
        tokenizer::Tokenizer,
    },
};

/// No template, mixture or file of templates is longer.
const TEMPLATE_LIMIT: u64 = 1 << 20;

/// Which sides of rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    /// Source and target.
    Both,
    /// The source, for generation: rows may lack what the target needs.
    Source,
    /// The target too, if the template has one.
    OfTemplate,
}

/// Reads rows and tokenises them.
#[derive(Clone)]
pub struct Reader {
    /// Where the files are.
    pub storage: Rc<dyn Storage>,
    /// Text to tokens; without it, examples have texts only.
    pub tokenizer: Option<Arc<Tokenizer>>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    /// The rows of a file, rendered and tokenised. The seed decides which template takes which row.
    ///
    /// # Errors
    /// Those of the files; [`Error::Setting`] for a limit of tokens that leaves no room for text, and
    /// for a text that is too long where that is an error; [`Error::Template`] for a row that does not
    /// render, which is named; [`Error::Row`] for one that cannot be read, or lacks references.
    pub async fn dataset(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        let file = self.file(path, config, seed, Sides::Both).await?;
        Dataset::measure(self.storage.shown(path), file).await
    }

    /// The rows of a file as prompts: only the source side is rendered.
    ///
    /// # Errors
    /// As [`Reader::dataset`].
    pub async fn prompts(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        let file = self.file(path, config, seed, Sides::Source).await?;
        Dataset::measure(self.storage.shown(path), file).await
    }

    /// Texts as prompts, as they are.
    ///
    /// # Errors
    /// As [`of_texts`].
    pub fn texts(&self, texts: Vec<String>, config: &DataConfig) -> Result<Vec<Example>> {
        match &self.tokenizer {
            Some(tokenizer) => of_texts(texts, tokenizer, &settings(config)),
            None => Ok(Vec::new()),
        }
    }

    /// The rows to learn from, and those to judge by: a file of their own, or a part drawn with the
    /// seed. `train` may be a mixture of several sets, each with its own of both.
    ///
    /// # Errors
    /// As [`Reader::dataset`] and [`Mixture::parse`].
    pub async fn datasets(&self, config: &RunConfig) -> Result<(Dataset, Option<Dataset>)> {
        let Some(path) = &config.data.train else {
            return Err(Error::setting("train", "expected a file of rows, found nothing"));
        };
        if is_mixture(path) {
            return self.mixture(path, config).await;
        }
        let (data, seed) = (&config.data, config.train.seed);
        let train = self.dataset(path, data, seed).await?;
        if let Some(path) = &data.validation {
            let validation = self.dataset(path, data, seed).await?;
            validation.check_not_empty()?;
            return Ok((train, Some(validation)));
        }
        let (train, validation) = train.split(config.validation_fraction(), seed)?;
        Ok((train, Some(validation).filter(|validation| !validation.is_empty())))
    }

    /// The sets of a mixture, to learn from and to judge by.
    async fn mixture(&self, path: &str, config: &RunConfig) -> Result<(Dataset, Option<Dataset>)> {
        let seed = config.train.seed;
        let mixture = read_mixture(&*self.storage, path, &config.data).await?;
        let (mut train, mut validation, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        for set in &mixture.sets {
            let rows = self.rows_of(set, seed).await?;
            let (rows, held_out) = match (&config.data.validation, &set.data.validation) {
                (Some(_), Some(own)) => {
                    let message = format!(
                        "expected nothing, because the set `{}` of {path} has {own}",
                        set.name
                    );
                    return Err(Error::setting("validation", message));
                }
                (Some(_), None) => (rows, None),
                (None, Some(file)) => {
                    let held_out = self.file(file, &set.data, seed, Sides::Both).await?;
                    (rows, Some(Dataset::measure(&set.name, held_out).await?))
                }
                (None, None) => {
                    let fraction =
                        set.data.validation_fraction.unwrap_or(config.validation_fraction());
                    let (rows, held_out) = rows.split(fraction, seed)?;
                    (rows, Some(held_out))
                }
            };
            if rows.is_empty() {
                let message = format!("the set `{}` has no examples to train on", set.name);
                return Err(Error::format(path, message));
            }
            sizes.push((rows.len(), set.weight, set.cap));
            train.push(rows);
            validation.extend(held_out);
        }
        let mixing = Mixing::new(&sizes, mixture.temperature);
        let train = Dataset::join(path, train).mixed(mixing);
        let validation = match &config.data.validation {
            Some(file) => {
                let validation = self.dataset(file, &config.data, seed).await?;
                validation.check_not_empty()?;
                validation
            }
            None => Dataset::join(path, validation),
        };
        Ok((train, Some(validation).filter(|validation| !validation.is_empty())))
    }

    /// All rows that a set of a mixture trains on, before any are held out.
    pub(crate) async fn rows_of(&self, set: &Set, seed: u64) -> Result<Dataset> {
        let path = set.data.train.as_deref().unwrap_or_default();
        Dataset::measure(&set.name, self.file(path, &set.data, seed, Sides::Both).await?).await
    }

    /// The rows of a file, not yet rendered.
    pub(crate) async fn file(
        &self,
        path: &str,
        config: &DataConfig,
        seed: u64,
        sides: Sides,
    ) -> Result<File> {
        if is_mixture(path) {
            let message = "a mixture is something to train on; expected a file of rows";
            return Err(Error::format(path, message));
        }
        let templates = read_templates(&*self.storage, config, seed).await?;
        let sources_only = match sides {
            Sides::Both => false,
            Sides::Source => true,
            Sides::OfTemplate => !templates.has_target(),
        };
        let maker = Maker {
            name: self.storage.shown(path),
            templates,
            tokenizer: self.tokenizer.clone(),
            settings: settings(config),
            sources_only,
        };
        File::open(self.storage.clone(), path, maker).await
    }
}

/// All files that training by a configuration reads, those of a mixture's sets among them.
///
/// # Errors
/// As [`Mixture::parse`].
pub async fn files(storage: &dyn Storage, config: &DataConfig) -> Result<Vec<String>> {
    let of = |config: &DataConfig| -> Vec<String> {
        let files = [&config.train, &config.validation, &config.template_file];
        files.into_iter().flatten().cloned().collect()
    };
    let mut files = of(config);
    if let Some(path) = config.train.as_deref().filter(|path| is_mixture(path)) {
        let mixture = read_mixture(storage, path, config).await?;
        files.extend(mixture.sets.iter().flat_map(|set| of(&set.data)));
    }
    Ok(files)
}

/// A mixture's file, whose sets take from `config` what they leave out.
///
/// # Errors
/// As [`Mixture::parse`].
pub async fn read_mixture(
    storage: &dyn Storage,
    path: &str,
    config: &DataConfig,
) -> Result<Mixture> {
    let bytes = storage.read_all(path, TEMPLATE_LIMIT).await?;
    Mixture::parse(path, &bytes, config)
}

/// The template that is given, or the one or several of a file, or none but two fields.
async fn read_templates(
    storage: &dyn Storage,
    config: &DataConfig,
    seed: u64,
) -> Result<Templates> {
    let template = match (&config.template, &config.template_file) {
        (Some(_), Some(_)) => {
            let message = Message::from("expected either it or ").key("template");
            return Err(Error::setting("template_file", message.text(", found both")));
        }
        (Some(text), None) => Template::parse(text)?,
        (None, Some(path)) => {
            let bytes = storage.read_all(path, TEMPLATE_LIMIT).await?;
            let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
            if matches!(ending.to_ascii_lowercase().as_str(), "yaml" | "yml") {
                return Ok(Templates::rotating(read_promptsource(path, &bytes)?, seed));
            }
            Template::parse(encoding::text(path, &bytes)?)?
        }
        (None, None) => {
            let (source, target) = (config.source_field.clone(), config.target_field.clone());
            Template::default_fields(source, target)
        }
    };
    Ok(template.into())
}

/// How files are read.
pub(super) fn reading(config: &DataConfig) -> Reading {
    Reading { skip_bad_rows: config.skip_bad_rows, separator: config.separator }
}

fn settings(config: &DataConfig) -> DataSettings {
    DataSettings {
        max_source_tokens: config.max_source_tokens,
        max_target_tokens: config.max_target_tokens,
        on_too_long: config.on_too_long,
        reading: reading(config),
        reference_fields: config.reference_fields.clone(),
        limit: config.limit,
    }
}
