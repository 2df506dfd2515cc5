//! How a model's own generation_config.json has its texts made, where nobody says otherwise.

use serde_json::{Map, Value, json};

use crate::config::{RunConfig, Task};

/// Keys that change no text: what a file is, what is returned beside texts, how fast it comes.
const SILENT: &[&str] = &[
    "_from_model_config",
    "transformers_version",
    "_commit_hash",
    "decoder_start_token_id",
    "eos_token_id",
    "pad_token_id",
    "bos_token_id",
    "use_cache",
    "cache_implementation",
    "return_dict_in_generate",
    "trust_remote_code",
    "output_scores",
    "output_logits",
    "output_attentions",
    "output_hidden_states",
    "is_assistant",
    "disable_compile",
];

/// Values with which transformers leaves texts as they are, beside null and false.
const NEUTRAL: &[(&str, f64)] = &[
    ("max_length", 0.0),
    ("min_length", 0.0),
    ("min_new_tokens", 0.0),
    ("num_beams", 1.0),
    ("num_beam_groups", 1.0),
    ("num_return_sequences", 1.0),
    ("diversity_penalty", 0.0),
    ("repetition_penalty", 1.0),
    ("encoder_repetition_penalty", 1.0),
    ("no_repeat_ngram_size", 0.0),
    ("encoder_no_repeat_ngram_size", 0.0),
    ("guidance_scale", 1.0),
];

/// Keys that have an effect only where tokens are drawn.
const DRAWN: &[&str] = &[
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "top_h",
    "typical_p",
    "epsilon_cutoff",
    "eta_cutoff",
];

/// Keys that have an effect only with beams.
const OF_BEAMS: &[&str] = &["length_penalty", "early_stopping"];

/// transformers' `top_k` where a file does not say it.
const TOP_K: u64 = 50;

/// What was made of a model's own settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// Keys of the configuration that now have the model's values.
    pub taken: Vec<(String, Value)>,
    /// Keys of the file that say something else, for which there is no option.
    pub left: Vec<(String, Value)>,
}

impl Own {
    /// Sets what a configuration leaves open, for a task, to what the file says. What the
    /// configuration does say comes first, and so does its way: beams that it asks for are not turned
    /// into draws, nor draws into beams.
    pub fn fill(file: &Map<String, Value>, config: &mut RunConfig, task: Task) -> Self {
        let mut own = Self::default();
        let given = config.clone();
        let number = |key: &str| file.get(key).and_then(Value::as_u64).filter(|number| *number > 0);
        let beams = number("num_beams").unwrap_or(1) > 1;
        let has_beams = given.eval.num_beams() > 1;
        let mut wanted: Vec<(&str, Value)> = Vec::new();
        for (key, value) in file {
            let key = key.as_str();
            match key {
                _ if SILENT.contains(&key) || is_neutral(key, value) => {}
                // Said below, and in other words: they count the start token.
                "max_length" | "min_length" => {
                    let new = format!("{}_new_tokens", &key[..3]);
                    if let Some(length) = number(key).filter(|_| !file.contains_key(&new)) {
                        let key =
                            if key == "max_length" { "max_new_tokens" } else { "min_new_tokens" };
                        wanted.push((key, json!(length - 1)));
                    }
                }
                "do_sample" if beams && !given.eval.samples() && !has_beams => {
                    own.left.push((key.to_owned(), value.clone()));
                }
                "do_sample" if !has_beams => {
                    wanted.push((
                        "temperature",
                        file.get("temperature").cloned().unwrap_or(json!(1.0)),
                    ));
                    let top_k = file.get("top_k").cloned().unwrap_or(json!(TOP_K));
                    wanted.extend((!is_off(&top_k)).then_some(("top_k", top_k)));
                    let top_p = file.get("top_p").filter(|top_p| top_p.as_f64() != Some(1.0));
                    wanted.extend(top_p.map(|top_p| ("top_p", top_p.clone())));
                    let more = DRAWN
                        .iter()
                        .filter(|key| !matches!(**key, "temperature" | "top_k" | "top_p"));
                    let more =
                        more.filter_map(|key| Some(((*key).to_owned(), file.get(*key)?.clone())));
                    own.left.extend(
                        more.filter(|(_, value)| !is_off(value) && value.as_f64() != Some(1.0)),
                    );
                }
                "do_sample" => {}
                "num_beams" if given.eval.samples() => {}
                _ if OF_BEAMS.contains(&key) && (given.eval.samples() || !(beams || has_beams)) => {
                }
                _ if DRAWN.contains(&key) => {}
                _ => wanted.push((key, value.clone())),
            }
        }
        // First those by which others are judged.
        wanted.sort_by_key(|(key, _)| !matches!(*key, "num_beams" | "max_new_tokens"));
        let drawn = given.eval.draws_given();
        for (key, value) in wanted {
            let known = RunConfig::keys().into_iter().find(|known| known.name == key);
            let is_open = known.is_some_and(|known| {
                known.optional && (task == Task::Train || known.row.tasks.contains(&task))
            });
            let is_given = is_open && given.get(key).is_some_and(|value| !value.is_null())
                || (drawn && DRAWN.contains(&key));
            let mut filled = config.clone();
            let is_possible =
                is_open && filled.set(key, value.clone()).and_then(|()| filled.validate()).is_ok();
            match (is_given, is_possible) {
                (true, _) => {}
                (false, true) => {
                    own.taken.push((key.to_owned(), value));
                    *config = filled;
                }
                (false, false) => own.left.push((key.to_owned(), value)),
            }
        }
        own
    }

    /// What a user should know of it; nothing where the file says nothing else than the configuration.
    pub fn message(&self) -> Option<String> {
        let list = |pairs: &[(String, Value)]| -> String {
            pairs
                .iter()
                .map(|(key, value)| format!("{key} {value:.60}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let taken = (!self.taken.is_empty())
            .then(|| format!("{} (options come before it)", list(&self.taken)));
        let left = (!self.left.is_empty()).then(|| {
            format!("ignored, because there is no option for it here: {}", list(&self.left))
        });
        let parts: Vec<String> = [taken, left].into_iter().flatten().collect();
        (!parts.is_empty())
            .then(|| format!("the model's generation_config.json says: {}", parts.join("; ")))
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn is_neutral(key: &str, value: &Value) -> bool {
    let is = |(name, neutral): &(&str, f64)| *name == key && value.as_f64() == Some(*neutral);
    value.is_null() || value == &Value::Bool(false) || NEUTRAL.iter().any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(file: Value, settings: &[(&str, &str)], task: Task) -> (RunConfig, Own) {
        let mut config = RunConfig::default();
        for (key, text) in settings {
            config.set_text(key, text).unwrap();
        }
        let own = Own::fill(file.as_object().unwrap(), &mut config, task);
        config.validate().unwrap();
        (config, own)
    }

    fn names(pairs: &[(String, Value)]) -> Vec<&str> {
        pairs.iter().map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn what_options_do_not_say_the_model_says() {
        let file = json!({
            "_from_model_config": true, "decoder_start_token_id": 0, "eos_token_id": 1,
            "pad_token_id": 0, "transformers_version": "4.40.0", "num_beams": 4, "length_penalty": 2.0,
            "early_stopping": true, "no_repeat_ngram_size": 3, "max_length": 21,
            "forced_bos_token_id": 5, "diversity_penalty": 0.0, "num_return_sequences": 1,
        });
        let (config, own) = filled(file.clone(), &[], Task::Generate);
        let eval = &config.eval;
        assert_eq!((eval.num_beams(), eval.length_penalty(), eval.max_new_tokens()), (4, 2.0, 20));
        assert_eq!(eval.no_repeat_ngram_size, Some(3));
        assert_eq!(names(&own.left), ["forced_bos_token_id"]);
        let message = own.message().unwrap();
        assert!(
            message.contains("num_beams 4") && message.contains("forced_bos_token_id 5"),
            "{message}"
        );

        let given = [("num_beams", "1"), ("max_new_tokens", "9"), ("no_repeat_ngram_size", "0")];
        let (config, own) = filled(file.clone(), &given, Task::Generate);
        let eval = &config.eval;
        assert_eq!(
            (eval.num_beams(), eval.max_new_tokens(), eval.no_repeat_ngram_size),
            (1, 9, Some(0))
        );
        assert_eq!(names(&own.taken), [""; 0]);
        // What is drawn has no beams.
        let (config, own) = filled(file, &[("temperature", "0.7")], Task::Generate);
        assert_eq!(config.eval.num_beams(), 1);
        assert_eq!(names(&own.taken), ["max_new_tokens", "no_repeat_ngram_size"]);
    }

    #[test]
    fn a_file_as_most_are_says_nothing() {
        for file in [
            json!({"decoder_start_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}),
            json!({"do_sample": false, "temperature": 0.3, "top_p": 0.5, "length_penalty": 0.4, "num_beams": 1}),
            json!({"max_new_tokens": null, "suppress_tokens": null, "renormalize_logits": false}),
        ] {
            let (config, own) = filled(file, &[], Task::Generate);
            assert_eq!((config, own.message()), (RunConfig::default(), None));
        }
    }

    #[test]
    fn a_model_may_ask_for_draws() {
        let file = json!({"do_sample": true, "temperature": 0.6, "top_p": 0.9, "min_p": 0.1});
        let (config, own) = filled(file.clone(), &[], Task::Generate);
        let eval = &config.eval;
        assert_eq!((eval.temperature, eval.top_k, eval.top_p), (Some(0.6), Some(50), Some(0.9)));
        assert_eq!(names(&own.left), ["min_p"]);
        for given in [("temperature", "0"), ("num_beams", "3"), ("top_k", "1")] {
            let (config, own) = filled(file.clone(), &[given], Task::Generate);
            assert_eq!(config.eval.temperature, (given.0 == "temperature").then_some(0.0));
            assert_eq!(own.taken, [], "{given:?}");
        }
        // What is measured is not drawn.
        let (config, own) = filled(file, &[], Task::Evaluate);
        assert!(!config.eval.samples() && names(&own.left).contains(&"temperature"));
        let both = json!({"do_sample": true, "num_beams": 4});
        let (config, own) = filled(both, &[], Task::Generate);
        assert_eq!((config.eval.num_beams(), names(&own.left)), (4, vec!["do_sample"]));
    }

    #[test]
    fn what_is_out_of_range_is_passed_over() {
        let file = json!({
            "num_beams": 5000, "max_new_tokens": "many", "repetition_penalty": -1, "min_new_tokens": 900,
            "early_stopping": "never", "bad_words_ids": [[3]], "num_return_sequences": 7,
        });
        let (config, own) = filled(file, &[], Task::Generate);
        assert_eq!((config, own.taken), (RunConfig::default(), vec![]));
        let left = [
            "num_beams",
            "max_new_tokens",
            "repetition_penalty",
            "min_new_tokens",
            "early_stopping",
            "bad_words_ids",
            "num_return_sequences",
        ];
        assert!(left.iter().all(|key| names(&own.left).contains(key)), "{:?}", own.left);
    }
}
