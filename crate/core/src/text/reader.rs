//! From the files that a configuration names to data sets.

use crate::{
    config::{DataConfig, RunConfig},
    error::{Error, Result},
    storage::Storage,
    text::{
        dataset::{DataSettings, Dataset},
        rows::Rows,
        template::{Template, read_promptsource},
        templates::Templates,
        tokenizer::Tokenizer,
    },
};

/// No file of rows is longer.
const ROWS_LIMIT: u64 = 1 << 31;
/// No template, mixture or file of templates is longer.
const TEMPLATE_LIMIT: u64 = 1 << 20;

/// Reads rows and tokenises them.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// Where the files are.
    pub storage: &'a dyn Storage,
    /// Text to tokens.
    pub tokenizer: &'a Tokenizer,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader<'_> {
    /// The rows of a file, rendered and tokenised. The seed decides which template takes which row.
    pub async fn dataset(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        let rows = read_rows(self.storage, path, config).await?;
        let templates = read_templates(self.storage, config, seed).await?;
        if !templates.has_target() {
            let message = "the template has no `|||` between source and target".to_owned();
            return Err(Error::Template { message });
        }
        Dataset::build(&rows, &templates, self.tokenizer, &settings(config))
    }

    /// The rows of a file as prompts: only the source side is rendered.
    pub async fn prompts(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        let rows = read_rows(self.storage, path, config).await?;
        let templates = read_templates(self.storage, config, seed).await?;
        Dataset::prompts(&rows, &templates, self.tokenizer, &settings(config))
    }

    /// Texts as prompts, as they are.
    pub fn texts(&self, texts: Vec<String>, config: &DataConfig) -> Result<Dataset> {
        Dataset::from_texts("prompts", texts, self.tokenizer, &settings(config))
    }

    /// The rows to learn from, and those to judge by: a file of their own, or a part drawn with the
    /// seed.
    pub async fn datasets(&self, config: &RunConfig) -> Result<(Dataset, Option<Dataset>)> {
        let Some(path) = &config.data.train else {
            return Err(Error::setting("train", "expected a file of rows, found nothing"));
        };
        let (data, seed) = (&config.data, config.train.seed);
        let train = self.dataset(path, data, seed).await?;
        if let Some(path) = &data.validation {
            return Ok((train, Some(self.dataset(path, data, seed).await?)));
        }
        let (train, validation) = train.split(config.validation_fraction(), seed)?;
        Ok((train, Some(validation).filter(|validation| !validation.is_empty())))
    }
}

/// The rows of a file; at least one, good or bad.
pub async fn read_rows(storage: &dyn Storage, path: &str, config: &DataConfig) -> Result<Rows> {
    let bytes = storage.read_all(path, ROWS_LIMIT).await?;
    let rows = Rows::read(path, &bytes, config.skip_bad_rows)?;
    match rows.rows.is_empty() && rows.skipped.count == 0 {
        true => Err(Error::format(path, "it has no rows")),
        false => Ok(rows),
    }
}

/// The template that is given, or the one or several of a file, or none but two fields.
pub async fn read_templates(
    storage: &dyn Storage,
    config: &DataConfig,
    seed: u64,
) -> Result<Templates> {
    let template = match (&config.template, &config.template_file) {
        (Some(_), Some(_)) => {
            let message = "expected either it or `template`, found both";
            return Err(Error::setting("template_file", message));
        }
        (Some(text), None) => Template::parse(text)?,
        (None, Some(path)) => {
            let bytes = storage.read_all(path, TEMPLATE_LIMIT).await?;
            let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
            if matches!(ending.to_ascii_lowercase().as_str(), "yaml" | "yml") {
                return Ok(Templates::rotating(read_promptsource(path, &bytes)?, seed));
            }
            let text = String::from_utf8(bytes)
                .map_err(|error| Error::format(path, format!("it is not UTF-8: {error}")))?;
            Template::parse(&text)?
        }
        (None, None) => {
            let (source, target) = (config.source_field.clone(), config.target_field.clone());
            Template::default_fields(source, target)
        }
    };
    Ok(template.into())
}

fn settings(config: &DataConfig) -> DataSettings {
    DataSettings {
        max_source_tokens: config.max_source_tokens,
        max_target_tokens: config.max_target_tokens,
        on_too_long: config.on_too_long,
        skip_bad_rows: config.skip_bad_rows,
        reference_fields: config.reference_fields.clone(),
        limit: config.limit,
    }
}
