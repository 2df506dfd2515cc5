//! The configuration's keys as options, made from the core's table of them: `learning_rate` becomes
//! `--learning-rate`, a key that is true gets a `--no-…`.

use std::marker::PhantomData;

use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches,
    builder::{PossibleValue, PossibleValuesParser},
    parser::ValueSource,
};
use flantune::{
    Result,
    config::{Group, Key, RunConfig, Task, ValueKind},
    error::Message,
};

/// Which keys a command takes.
pub(crate) trait Offer {
    /// What it does: a key says which work it is for.
    const TASK: Task;
    /// Whether a model must be named.
    const NEEDS_MODEL: bool = true;
    /// Whether training rows must be named.
    const NEEDS_ROWS: bool = false;
    /// Whether a file of a configuration may name them.
    const TAKES_FILE: bool = false;
    /// The option that names a file of rows, where there need not be one: keys that are only for rows go
    /// with it.
    const ROWS: Option<&'static str> = None;
    /// An option that it excludes.
    const NO_ROWS: Option<&'static str> = None;
    /// Whether there are no texts but those of rows.
    const ONLY_ROWS: bool = false;

    fn offers(key: &Key) -> bool {
        Self::TASK == Task::Train || key.row.tasks.contains(&Self::TASK)
    }

    fn needs(key: &Key) -> bool {
        matches!(
            (key.name, Self::NEEDS_MODEL, Self::NEEDS_ROWS),
            ("model", true, _) | ("train", _, true)
        )
    }
}

macro_rules! offers {
    ($($(#[$about:meta])+ $name:ident: $task:ident { $($constant:ident: $type:ty = $value:expr;)* })+) => {
        $(
            $(#[$about])+
            #[derive(Debug)]
            pub(crate) struct $name;

            impl Offer for $name {
                const TASK: Task = Task::$task;
                $(const $constant: $type = $value;)*
            }
        )+
    };
}

offers! {
    /// Keys of `train`.
    Train: Train {
        NEEDS_ROWS: bool = true;
        TAKES_FILE: bool = true;
    }
    /// Keys of `generate`.
    Generate: Generate {
        TAKES_FILE: bool = true;
        ROWS: Option<&'static str> = Some("input");
        NO_ROWS: Option<&'static str> = Some("prompts");
    }
    /// Keys of `eval`.
    Evaluate: Evaluate {
        TAKES_FILE: bool = true;
    }
    /// Keys of `data show`.
    Preview: Preview {
        NEEDS_MODEL: bool = false;
    }
    /// Keys of `data lengths`.
    Lengths: Lengths {
        TAKES_FILE: bool = true;
    }
    /// Keys of `data split`.
    Split: Split {
        NEEDS_MODEL: bool = false;
    }
    /// Keys of `quantize`.
    Quantize: Quantize {
        ROWS: Option<&'static str> = Some("data");
        ONLY_ROWS: bool = true;
    }
    /// Keys of `demo`.
    Demo: Demo {
        NEEDS_MODEL: bool = false;
    }
    /// Keys of `merge`.
    Merge: Merge {}
    /// Keys of `memory`.
    Memory: Memory {
        NEEDS_MODEL: bool = false;
    }
    /// Keys of `bench`.
    Bench: Bench {
        NEEDS_MODEL: bool = false;
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
            let boolean =
                keys.iter().any(|known| known.name == *key && known.kind == ValueKind::Bool);
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
            if key.kind == ValueKind::Bool {
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
                ValueKind::Bool => flags(&key).into_iter().fold(command, Command::arg),
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
        .required(O::needs(key) && !O::TAKES_FILE)
        .allow_negative_numbers(matches!(key.kind, ValueKind::Integer | ValueKind::Number));
    let option = match O::needs(key) && O::TAKES_FILE {
        true => option.required_unless_present("config"),
        false => option,
    };
    let option = match key.kind {
        ValueKind::Choice(names) => {
            let value = |name: &&'static str| PossibleValue::new(*name).hide(!key.supports(name));
            option.value_parser(PossibleValuesParser::new(names.iter().map(value)))
        }
        _ => option,
    };
    let of_rows = key.row.of_rows || (key.row.of_texts && O::ONLY_ROWS);
    match (O::ROWS.filter(|_| of_rows), O::NO_ROWS) {
        // Clap takes no offence at missing rows where what is there instead forbids them.
        (Some(rows), Some(instead)) => option.requires(rows).conflicts_with(instead),
        (Some(rows), None) => option.requires(rows),
        (None, _) => option,
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
    let hidden = !(key.supports("true") && key.supports("false"));
    let on = described(flag(name, &off), key, "").hide(on_by_default || hidden);
    [on, described(flag(&off, name), key, "Turns off: ").hide(!on_by_default || hidden)]
}

fn described(option: Arg, key: &Key, before: &str) -> Arg {
    let as_typed = |help: &Message| {
        let option = |name: &str| format!("--{}", dashed(name));
        help.clone().with_keys(&option).to_string()
    };
    let mut summary = match before {
        "" => as_typed(&key.summary),
        _ => before.to_owned() + &lowercased(&as_typed(&key.summary)),
    };
    if key.kind != ValueKind::Bool && !key.default.is_empty() {
        summary += &format!(" [default: {}]", key.default);
    }
    let details = match key.details.is_empty() {
        true => summary.clone(),
        false => format!("{summary}\n\n{}", as_typed(&key.details)),
    };
    option
        .help(summary)
        .long_help(details)
        .help_heading(heading(key))
        .hide_short_help(!key.row.essential)
}

fn heading(key: &Key) -> &'static str {
    match (key.row.group, key.section) {
        (Group::Evaluation, _) => "Evaluation options",
        (Group::Generation, _) => "Generation options",
        (Group::Section, "model") => "Model options",
        (Group::Section, "data") => "Data options",
        (Group::Section, "method") => "Method options",
        (Group::Section, _) => "Training options",
    }
}

fn value_name(key: &Key) -> &'static str {
    match (key.row.value_name, key.kind) {
        ("", ValueKind::Integer) => "N",
        ("", ValueKind::Number) => "NUMBER",
        ("", ValueKind::List(_)) => "NAME,…",
        ("", ValueKind::Choice(_)) => "NAME",
        ("", ValueKind::Bool | ValueKind::Text) => "TEXT",
        (name, _) => name,
    }
}

fn negated(name: &str) -> String {
    format!("no_{name}")
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

fn lowercased(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}
