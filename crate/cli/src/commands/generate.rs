use std::io::{self, BufRead, IsTerminal};

use flantune::{
    adapter::Adapter,
    config::RunConfig,
    session::{GenerateOptions, Session},
};
use serde::Serialize;

use super::{Machine, warn_of_escapes};
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
    let config = arguments.settings.config()?;
    warn_of_escapes(&config, printer);
    let machine = Machine::new();
    machine.require([&arguments.input, &config.data.template_file].into_iter().flatten()).await?;

    let host = machine.host();
    let session = Session::open(&host, &config.model).await?;
    let adapter = match &arguments.adapter {
        Some(directory) => Some(session.load_adapter(&host, directory).await?),
        None => None,
    };
    let mut answers = Answers::new(&session, adapter.as_ref(), &config, printer);
    match &arguments.input {
        Some(file) => answers.all(&session.sources(&host, file, &config.data).await?).await,
        None if arguments.prompts.is_empty() => answers.standard_input().await,
        None => answers.all(&arguments.prompts).await,
    }
}

/// Answers prompts batch by batch, and writes the answers in their order.
struct Answers<'a> {
    session: &'a Session,
    adapter: Option<&'a Adapter>,
    options: GenerateOptions,
    batch_size: usize,
    printer: &'a Printer,
    answered: usize,
}

impl<'a> Answers<'a> {
    fn new(
        session: &'a Session,
        adapter: Option<&'a Adapter>,
        config: &RunConfig,
        printer: &'a Printer,
    ) -> Self {
        let options = GenerateOptions::from(config);
        let batch_size = config.train.batch_size;
        Self { session, adapter, options, batch_size, printer, answered: 0 }
    }

    async fn all(&mut self, prompts: &[String]) -> Result<(), Failure> {
        let as_written = prompts.len() == 1 && self.printer.streams();
        for batch in prompts.chunks(self.batch_size) {
            self.batch(batch, as_written).await?;
        }
        Ok(())
    }

    /// Each line is a prompt, answered at once where a person types.
    async fn standard_input(&mut self) -> Result<(), Failure> {
        let typed = io::stdin().is_terminal();
        if typed {
            self.printer.note("Type a prompt a line; Ctrl-D ends");
        }
        let batch_size = if typed { 1 } else { self.batch_size };
        let as_written = typed && self.printer.streams();
        let mut batch = Vec::new();
        for line in io::stdin().lock().lines() {
            batch.push(line?);
            if batch.len() == batch_size {
                self.batch(&batch, as_written).await?;
                batch.clear();
            }
        }
        if !batch.is_empty() {
            self.batch(&batch, as_written).await?;
        }
        if self.answered == 0 {
            let message =
                "there is no prompt: give one as an argument, as --input, or on standard input";
            return Err(Failure::Usage(message.to_owned()));
        }
        Ok(())
    }

    async fn batch(&mut self, prompts: &[String], as_written: bool) -> Result<(), Failure> {
        let printer = self.printer;
        let mut written = Ok(());
        let mut on_token = |_row: usize, text: &str| {
            if as_written && written.is_ok() {
                written = printer.text(text);
            }
        };
        let (adapter, options) = (self.adapter, &self.options);
        let outputs = self.session.generate(prompts, adapter, options, &mut on_token).await?;
        written?;
        for (prompt, output) in prompts.iter().zip(&outputs) {
            let answer = Answer { row: self.answered, source: prompt, prediction: output };
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
