//! The configuration's keys as options, made from the core's table of them: `learning_rate` becomes
//! `--learning-rate`, a key that is true gets a `--no-…`.

use std::marker::PhantomData;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser,
    parser::ValueSource,
};
use flantune::{
    Result,
    config::{Key, Kind, RunConfig},
};

/// Which keys a command takes.
pub(crate) trait Offer {
    /// Keys of these sections, all of them.
    const SECTIONS: &'static [&'static str] = &[];
    /// Further keys.
    const KEYS: &'static [&'static str] = &[];
    /// Keys that must be given.
    const REQUIRED: &'static [&'static str] = &["model"];
    /// Options that name a file which may have those.
    const FILE: &'static [&'static str] = &[];
    /// Keys that say something only together with the option `input`.
    const OF_INPUT: &'static [&'static str] = &[];
    /// Keys that say something only together with the option `data`.
    const OF_DATA: &'static [&'static str] = &[];

    fn offers(key: &Key) -> bool {
        Self::SECTIONS.contains(&key.section) || Self::KEYS.contains(&key.name)
    }
}

macro_rules! offers {
    ($($(#[$about:meta])+ $name:ident { $($constant:ident: $value:expr;)+ })+) => {
        $(
            $(#[$about])+
            #[derive(Debug)]
            pub(crate) struct $name;

            impl Offer for $name {
                $(const $constant: &'static [&'static str] = $value;)+
            }
        )+
    };
}

offers! {
    /// Keys of `train`.
    Trained {
        SECTIONS: &["model", "data", "method", "train", "eval"];
        REQUIRED: &["model", "train"];
        FILE: &["config"];
    }
    /// Keys of `generate`.
    Generated {
        SECTIONS: &["model"];
        KEYS: &[
            "template", "template_file", "source_field", "limit", "max_source_tokens",
            "on_too_long", "skip_bad_rows", "batch_size", "max_new_tokens", "min_new_tokens",
            "num_beams", "num_return_sequences", "length_penalty", "early_stopping", "temperature",
            "top_k", "top_p", "repetition_penalty", "no_repeat_ngram_size", "generation_seed",
        ];
        OF_INPUT: &["template", "template_file", "source_field", "limit"];
        FILE: &["config"];
    }
    /// Keys of `eval`.
    Evaluated {
        SECTIONS: &["model"];
        KEYS: &[
            "template", "template_file", "source_field", "target_field", "reference_fields",
            "max_source_tokens", "max_target_tokens", "on_too_long", "skip_bad_rows", "limit",
            "batch_size", "seed", "metrics", "stemmer", "max_new_tokens", "min_new_tokens",
            "num_beams", "length_penalty", "early_stopping", "repetition_penalty", "no_repeat_ngram_size",
        ];
        FILE: &["config"];
    }
    /// Keys of `data show`.
    Shown {
        KEYS: &[
            "model", "template", "template_file", "source_field", "target_field",
            "reference_fields", "max_source_tokens", "max_target_tokens", "on_too_long",
            "skip_bad_rows", "seed",
        ];
        REQUIRED: &[];
    }
    /// Keys of `data lengths`.
    Measured {
        KEYS: &[
            "model", "threads", "template", "template_file", "source_field", "target_field",
            "max_source_tokens", "max_target_tokens", "skip_bad_rows", "limit", "seed",
        ];
        FILE: &["config"];
    }
    /// Keys of `data split`.
    Parted {
        KEYS: &["validation_fraction", "skip_bad_rows", "limit", "seed"];
        REQUIRED: &[];
    }
    /// Keys of `quantize`.
    Converted {
        KEYS: &[
            "model", "device", "kernels", "threads", "template", "template_file", "source_field",
            "target_field", "max_source_tokens", "max_target_tokens", "on_too_long",
            "skip_bad_rows", "limit",
        ];
        OF_DATA: &[
            "template", "template_file", "source_field", "target_field", "max_source_tokens",
            "max_target_tokens", "on_too_long", "limit",
        ];
    }
    /// Keys of `demo`.
    Demonstrated {
        KEYS: &["device", "threads", "kernels", "seed"];
        REQUIRED: &[];
    }
    /// Keys of `merge`.
    Merged {
        SECTIONS: &["model"];
    }
    /// Keys of `memory`.
    Foreseen {
        SECTIONS: &["model"];
        KEYS: &[
            "method", "rank", "variant", "target_modules", "num_virtual_tokens", "batch_size",
            "accumulate", "optimizer", "momentum", "dropout", "max_source_tokens",
            "max_target_tokens",
        ];
        REQUIRED: &[];
    }
    /// Keys of `bench`.
    Benched {
        KEYS: &[
            "device", "recompute", "kernels", "threads", "rank", "target_modules",
            "num_virtual_tokens", "batch_size",
        ];
        REQUIRED: &[];
    }
}

/// The keys that a user has given, as text.
#[derive(Debug)]
pub(crate) struct Settings<O> {
    given: Vec<(&'static str, String)>,
    offer: PhantomData<O>,
}

impl<O> Settings<O> {
    /// The configuration with what was given over it, each value and all together checked.
    pub(crate) fn config(&self, mut config: RunConfig) -> Result<RunConfig> {
        config.set_over(self.given.iter().map(|(key, text)| (*key, text.as_str())))?;
        config.validate()?;
        Ok(config)
    }

    /// What was given, as options.
    pub(crate) fn options(&self) -> impl Iterator<Item = String> {
        let keys = RunConfig::keys();
        self.given.iter().map(move |(key, text)| {
            let boolean = keys.iter().any(|known| known.name == *key && known.kind == Kind::Bool);
            match (boolean, text.as_str()) {
                (true, "true") => format!("--{}", dashed(key)),
                (true, _) => format!("--no-{}", dashed(key)),
                (false, text) => format!("--{}={text}", dashed(key)),
            }
        })
    }
}

impl<O: Offer> FromArgMatches for Settings<O> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = Vec::new();
        for key in RunConfig::keys().into_iter().filter(O::offers) {
            let (name, off) = (key.name, negated(key.name));
            let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
            if key.kind == Kind::Bool {
                // Of `--shuffle --no-shuffle` the last counts, and clap has dropped the other.
                let value = [(name, "true"), (off.as_str(), "false")];
                let value = value.into_iter().find(|(id, _)| typed(id) && matches.get_flag(id));
                given.extend(value.map(|(_, text)| (name, text.to_owned())));
            } else if let Some(text) = matches.get_one::<String>(name) {
                given.push((name, text.clone()));
            }
        }
        Ok(Self { given, offer: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<O: Offer> Args for Settings<O> {
    fn augment_args(mut command: Command) -> Command {
        for key in RunConfig::keys().into_iter().filter(O::offers) {
            command = match key.kind {
                Kind::Bool => flags(&key).into_iter().fold(command, Command::arg),
                _ => command.arg(option::<O>(&key)),
            };
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn option<O: Offer>(key: &Key) -> Arg {
    let option = described(Arg::new(key.name).long(dashed(key.name)), key, "")
        .value_name(value_name(key))
        .required(O::REQUIRED.contains(&key.name) && O::FILE.is_empty())
        .allow_negative_numbers(matches!(key.kind, Kind::Integer | Kind::Number));
    let option = match O::REQUIRED.contains(&key.name) && !O::FILE.is_empty() {
        true => option.required_unless_present_any(O::FILE),
        false => option,
    };
    let option = match key.kind {
        Kind::Choice(names) => option.value_parser(PossibleValuesParser::new(names)),
        _ => option,
    };
    if O::OF_DATA.contains(&key.name) {
        return option.requires("data");
    }
    match O::OF_INPUT.contains(&key.name) {
        // Clap takes no offence at a missing `input` where prompts forbid it.
        true => option.requires("input").conflicts_with("prompts"),
        false => option,
    }
}

/// `--key` and `--no-key`. The one that changes something is shown, the other one is there to take
/// it back.
fn flags(key: &Key) -> [Arg; 2] {
    let (name, off) = (key.name, negated(key.name));
    let on_by_default = key.default == "true";
    let flag = |id: &str, other: &str| {
        let flag = Arg::new(id.to_owned()).long(dashed(id)).action(ArgAction::SetTrue);
        flag.overrides_with(other.to_owned())
    };
    let on = described(flag(name, &off), key, "").hide(on_by_default);
    [on, described(flag(&off, name), key, "Turns off: ").hide(!on_by_default)]
}

fn described(option: Arg, key: &Key, before: &str) -> Arg {
    let mut summary = match before {
        "" => as_typed(&key.summary),
        _ => before.to_owned() + &lowercased(&as_typed(&key.summary)),
    };
    if key.kind != Kind::Bool && !key.default.is_empty() {
        summary += &format!(" [default: {}]", key.default);
    }
    let details = match key.details.as_str() {
        "" => summary.clone(),
        details => format!("{summary}\n\n{}", as_typed(details)),
    };
    option
        .help(summary)
        .long_help(details)
        .help_heading(heading(key))
        .hide_short_help(!ESSENTIAL.contains(&key.name))
}

/// What `-h` shows; `--help` shows all.
const ESSENTIAL: &[&str] = &[
    "model",
    "device",
    "train",
    "validation",
    "template",
    "template_file",
    "limit",
    "method",
    "rank",
    "epochs",
    "batch_size",
    "learning_rate",
    "seed",
    "metrics",
    "max_new_tokens",
];

fn heading(key: &Key) -> &'static str {
    match key.section {
        "model" => "Model options",
        "data" => "Data options",
        "method" => "Method options",
        "train" => "Training options",
        _ if EVALUATION.contains(&key.name) => "Evaluation options",
        _ => "Generation options",
    }
}

/// The keys of the section `eval` that are not about generating text.
const EVALUATION: &[&str] =
    &["eval_every", "eval_rows", "eval_samples", "metrics", "best_metric", "patience", "stemmer"];

fn value_name(key: &Key) -> &'static str {
    match (key.kind, key.name) {
        (_, "model") => "MODEL",
        (_, "init_adapter") => "DIR",
        (_, "train" | "validation" | "template_file") => "FILE",
        (_, "template") => "TEMPLATE",
        (_, "source_field" | "target_field") => "FIELD",
        (_, "reference_fields") => "FIELD,…",
        (Kind::Integer, _) => "N",
        (Kind::Number, _) => "NUMBER",
        (Kind::List(_), _) => "NAME,…",
        (Kind::Choice(_), _) => "NAME",
        (Kind::Bool | Kind::Text, _) => "TEXT",
    }
}

fn negated(name: &str) -> String {
    format!("no_{name}")
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

/// The help's `learning_rate` as the option that it is here.
fn as_typed(help: &str) -> String {
    let keys = RunConfig::keys();
    keys.iter().fold(help.to_owned(), |help, key| {
        help.replace(&format!("`{}`", key.name), &format!("`--{}`", dashed(key.name)))
    })
}

fn lowercased(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}
