use std::io::{self, BufRead, IsTerminal};

use flantune::{adapter::Adapter, config::RunConfig, session::Session, text::dataset::Example};
use serde::Serialize;

use super::{configuration, host, require};
use crate::{args::GenerateArguments, failure::Failure, printer::Printer};

/// An answer, with `--json`.
#[derive(Serialize)]
struct Answer<'a> {
    row: usize,
    source: &'a str,
    prediction: &'a str,
}

/// Answers prompts from the command line, a file of rows, or standard input.
pub(crate) async fn generate(
    arguments: &GenerateArguments,
    printer: &Printer,
) -> Result<(), Failure> {
    let config = configuration(&arguments.settings, printer)?;
    let host = host();
    let files = [&arguments.input, &config.data.template_file];
    require(&host, files.into_iter().flatten()).await?;

    let session = Session::open(&host, &config.model).await?;
    let adapter = match &arguments.adapter {
        Some(directory) => Some(session.load_adapter(directory).await?),
        None => None,
    };
    let mut answers = Answers {
        session: &session,
        adapter: adapter.as_ref(),
        config: &config,
        printer,
        answered: 0,
    };
    match &arguments.input {
        Some(file) => answers.all(&session.prompts(file, &config.data).await?.examples).await,
        None if arguments.prompts.is_empty() => answers.standard_input().await,
        None => answers.texts(arguments.prompts.clone()).await,
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
        let prompts = self.session.texts(texts, &self.config.data)?;
        self.all(&prompts.examples).await
    }

    async fn all(&mut self, prompts: &[Example]) -> Result<(), Failure> {
        for batch in prompts.chunks(self.config.train.batch_size) {
            self.batch(batch).await?;
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
        let mut lines = io::stdin().lock().lines();
        loop {
            let batch: Vec<String> = lines.by_ref().take(batch_size).collect::<Result<_, _>>()?;
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
        // A single answer is shown as it is written.
        let as_written = prompts.len() == 1 && printer.streams();
        let mut written = Ok(());
        let mut on_part = |text: &str| {
            if as_written && written.is_ok() {
                written = printer.text(text);
            }
        };
        let (adapter, config) = (self.adapter, &self.config.eval);
        let outputs = self.session.generate(prompts, adapter, config, &mut on_part).await?;
        written?;
        for (prompt, output) in prompts.iter().zip(&outputs) {
            let (row, source) = (self.answered, prompt.source_text.as_str());
            let answer = Answer { row, source, prediction: output };
            self.answered += 1;
            match (printer.is_json(), as_written) {
                (true, _) => printer.object(&answer)?,
                (false, true) => printer.line("")?,
                (false, false) => printer.line(output)?,
            }
        }
        Ok(())
    }
}
