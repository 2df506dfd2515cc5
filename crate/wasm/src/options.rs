//! Keys of the configuration in JavaScript's case, `learningRate` for `learning_rate`.

use flantune::{
    Result,
    config::{Key, Method, Place, Range, RunConfig, ValueKind},
    lab::demo::{DEMOS, Demo},
};
use serde_json::{Map, Value, json};

use crate::protocol::{self, Options};

/// The configuration that options make. A value that is `null` is left to its default.
///
/// # Errors
/// [`Error::Setting`](flantune::Error::Setting) for an unknown key and for a value of the wrong kind.
pub fn configuration(options: &Options) -> Result<RunConfig> {
    let mut config = RunConfig::default();
    for (key, value) in options.iter().filter(|(_, value)| !value.is_null()) {
        config.set(&snake(key), value.clone())?;
    }
    Ok(config)
}

/// All keys, as a form offers them.
pub fn keys() -> Vec<protocol::Key> {
    RunConfig::keys().into_iter().map(offered).collect()
}

fn offered(key: Key) -> protocol::Key {
    let (name, choices) = match key.kind {
        ValueKind::Bool => ("flag", None),
        ValueKind::Integer => ("integer", None),
        ValueKind::Number => ("number", None),
        ValueKind::Text => ("text", None),
        ValueKind::List([]) => ("list", None),
        ValueKind::List(names) => ("list", Some(names.to_vec())),
        ValueKind::Choice(names) => ("choice", Some(names.to_vec())),
    };
    protocol::Key {
        section: key.section,
        name: camel(key.name),
        kind: protocol::Kind { name, choices },
        default: key.default,
        words: key.words,
        summary: key.summary.with_keys(&camel).to_string(),
        details: key.details.with_keys(&camel).to_string(),
        place: match key.row.place {
            Place::Listed => "listed",
            Place::Own => "own",
            Place::Hidden => "hidden",
        },
        methods: key.row.methods.iter().map(|method| method.name()).collect(),
        optimizers: key.optimizers,
        range: range(key.row.range),
    }
}

fn range(range: Range) -> protocol::Range {
    let all = protocol::Range::default();
    // Beyond it JavaScript does not count.
    let most = |most: u64| (most < 1 << 53).then_some(most as f64);
    match range {
        Range::Any => all,
        Range::Whole(from, to) => protocol::Range { from: Some(from as f64), to: most(to), ..all },
        Range::Fraction => protocol::Range { from: Some(0.0), below: Some(1.0), ..all },
        Range::Share => protocol::Range { above: Some(0.0), to: Some(1.0), ..all },
        Range::Positive => protocol::Range { above: Some(0.0), ..all },
        Range::UpTo(to) => protocol::Range { above: Some(0.0), to: Some(to), ..all },
        Range::FromZero(to) => protocol::Range { from: Some(0.0), to: Some(to), ..all },
        Range::NotNegative => protocol::Range { from: Some(0.0), ..all },
    }
}

/// The demo sets, with the options that suit their rows and each method. Where their files are, and how
/// often checkpoints are written, is for the page to say.
pub fn demos() -> Vec<protocol::DemoSet> {
    let of = |demo: &Demo| {
        let config = |method: Method| {
            let mut config = demo.config(method, "", 0);
            (config.data.train, config.data.validation) = (None, None);
            config.train.checkpoint_every = RunConfig::default().train.checkpoint_every;
            config
        };
        let options = |method: Method| {
            let mut options = set(&config(method), |section| section != "data");
            options.insert("method".to_owned(), method.name().into());
            options
        };
        protocol::DemoSet {
            name: demo.name,
            about: demo.about,
            data: set(&config(Method::Lora), |section| section == "data"),
            lora: options(Method::Lora),
            prompt: options(Method::Prompt),
        }
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

/// `learning_rate` as `learningRate`.
pub fn camel(key: &str) -> String {
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
    use flantune::{error::Names, lab::demo::METHODS};

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
        let names = Names { path: &str::to_owned, key: &camel };
        let failure = |options: Value| {
            let found = configuration(options.as_object().unwrap());
            found.and_then(|config| config.validate()).unwrap_err().written(&names).to_string()
        };
        assert_eq!(
            failure(json!({ "lerningRate": 1 })),
            "lerningRate: there is no such key; did you mean `learningRate`?"
        );
        let message = failure(json!({ "numVirtualTokens": "a" }));
        assert!(message.starts_with("numVirtualTokens: found `a`"), "{message}");
        assert_eq!(
            failure(json!({ "minNewTokens": 9, "maxNewTokens": 8 })),
            "minNewTokens: found 9, expected up to `maxNewTokens`, 8"
        );
    }

    #[test]
    fn a_page_trains_demos_as_the_command_line_does() {
        for demo in demos() {
            for (method, own) in [(Method::Lora, &demo.lora), (Method::Prompt, &demo.prompt)] {
                let mut options = demo.data.clone();
                options.extend(own.clone());
                let known = DEMOS.iter().find(|known| demo.name == known.name).unwrap();
                let mut expected = known.config(method, "", 0);
                (expected.data.train, expected.data.validation) = (None, None);
                expected.train.checkpoint_every = 100;
                assert_eq!(configuration(&options).unwrap(), expected);
            }
        }
        assert_eq!(METHODS, [Method::Lora, Method::Prompt]);
    }

    #[test]
    fn a_form_knows_what_each_key_takes() {
        let keys = keys();
        let key = |name: &str| json!(keys.iter().find(|key| key.name == name).unwrap());
        assert_eq!(key("method")["kind"]["choices"][0], "lora");
        assert_eq!(key("learningRate")["kind"], json!({ "type": "number" }));
        assert_eq!(key("learningRate")["range"], json!({ "above": 0.0 }));
        assert_eq!(key("targetModules")["kind"]["type"], "list");
        assert_eq!(key("rank")["range"], json!({ "from": 1.0, "to": 4096.0 }));
        assert_eq!(key("rank")["methods"], json!(["lora"]));
        assert_eq!(key("rank")["place"], "own");
        assert_eq!(key("train")["place"], "hidden");
        assert_eq!(key("schedule")["place"], "listed");
    }
}
