//! Whether values are possible, alone and together.

use serde_json::Value;

use super::{
    Key, RunConfig,
    choices::{Dtype, EarlyStopping, PromptInit},
    method::Method,
    setting::{ValueKind, show},
};
use crate::{
    error::{Error, Message, Result},
    metric::Metric,
};

/// The longest text that a soft prompt starts from, in bytes: 4,096 tokens have no more.
const MAX_INIT_TEXT: usize = 1 << 16;

/// Keys of which so far only some values are supported.
const SUPPORTED: [(&str, &[&str]); 1] = [("dtype", &["f32", "f16", "int8", "int4"])];

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
                return self.refuse(key.name, expected);
            }
        }
        Ok(())
    }

    fn check_together(&self) -> Result<()> {
        let (data, method, eval) = (&self.data, &self.method, &self.eval);
        let template = match (&data.template, &data.template_file) {
            (Some(_), Some(_)) => {
                let expected = Message::from("nothing, because ").key("template");
                return self.refuse("template_file", expected.text(" is given too"));
            }
            (Some(_), None) => Some("template"),
            (None, Some(_)) => Some("template_file"),
            (None, None) => None,
        };
        if let Some(template) = template {
            for key in ["source_field", "target_field"] {
                if self.get(key).is_some_and(|value| !value.is_null()) {
                    let expected = Message::from("nothing, because ").key(template);
                    return self.refuse(key, expected.text(" names the fields"));
                }
            }
        }
        if data.validation.is_some() && data.validation_fraction.is_some_and(|part| part > 0.0) {
            let expected = Message::from("nothing or 0 beside a ").key("validation");
            return self.refuse("validation_fraction", expected.text(" file"));
        }
        if method.target_modules.as_ref().is_some_and(Vec::is_empty) {
            return self.refuse("target_modules", "at least one layer, such as q");
        }
        if method.method == Method::Full && self.model.dtype != Dtype::F32 {
            let expected = Message::from("f32 with ").key("method");
            return self.refuse("dtype", expected.text(" = full, which trains the weights"));
        }
        if method.method == Method::Full && method.init_adapter.is_some() {
            let expected = Message::from("nothing with ").key("method").text(" = full");
            return self.refuse("init_adapter", expected);
        }
        match (&method.init_text, method.init == PromptInit::Text) {
            (None, true) if method.init_adapter.is_none() => {
                let expected = Message::from("a text, because ").key("init").text(" is text");
                return self.refuse("init_text", expected);
            }
            (Some(_), false) => {
                let expected = Message::from("nothing unless ").key("init").text(" is text");
                return self.refuse("init_text", expected);
            }
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
            return self.refuse("best_metric", Message::from("loss, or one of ").key("metrics"));
        }
        self.check_generation()
    }

    /// That the keys of beam search and of sampling have an effect.
    fn check_generation(&self) -> Result<()> {
        let eval = &self.eval;
        if eval.min_new_tokens.is_some_and(|least| least > eval.max_new_tokens()) {
            let most = eval.max_new_tokens();
            let expected = Message::from("up to ").key("max_new_tokens").text(format!(", {most}"));
            return self.refuse("min_new_tokens", expected);
        }
        let sampling = |before: Message| {
            before
                .text(" with ")
                .key("temperature")
                .text(", ")
                .key("top_k")
                .text(" or ")
                .key("top_p")
        };
        if eval.samples() && eval.num_beams() > 1 {
            let expected = sampling("1".into()).text(", which draw single texts");
            return self.refuse("num_beams", expected);
        }
        if eval.num_beams() == 1 {
            let without = |of| {
                let unless = Message::from(format!("{of} unless "));
                unless.key("num_beams").text(" is greater than 1")
            };
            if eval.length_penalty() != 1.0 {
                return self.refuse("length_penalty", without("1"));
            }
            if eval.early_stopping() != EarlyStopping::False {
                return self.refuse("early_stopping", without("false"));
            }
        }
        if !eval.samples() {
            if eval.num_return_sequences > eval.num_beams() {
                let most = eval.num_beams();
                let expected = Message::from("up to ").key("num_beams");
                let expected = sampling(expected.text(format!(", {most}, or any number")));
                return self.refuse("num_return_sequences", expected);
            }
            if eval.generation_seed.is_some() {
                return self.refuse("generation_seed", sampling("nothing unless".into()));
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

    fn refuse(&self, key: &str, expected: impl Into<Message>) -> Result<()> {
        let found = match self.get(key).unwrap_or_default() {
            Value::Null => "nothing".to_owned(),
            value => show(&value),
        };
        let message = Message::from(format!("found {found}, expected "));
        Err(Error::setting(key, message.then(expected)))
    }
}
