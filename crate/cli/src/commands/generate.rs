use std::{
    io::{self, BufRead, IsTerminal},
    path::Path,
};

use flantune::{
    Error,
    adapter::Adapter,
    config::{RunConfig, Task},
    encoding,
    session::Session,
    text::Example,
};
use serde::Serialize;

use super::{configuration_over, from_file, host, load_adapter, open, require, take_own, warn};
use crate::{args::GenerateArguments, failure::Failure, printer::Printer};

/// An answer, with `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    row: usize,
    source: &'a str,
    prediction: &'a str,
    /// All answers, where more than one is asked for; `prediction` is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<&'a [String]>,
    /// What beam search ranks them by.
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<&'a [f64]>,
}

/// Answers prompts from the command line, a file of rows, or standard input.
pub(crate) async fn generate(
    arguments: &GenerateArguments,
    printer: &Printer,
) -> Result<(), Failure> {
    let host = host();
    let file = from_file(&host, arguments.config.as_ref()).await?;
    let mut config = configuration_over(file, &arguments.settings, printer)?;
    let files = [&arguments.input, &config.data.template_file];
    require(&host, files.into_iter().flatten()).await?;

    let adapters = named(&arguments.adapter)?;
    let used = used(&adapters, arguments.used.as_deref())?;

    let mut session = open(&host, &mut config, arguments.base, printer).await?;
    take_own(&session, &mut config, Task::Generate, printer)?;
    for &(name, directory) in &adapters {
        let adapter = load_adapter(&session, directory, printer).await?;
        session.hold(name, adapter);
    }
    let mut answers = Answers {
        session: &session,
        adapter: used.map(|name| session.adapter(name)).transpose()?,
        config: &config,
        printer,
        answered: 0,
    };
    match &arguments.input {
        Some(file) => answers.file(file).await,
        None if arguments.prompts.is_empty() => answers.standard_input().await,
        None => answers.texts(arguments.prompts.clone()).await,
    }
}

/// The adapters as name and directory: `NAME=DIR`, or a directory that gives its own name.
fn named(adapters: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let mut named: Vec<(&str, &str)> = Vec::new();
    for adapter in adapters {
        let (name, directory) = match adapter.split_once('=') {
            // A directory may have the sign in its own name; a name has no separator.
            Some((name, directory)) if !name.contains(['/', '\\']) => (name, directory),
            _ => {
                let last = Path::new(adapter).file_name().and_then(|name| name.to_str());
                (last.unwrap_or(adapter), adapter.as_str())
            }
        };
        if named.iter().any(|(other, _)| *other == name) {
            let message = format!("there are two adapters `{name}`; give one a name with NAME=DIR");
            return Err(Failure::Usage(message));
        }
        named.push((name, directory));
    }
    Ok(named)
}

/// The name of the adapter to use: the one asked for, or the only one.
fn used<'a>(
    adapters: &[(&'a str, &'a str)],
    name: Option<&str>,
) -> Result<Option<&'a str>, Failure> {
    let names = || adapters.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match (adapters, name) {
        ([], None) => Ok(None),
        (&[(name, _)], None) => Ok(Some(name)),
        (_, None) => Err(Failure::Usage(format!("of {}, --use must name one", names()))),
        (_, Some(name)) => match adapters.iter().find(|(other, _)| *other == name) {
            Some((name, _)) => Ok(Some(name)),
            None => {
                let message = format!("--use: found `{name}`, expected one of {}", names());
                Err(Failure::Usage(message))
            }
        },
    }
}

/// Answers prompts batch by batch, and writes the answers in their order.
struct Answers<'a> {
    session: &'a Session,
    adapter: Option<&'a Adapter>,
    config: &'a RunConfig,
    printer: &'a Printer,
    answered: usize,
}

impl Answers<'_> {
    async fn texts(&mut self, texts: Vec<String>) -> Result<(), Failure> {
        let mut prompts = self.session.texts(texts, &self.config.data)?;
        // A line's number decides what is drawn for it, so that the size of batches does not.
        prompts.iter_mut().for_each(|prompt| prompt.row += self.answered);
        for batch in prompts.chunks(self.config.train.batch_size) {
            self.batch(batch).await?;
        }
        Ok(())
    }

    /// Rows of a file, read as they are answered.
    async fn file(&mut self, file: &str) -> Result<(), Failure> {
        let prompts = self.session.prompts(file, &self.config.data, self.config.train.seed).await?;
        prompts.check_not_empty()?;
        warn(&prompts, self.printer)?;
        let places: Vec<usize> = (0..prompts.len()).collect();
        for batch in places.chunks(self.config.train.batch_size) {
            self.batch(&prompts.examples(batch).await?).await?;
        }
        Ok(())
    }

    /// Each line is a prompt, answered at once where a person types.
    async fn standard_input(&mut self) -> Result<(), Failure> {
        let typed = io::stdin().is_terminal();
        if typed {
            self.printer.note("Type a prompt a line; Ctrl-D ends");
        }
        let batch_size = if typed { 1 } else { self.config.train.batch_size };
        let (mut input, mut line, mut is_first) = (io::stdin().lock(), Vec::new(), true);
        loop {
            let mut batch = Vec::new();
            while batch.len() < batch_size {
                line.clear();
                if input.read_until(b'\n', &mut line)? == 0 {
                    break;
                }
                let text = encoding::line(&line, is_first)
                    .map_err(|message| Error::format("standard input", message))?;
                batch.push(text.to_owned());
                is_first = false;
            }
            if batch.is_empty() {
                break;
            }
            self.texts(batch).await?;
        }
        if self.answered == 0 {
            let message =
                "there is no prompt: give one as an argument, as --input, or on standard input";
            return Err(Failure::Usage(message.to_owned()));
        }
        Ok(())
    }

    async fn batch(&mut self, prompts: &[Example]) -> Result<(), Failure> {
        let printer = self.printer;
        let (adapter, config) = (self.adapter, &self.config.eval);
        // A single answer is shown as it is written.
        let several = config.num_return_sequences > 1;
        let as_written = prompts.len() == 1 && printer.streams() && !several;
        let mut written = Ok(());
        let mut on_part = |text: &str| {
            if as_written && written.is_ok() {
                written = printer.text(text);
            }
        };
        let size = self.config.train.batch_size;
        let outputs = self.session.generate(prompts, adapter, config, size, &mut on_part).await?;
        written?;
        for (prompt, output) in prompts.iter().zip(&outputs) {
            let (row, source) = (self.answered, prompt.source_text.as_str());
            let answer = Answer {
                row,
                source,
                prediction: output.best(),
                texts: several.then_some(&output.texts),
                scores: Some(output.scores.as_slice())
                    .filter(|scores| several && !scores.is_empty()),
            };
            self.answered += 1;
            match (printer.is_json(), as_written) {
                (true, _) => printer.object(&answer)?,
                (false, true) => printer.line("")?,
                (false, false) => {
                    output.texts.iter().try_for_each(|text| printer.line(text))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(adapters: &[&str], name: Option<&str>) -> Result<Option<String>, String> {
        let adapters: Vec<String> = adapters.iter().map(|&adapter| adapter.to_owned()).collect();
        let named = named(&adapters).map_err(|failure| failure.message())?;
        match used(&named, name) {
            Ok(name) => Ok(name.map(str::to_owned)),
            Err(failure) => Err(failure.message()),
        }
    }

    #[test]
    fn a_directory_names_its_adapter_unless_a_name_stands_before_it() {
        let adapters = ["a=x/y".to_owned(), "x/y/".to_owned(), "x/b=c".to_owned()];
        assert_eq!(named(&adapters).unwrap(), [("a", "x/y"), ("y", "x/y/"), ("b=c", "x/b=c")]);
    }

    #[test]
    fn one_adapter_is_used() {
        assert_eq!(chosen(&[], None), Ok(None));
        assert_eq!(chosen(&["x/y"], None), Ok(Some("y".to_owned())));
        assert_eq!(chosen(&["x/y", "z=x/y"], Some("z")), Ok(Some("z".to_owned())));
        let refused = |adapters, name| chosen(adapters, name).unwrap_err();
        assert_eq!(refused(&["a", "b"], None), "of a, b, --use must name one");
        assert_eq!(refused(&["a", "b"], Some("c")), "--use: found `c`, expected one of a, b");
        assert!(refused(&["a", "x/a"], Some("a")).starts_with("there are two adapters `a`"));
    }
}
