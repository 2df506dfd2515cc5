//! Configurations from files: TOML of a user's own, or the record (`run.json`) of a run.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{RunConfig, nearest};
use crate::{
    encoding,
    error::{Error, Result},
    exact,
};

/// The sections of a file, in its order.
const SECTIONS: [&str; 5] = ["model", "data", "method", "train", "eval"];

impl RunConfig {
    /// Reads a configuration file: TOML with a table for each section, or JSON (told by the name's
    /// ending) of the same form or with it under `config`, as the record of a run has it.
    ///
    /// # Errors
    /// [`Error::Format`] names the file, and the line of what is not TOML or JSON; or the key that is
    /// not known, with the nearest one, or has a value of the wrong kind.
    pub fn from_file(path: &str, bytes: &[u8]) -> Result<Self> {
        let failure = |message: String| Error::format(path, message);
        let text = encoding::text(path, bytes)?;
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let value: Value = match ending.to_ascii_lowercase().as_str() {
            "json" => {
                let value: Value = exact::from_str(text)
                    .map_err(|error| failure(format!("not valid JSON: {error}")))?;
                match value.get("config") {
                    Some(config) => config.clone(),
                    None => value,
                }
            }
            _ => from_toml(text).map_err(failure)?,
        };
        let mut config = Self::default();
        config.read(value).map_err(failure)?;
        Ok(config)
    }

    /// The configuration as TOML that [`RunConfig::from_file`] reads: the keys that are not at their
    /// defaults, by section.
    pub fn to_toml(&self) -> String {
        let (defaults, mut text, mut section) = (Self::default(), String::new(), "");
        for key in Self::keys() {
            let Some(value) = self.get(key.name).filter(|value| !value.is_null()) else { continue };
            if defaults.get(key.name).as_ref() == Some(&value) {
                continue;
            }
            if section != key.section {
                section = key.section;
                let line = if text.is_empty() { "" } else { "\n" };
                text += &format!("{line}[{section}]\n");
            }
            // JSON's texts, numbers and lists of them are TOML's too, but for one control character.
            let value = value.to_string().replace('\u{7f}', "\\u007f");
            text += &format!("{} = {value}\n", key.name);
        }
        text
    }

    /// Sets keys to values written as text, as a command line gives them, over what a file says:
    /// keys of the file that these exclude are given back to their defaults.
    ///
    /// # Errors
    /// As [`RunConfig::set_text`].
    pub fn set_over<'a>(
        &mut self,
        given: impl IntoIterator<Item = (&'a str, &'a str)> + Clone,
    ) -> Result<()> {
        let is_given = |key: &str| given.clone().into_iter().any(|(name, _)| name == key);
        for key in Self::keys().into_iter().filter(|key| is_given(key.name)) {
            for rival in key.row.instead_of.iter().filter(|rival| !is_given(rival)) {
                self.set(rival, Value::Null)?;
            }
        }
        given.into_iter().try_for_each(|(key, text)| self.set_text(key, text))
    }

    fn read(&mut self, value: Value) -> Result<(), String> {
        let Value::Object(sections) = value else {
            return Err(format!("expected the sections {}", SECTIONS.join(", ")));
        };
        let keys = Self::keys();
        let section_of =
            |name: &str| keys.iter().find(|key| key.name == name).map(|key| key.section);
        for (section, values) in sections {
            if !SECTIONS.contains(&section.as_str()) {
                return Err(match (section_of(&section), nearest(&section, SECTIONS)) {
                    (Some(own), _) => format!("`{section}` must stand in the section [{own}]"),
                    (None, Some(name)) => {
                        format!("there is no section [{section}]; did you mean [{name}]?")
                    }
                    (None, None) => format!(
                        "there is no section [{section}]; there are {}",
                        SECTIONS.join(", ")
                    ),
                });
            }
            let Value::Object(values) = values else {
                return Err(format!("[{section}]: expected a section with keys"));
            };
            for (key, value) in values {
                if let Some(own) = section_of(&key).filter(|own| *own != section) {
                    return Err(format!("`{key}` stands in [{section}], but belongs in [{own}]"));
                }
                self.set(&key, value).map_err(|error| format!("[{section}] {error}"))?;
            }
        }
        Ok(())
    }
}

/// No TOML is longer, in bytes: of dense text its parser holds more than a hundred times as much.
const TOML_LIMIT: usize = 256 << 10;

/// What TOML holds.
///
/// # Errors
/// What is wrong with it, and in which line.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    if text.len() > TOML_LIMIT {
        return Err(format!("it has {} bytes, and TOML may have {TOML_LIMIT}", text.len()));
    }
    toml::from_str(text).map_err(|error| format!("not valid TOML: {}", in_one_line(text, &error)))
}

/// What the parser says, with the line that it stopped at.
fn in_one_line(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    match error.span() {
        Some(span) => {
            let before = text.get(..span.start).unwrap_or(text);
            format!("line {}: {message}", before.matches('\n').count() + 1)
        }
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_of_any_length_is_refused() {
        let long = format!("# {}\n", "6.".repeat(TOML_LIMIT / 2));
        let message = RunConfig::from_file("a.toml", long.as_bytes()).unwrap_err().to_string();
        assert_eq!(message, "a.toml: it has 262147 bytes, and TOML may have 262144");
    }

    fn failure(path: &str, text: &str) -> String {
        RunConfig::from_file(path, text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn toml_and_the_record_of_a_run_give_the_same() {
        let text = "[data]\ntrain = \"a.csv\"\n[method]\nrank = 4\nalpha = 16\n\
                    target_modules = [\"q\", \"wo\"]\n[train]\nlearning_rate = 3e-4\nshuffle = false\n";
        let config = RunConfig::from_file("f.toml", text.as_bytes()).unwrap();
        assert_eq!((config.method.rank, config.method.alpha), (4, Some(16.0)));
        assert!(!config.train.shuffle && config.train.learning_rate == Some(3e-4));
        let resolved = config.resolve().unwrap();
        for json in [
            serde_json::json!({"flantune": "0.1.0", "config": resolved, "result": null}),
            serde_json::json!(resolved),
        ] {
            let record = serde_json::to_vec_pretty(&json).unwrap();
            let again = RunConfig::from_file("out/run.json", &record).unwrap();
            assert_eq!(again, resolved);
            assert_eq!(again.resolve().unwrap(), resolved);
        }
    }

    #[test]
    fn what_is_written_as_toml_is_read_again() {
        let mut config = RunConfig::default();
        assert_eq!(config.to_toml(), "");
        for (key, value) in [
            ("template", serde_json::json!("a \"b\" \\ {{c}}\n\u{7f}\u{1} ||| é {{d}}")),
            ("rank", 4.into()),
            ("learning_rate", 2e-5.into()),
            ("z_loss", 1e-30.into()),
            ("target_modules", serde_json::json!(["q", "wo"])),
            ("shuffle", false.into()),
            ("dropout", "model".into()),
            ("metrics", serde_json::json!(["loss", "rougeL"])),
        ] {
            config.set(key, value).unwrap();
        }
        let text = config.to_toml();
        assert_eq!(RunConfig::from_file("f.toml", text.as_bytes()).unwrap(), config, "{text}");
        assert!(text.contains("\n\n[method]\nrank = 4\n"), "{text}");
    }

    #[test]
    fn numbers_come_back_to_the_bit() {
        for rate in [1.9060211884410623, 1.1543327077049215, 0.9295313294735885, 3e-47] {
            let record = format!("{{\"config\": {{\"train\": {{\"learning_rate\": {rate:?}}}}}}}");
            let config = RunConfig::from_file("run.json", record.as_bytes()).unwrap();
            assert_eq!(config.train.learning_rate, Some(rate));
        }
    }

    #[test]
    fn options_go_over_a_file() {
        let text = "[data]\ntemplate_file = \"t.txt\"\nvalidation = \"v\"\n\
                    [train]\nmax_steps = 5\nseed = 3\n";
        let mut config = RunConfig::from_file("f.toml", text.as_bytes()).unwrap();
        config
            .set_over([("template", "a ||| b"), ("validation_fraction", "0.2"), ("epochs", "1")])
            .unwrap();
        config.validate().unwrap();
        assert_eq!((config.train.max_steps, config.train.seed), (None, 3));
        // Two options that exclude each other do so still.
        let mut config = RunConfig::default();
        config.set_over([("template", "a ||| b"), ("template_file", "t")]).unwrap();
        assert!(config.validate().is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (
                "[train]\nlerning_rate = 1",
                "[train] lerning_rate: there is no such key; did you mean `learning_rate`?",
            ),
            ("[train]\nrank = 4", "`rank` stands in [train], but belongs in [method]"),
            ("[trian]\nseed = 4", "there is no section [trian]; did you mean [train]?"),
            ("[xyzzy]", "there is no section [xyzzy]; there are model, data"),
            ("rank = 4", "`rank` must stand in the section [method]"),
            ("train = 4", "[train]: expected a section with keys"),
            ("[method]\nrank = \"4\"", "[method] rank: found `4`, expected a whole number from 0"),
            ("[method]\nrank = 4\nrank = 5", "not valid TOML: line 3: duplicate key"),
            ("[method]\nrank = \n", "not valid TOML: line 2: "),
            ("[method\n", "not valid TOML: line 1: "),
        ] {
            let message = failure("f.toml", text);
            assert!(message.starts_with(&format!("f.toml: {expected}")), "{text}: {message}");
        }
        assert!(failure("run.json", "{\"config\": ").contains("not valid JSON: EOF"));
        assert!(failure("run.json", "[]").contains("expected the sections"));
        let error = RunConfig::from_file("f.toml", b"\xff").unwrap_err();
        assert!(error.to_string().contains("not UTF-8"));
    }
}
