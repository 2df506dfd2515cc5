//! Keys of the configuration in JavaScript's case, `learningRate` for `learning_rate`.

use flantune::{
    Error, Result,
    config::{Key, Kind, RunConfig},
    lab::demo::{DEMOS, METHODS},
};
use serde_json::{Map, Value, json};

use crate::request::Options;

/// The configuration that options make. A value that is `null` is left to its default.
///
/// # Errors
/// [`Error::Setting`] for an unknown key and for a value of the wrong kind, the key as it was given.
pub fn configuration(options: &Options) -> Result<RunConfig> {
    let mut config = RunConfig::default();
    for (key, value) in options.iter().filter(|(_, value)| !value.is_null()) {
        config.set(&snake(key), value.clone()).map_err(in_camel_case)?;
    }
    Ok(config)
}

/// All keys, as a form offers them.
pub fn keys() -> Value {
    RunConfig::keys().iter().map(offered).collect()
}

fn offered(key: &Key) -> Value {
    let (kind, choices) = match key.kind {
        Kind::Bool => ("flag", None),
        Kind::Integer => ("integer", None),
        Kind::Number => ("number", None),
        Kind::Text => ("text", None),
        Kind::List([]) => ("list", None),
        Kind::List(names) => ("list", Some(names)),
        Kind::Choice(names) => ("choice", Some(names)),
    };
    let mut kind = json!({ "type": kind });
    if let Some(choices) = choices {
        kind["choices"] = json!(choices);
    }
    json!({
        "section": key.section,
        "name": camel(key.name),
        "kind": kind,
        "default": key.default,
        "summary": key.summary,
        "details": key.details,
    })
}

/// The demo sets, with the options that suit their rows and each method. Where their files are, and how
/// often checkpoints are written, is for the page to say.
pub fn demos() -> Value {
    let of = |demo: &flantune::lab::demo::Demo| {
        let mut answer = json!({ "name": demo.name, "about": demo.about });
        for method in METHODS {
            let mut config = demo.config(method, "", 0);
            (config.data.train, config.data.validation) = (None, None);
            config.train.checkpoint_every = RunConfig::default().train.checkpoint_every;
            answer["data"] = Value::Object(set(&config, |section| section == "data"));
            let mut options = set(&config, |section| section != "data");
            options.insert("method".to_owned(), method.name().into());
            answer[method.name()] = Value::Object(options);
        }
        answer
    };
    DEMOS.iter().map(of).collect()
}

/// The keys of some sections that are not at their defaults, in camelCase.
fn set(config: &RunConfig, sections: impl Fn(&str) -> bool) -> Options {
    let defaults = RunConfig::default();
    let of = |key: Key| {
        let value = config.get(key.name).filter(|value| !value.is_null())?;
        (defaults.get(key.name).as_ref() != Some(&value)).then(|| (camel(key.name), value))
    };
    RunConfig::keys().into_iter().filter(|key| sections(key.section)).filter_map(of).collect()
}

/// A configuration by section, its keys in camelCase.
pub fn sections(config: &RunConfig) -> Value {
    let sections = json!(config);
    let renamed = |keys: &Map<String, Value>| -> Map<String, Value> {
        keys.iter().map(|(key, value)| (camel(key), value.clone())).collect()
    };
    let of = |(name, keys): (&String, &Value)| {
        (name.clone(), Value::Object(keys.as_object().map(renamed).unwrap_or_default()))
    };
    Value::Object(sections.as_object().map(|all| all.iter().map(of).collect()).unwrap_or_default())
}

/// The error with the names of keys, its own and those that it mentions, in camelCase.
pub fn in_camel_case(error: Error) -> Error {
    let Error::Setting { key, mut message } = error else { return error };
    for known in RunConfig::keys().iter().filter(|known| known.name.contains('_')) {
        message =
            message.replace(&format!("`{}`", known.name), &format!("`{}`", camel(known.name)));
    }
    Error::Setting { key: camel(&key), message }
}

/// `learning_rate` as `learningRate`.
fn camel(key: &str) -> String {
    let mut parts = key.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut name, part| {
        let mut letters = part.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name + letters.as_str()
    })
}

/// `learningRate` as `learning_rate`.
fn snake(key: &str) -> String {
    let mut name = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_both_names() {
        for key in RunConfig::keys() {
            assert_eq!(snake(&camel(key.name)), key.name);
        }
        assert_eq!(camel("num_virtual_tokens"), "numVirtualTokens");
        assert_eq!(camel("beta1"), "beta1");
    }

    #[test]
    fn options_make_a_configuration() {
        let options = json!({ "learningRate": 0.5, "targetModules": ["q"], "maxSteps": null });
        let config = configuration(options.as_object().unwrap()).unwrap();
        assert_eq!(config.train.learning_rate, Some(0.5));
        let modules = config.target_modules();
        assert!(modules.iter().map(|module| module.as_str()).eq(["q"]));
        assert_eq!(sections(&config)["train"]["learningRate"], json!(0.5));
    }

    #[test]
    fn errors_have_the_names_that_were_given() {
        let failure =
            |options: Value| configuration(options.as_object().unwrap()).unwrap_err().to_string();
        assert_eq!(
            failure(json!({ "lerningRate": 1 })),
            "lerningRate: there is no such key; did you mean `learningRate`?"
        );
        let message = failure(json!({ "numVirtualTokens": "a" }));
        assert!(message.starts_with("numVirtualTokens: found `a`"), "{message}");
    }

    #[test]
    fn a_page_trains_demos_as_the_command_line_does() {
        for demo in demos().as_array().unwrap() {
            for method in METHODS {
                let mut options = demo["data"].as_object().unwrap().clone();
                options.extend(demo[method.name()].as_object().unwrap().clone());
                let mut expected = DEMOS
                    .iter()
                    .find(|known| demo["name"] == known.name)
                    .unwrap()
                    .config(method, "", 0);
                (expected.data.train, expected.data.validation) = (None, None);
                expected.train.checkpoint_every = 100;
                assert_eq!(configuration(&options).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_form_knows_what_each_key_takes() {
        let keys = keys();
        let key = |name: &str| {
            keys.as_array().unwrap().iter().find(|key| key["name"] == name).unwrap().clone()
        };
        assert_eq!(key("method")["kind"]["choices"][0], "lora");
        assert_eq!(key("learningRate")["kind"], json!({ "type": "number" }));
        assert_eq!(key("targetModules")["kind"]["type"], "list");
    }
}
