//! Whether values are possible, alone and together.

use serde_json::Value;

use super::{
    Key, RunConfig,
    choices::{Dtype, EarlyStopping, PromptInit},
    method::Method,
    setting::{ValueKind, show},
};
use crate::{
    error::{Error, Result},
    metric::Metric,
};

/// The longest text that a soft prompt starts from, in bytes: 4,096 tokens have no more.
const MAX_INIT_TEXT: usize = 1 << 16;

/// Keys of which so far only some values are supported.
const SUPPORTED: [(&str, &[&str]); 2] = [("dtype", &["f32", "int8"]), ("recompute", &["false"])];

impl Key {
    /// Whether a value is one that works, and not only a later version's.
    pub fn supports(&self, value: &str) -> bool {
        let known = SUPPORTED.iter().find(|(key, _)| *key == self.name);
        known.is_none_or(|(_, values)| values.contains(&value))
    }
}

impl RunConfig {
    /// Checks every value, and that they go together. Whether files exist and fit is checked where
    /// they are read.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] names the first key at fault, what was found and what was expected.
    pub fn validate(&self) -> Result<()> {
        self.check_ranges()?;
        self.check_together()?;
        self.check_supported()
    }

    /// Upper limits are far beyond use; they keep a slipped finger from asking for terabytes.
    fn check_ranges(&self) -> Result<()> {
        for key in Self::keys() {
            // What is left to its default is in range, and so is the word of a number that has one. A
            // float that is not finite becomes null in JSON: neither a file's reader nor `set` lets
            // one in, but a field may be set to one.
            let number = match self.get(key.name).unwrap_or_default() {
                Value::Number(number) => number.as_f64(),
                Value::Null if !key.optional && key.kind == ValueKind::Number => Some(f64::NAN),
                _ => None,
            };
            if let Some(expected) = number.and_then(|number| key.row.range.refuses(number)) {
                return self.refuse(key.name, &expected);
            }
        }
        Ok(())
    }

    fn check_together(&self) -> Result<()> {
        let (data, method, eval) = (&self.data, &self.method, &self.eval);
        let template = match (&data.template, &data.template_file) {
            (Some(_), Some(_)) => {
                return self.refuse("template_file", "nothing, because `template` is given too");
            }
            (Some(_), None) => Some("template"),
            (None, Some(_)) => Some("template_file"),
            (None, None) => None,
        };
        if let Some(template) = template {
            for key in ["source_field", "target_field"] {
                if self.get(key).is_some_and(|value| !value.is_null()) {
                    let expected = format!("nothing, because `{template}` names the fields");
                    return self.refuse(key, &expected);
                }
            }
        }
        if data.validation.is_some() && data.validation_fraction.is_some_and(|part| part > 0.0) {
            return self.refuse("validation_fraction", "nothing or 0 beside a `validation` file");
        }
        if method.target_modules.as_ref().is_some_and(Vec::is_empty) {
            return self.refuse("target_modules", "at least one layer, such as q");
        }
        if method.method == Method::Full && self.model.dtype == Dtype::Int8 {
            return self.refuse("dtype", "f32 with `method` = full, which trains the weights");
        }
        if method.method == Method::Full && method.init_adapter.is_some() {
            return self.refuse("init_adapter", "nothing with `method` = full");
        }
        match (&method.init_text, method.init == PromptInit::Text) {
            (None, true) if method.init_adapter.is_none() => {
                return self.refuse("init_text", "a text, because `init` is text");
            }
            (Some(_), false) => return self.refuse("init_text", "nothing unless `init` is text"),
            _ => {}
        }
        if let Some(text) = method.init_text.as_ref().filter(|text| text.len() > MAX_INIT_TEXT) {
            let message = format!("found {} bytes, expected up to {MAX_INIT_TEXT}", text.len());
            return Err(Error::setting("init_text", message));
        }
        if eval.metrics.is_empty() {
            return self.refuse("metrics", "at least one metric, such as loss");
        }
        if eval.best_metric != Metric::Loss && !eval.metrics.contains(&eval.best_metric) {
            return self.refuse("best_metric", "loss, or one of `metrics`");
        }
        self.check_generation()
    }

    /// That the keys of beam search and of sampling have an effect.
    fn check_generation(&self) -> Result<()> {
        let eval = &self.eval;
        if eval.min_new_tokens.is_some_and(|least| least > eval.max_new_tokens()) {
            let most = eval.max_new_tokens();
            return self.refuse("min_new_tokens", &format!("up to `max_new_tokens`, {most}"));
        }
        if eval.samples() && eval.num_beams() > 1 {
            let expected = "1 with `temperature`, `top_k` or `top_p`, which draw single texts";
            return self.refuse("num_beams", expected);
        }
        if eval.num_beams() == 1 {
            let without = |of| format!("{of} unless `num_beams` is greater than 1");
            if eval.length_penalty() != 1.0 {
                return self.refuse("length_penalty", &without("1"));
            }
            if eval.early_stopping() != EarlyStopping::False {
                return self.refuse("early_stopping", &without("false"));
            }
        }
        if !eval.samples() {
            let sampling = "with `temperature`, `top_k` or `top_p`";
            if eval.num_return_sequences > eval.num_beams() {
                let most = eval.num_beams();
                let expected = format!("up to `num_beams`, {most}, or any number {sampling}");
                return self.refuse("num_return_sequences", &expected);
            }
            if eval.generation_seed.is_some() {
                return self.refuse("generation_seed", &format!("nothing unless {sampling}"));
            }
        }
        Ok(())
    }

    /// Refuses what a later version will do, rather than leave it without effect.
    fn check_supported(&self) -> Result<()> {
        for (key, values) in SUPPORTED {
            let value = self.get(key).unwrap_or_default();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if !values.contains(&text.as_str()) {
                let (found, expected) = (show(&value), values.join(" or "));
                let message =
                    format!("found {found}, which is not supported yet; so far {expected}");
                return Err(Error::setting(key, message));
            }
        }
        Ok(())
    }

    fn refuse(&self, key: &str, expected: &str) -> Result<()> {
        let found = match self.get(key).unwrap_or_default() {
            Value::Null => "nothing".to_owned(),
            value => show(&value),
        };
        Err(Error::setting(key, format!("found {found}, expected {expected}")))
    }
}
