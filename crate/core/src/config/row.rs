//! What else is known of a key, beside its type, its default and its help.

use super::method::Method;

/// A piece of work that keys are for. Training takes them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Training.
    Train,
    /// Answering prompts.
    Generate,
    /// Measuring on rows.
    Evaluate,
    /// Looking at rows.
    Preview,
    /// Measuring the lengths of rows.
    Lengths,
    /// Splitting a file of rows.
    Split,
    /// Writing a model in another type.
    Quantize,
    /// Adding an adapter into its base.
    Merge,
    /// Estimating memory.
    Memory,
    /// Timing on random weights.
    Bench,
    /// Training on a set of our own.
    Demo,
}

use Task::{Bench, Demo, Evaluate, Generate, Lengths, Memory, Merge, Preview, Quantize, Split};

/// Tasks that load a model as training does.
pub(super) const MODEL: &[Task] = &[Generate, Evaluate, Merge, Memory];
/// Tasks that compute.
pub(super) const COMPUTE: &[Task] = &[Generate, Evaluate, Merge, Memory, Quantize, Demo, Bench];
/// Tasks that compute, or tokenise many rows.
pub(super) const THREADS: &[Task] =
    &[Generate, Evaluate, Merge, Memory, Quantize, Demo, Bench, Lengths];
/// Tasks for which a model may be named.
pub(super) const NAMED_MODEL: &[Task] =
    &[Generate, Evaluate, Merge, Memory, Quantize, Preview, Lengths];
/// Tasks that make a source of each row.
pub(super) const SOURCES: &[Task] = &[Generate, Evaluate, Preview, Lengths, Quantize];
/// Tasks that make a target of each row, too.
pub(super) const TARGETS: &[Task] = &[Evaluate, Preview, Lengths, Quantize];
/// Tasks that read rows, whatever they make of them.
pub(super) const ROWS: &[Task] = &[Generate, Evaluate, Preview, Lengths, Split, Quantize];
/// Tasks that write texts.
pub(super) const TEXTS: &[Task] = &[Generate, Evaluate];

/// The numbers that a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    /// Any of its kind.
    Any,
    /// Whole numbers from the one to the other, both of them included.
    Whole(u64, u64),
    /// From 0, less than 1.
    Fraction,
    /// Greater than 0, up to 1.
    Share,
    /// Greater than 0.
    Positive,
    /// Greater than 0, up to this one.
    UpTo(f64),
    /// From 0 up to this one.
    FromZero(f64),
    /// From 0.
    NotNegative,
}

impl Range {
    /// Whole numbers from this one.
    pub(super) const fn from(least: u64) -> Self {
        Range::Whole(least, u64::MAX)
    }

    /// What is expected where a number is not in it, as the end of "expected …".
    pub(super) fn refuses(self, number: f64) -> Option<String> {
        let (within, expected) = match self {
            Range::Any => (true, "a finite number".to_owned()),
            Range::Whole(least, _) if number < least as f64 => {
                (false, format!("a whole number from {least}"))
            }
            Range::Whole(_, most) => {
                (number <= most as f64, format!("a whole number up to {most}"))
            }
            Range::Fraction => {
                ((0.0..1.0).contains(&number), "a number from 0, less than 1".to_owned())
            }
            Range::Share => {
                (number > 0.0 && number <= 1.0, "a number greater than 0, up to 1".to_owned())
            }
            Range::UpTo(most) => {
                (number > 0.0 && number <= most, format!("a number greater than 0, up to {most}"))
            }
            Range::FromZero(most) => {
                ((0.0..=most).contains(&number), format!("a number from 0 to {most}"))
            }
            Range::Positive => (number > 0.0, "a number greater than 0".to_owned()),
            Range::NotNegative => (number >= 0.0, "a number from 0".to_owned()),
        };
        (!within || !number.is_finite()).then_some(expected)
    }
}

/// The heading that a key stands under where keys are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// That of its section.
    Section,
    /// How a model is judged.
    Evaluation,
    /// How text is generated.
    Generation,
}

/// Where a page has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the list of all settings, if the page has a place for its section.
    Listed,
    /// In a field of its own.
    Own,
    /// Nowhere: the page decides it itself, or has no use for it.
    Hidden,
}

/// A key's row: what is known of it in one place. Built by its methods, in `sections`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Its numbers.
    pub range: Range,
    /// The heading that it stands under.
    pub group: Group,
    /// What stands for a value in a list of options; empty where its kind says it.
    pub value_name: &'static str,
    /// The tasks that take it, beside training.
    pub tasks: &'static [Task],
    /// The methods that it is for; none where it is for all.
    pub methods: &'static [Method],
    /// Whether it is among the few that a short help shows.
    pub essential: bool,
    /// Whether a run that is gone on with may have it otherwise: it does not change what is computed.
    pub free: bool,
    /// Whether it says something only where rows of a file are read.
    pub of_rows: bool,
    /// Whether it says something only where texts are tokenised.
    pub of_texts: bool,
    /// Keys that say the same in other words: set over a file's, it takes their place.
    pub instead_of: &'static [&'static str],
    /// Where a page has it.
    pub place: Place,
}

impl Row {
    /// What most keys have.
    pub(super) const fn plain() -> Self {
        Row {
            range: Range::Any,
            group: Group::Section,
            value_name: "",
            tasks: &[],
            methods: &[],
            essential: false,
            free: false,
            of_rows: false,
            of_texts: false,
            instead_of: &[],
            place: Place::Listed,
        }
    }

    /// Numbers within a range.
    pub(super) const fn range(range: Range) -> Self {
        Row { range, ..Self::plain() }
    }

    /// Whole numbers from the one to the other.
    pub(super) const fn whole(least: u64, most: u64) -> Self {
        Self::range(Range::Whole(least, most))
    }

    pub(super) const fn tasks(self, tasks: &'static [Task]) -> Self {
        Row { tasks, ..self }
    }

    pub(super) const fn methods(self, methods: &'static [Method]) -> Self {
        Row { methods, ..self }
    }

    pub(super) const fn value(self, value_name: &'static str) -> Self {
        Row { value_name, ..self }
    }

    pub(super) const fn group(self, group: Group) -> Self {
        Row { group, ..self }
    }

    pub(super) const fn essential(self) -> Self {
        Row { essential: true, ..self }
    }

    pub(super) const fn free(self) -> Self {
        Row { free: true, ..self }
    }

    pub(super) const fn of_rows(self) -> Self {
        Row { of_rows: true, ..self }
    }

    pub(super) const fn of_texts(self) -> Self {
        Row { of_texts: true, ..self }
    }

    pub(super) const fn instead_of(self, keys: &'static [&'static str]) -> Self {
        Row { instead_of: keys, ..self }
    }

    pub(super) const fn own(self) -> Self {
        Row { place: Place::Own, ..self }
    }

    pub(super) const fn hidden(self) -> Self {
        Row { place: Place::Hidden, ..self }
    }
}
