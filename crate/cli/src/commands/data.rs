use flantune::{
    config::RunConfig,
    host::Host,
    session::tokenizer,
    text::{
        Lengths, Preview, Reader, Reading, Split, lengths::Distribution, preview::Side,
        reader::files,
    },
    train::event::Event,
};
use serde_json::json;

use super::{configuration, configuration_over, from_file, host, require, warn};
use crate::{
    args::{DataCommand, LengthsArguments, ModelOptions, ShowArguments, SplitArguments},
    failure::Failure,
    hub,
    printer::Printer,
    progress::grouped,
};

/// The longest bar of a histogram, in characters.
const BAR: usize = 40;

/// Looks at rows before anything is trained on them.
pub(crate) async fn data(command: &DataCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        DataCommand::Show(arguments) => show(arguments, printer).await,
        DataCommand::Lengths(arguments) => lengths(arguments, printer).await,
        DataCommand::Split(arguments) => split(arguments, printer).await,
    }
}

/// Shows rows as a model would see them.
async fn show(arguments: &ShowArguments, printer: &Printer) -> Result<(), Failure> {
    let host = host();
    let file = from_file(&host, arguments.config.as_ref()).await?;
    let config = configuration_over(file, &arguments.settings, printer)?;
    let reader = reader(&host, &config, &arguments.data, arguments.base, printer).await?;
    let ShowArguments { data, row, count, .. } = arguments;
    for preview in reader.preview(data, &config.data, config.train.seed, *row, *count).await? {
        match printer.is_json() {
            true => printer.object(&preview)?,
            false => printer.text(&shown(&preview))?,
        }
    }
    Ok(())
}

/// Measures how long texts are.
async fn lengths(arguments: &LengthsArguments, printer: &Printer) -> Result<(), Failure> {
    let host = host();
    let file = from_file(&host, arguments.config.as_ref()).await?;
    let config = configuration_over(file, &arguments.settings, printer)?;
    let reader = reader(&host, &config, &arguments.data, arguments.base, printer).await?;
    let (rows, lengths) = reader.lengths(&arguments.data, &config.data, config.train.seed).await?;
    warn(&rows, printer)?;
    for lengths in &lengths {
        match printer.is_json() {
            true => printer.object(lengths)?,
            false => printer.text(&measured(lengths))?,
        }
    }
    Ok(())
}

/// Parts a file of rows.
async fn split(arguments: &SplitArguments, printer: &Printer) -> Result<(), Failure> {
    let config = configuration(&arguments.settings, printer)?;
    let split = Split {
        validation_fraction: config.validation_fraction(),
        test_fraction: arguments.test_fraction,
        seed: config.train.seed,
        limit: config.data.limit,
        reading: Reading {
            skip_bad_rows: config.data.skip_bad_rows,
            separator: config.data.separator,
        },
    };
    let SplitArguments { data, output, .. } = arguments;
    let (files, skipped) = split.write(&*host().storage, data, output).await?;
    if let Some(first) = skipped.first.first() {
        let message = format!("{} bad rows are in no part; the first: {first}", skipped.count);
        printer.warning(&message);
        let (code, count) = ("skipped_rows".to_owned(), Some(skipped.count));
        printer.event(&Event::Warning { code, message, count })?;
    }
    if printer.is_json() {
        return printer.object(&json!({ "event": "done", "output": output, "files": files }));
    }
    for file in files {
        printer.line(&format!("{}  {} rows", file.path, grouped(file.rows as u64)))?;
    }
    Ok(())
}

/// Reads rows, with the tokenizer of the model where one is named.
async fn reader(
    host: &Host,
    config: &RunConfig,
    data: &str,
    options: ModelOptions,
    printer: &Printer,
) -> Result<Reader, Failure> {
    // Of the configuration's own rows nothing is wanted.
    let mut named = config.data.clone();
    (named.train, named.validation) = (Some(data.to_owned()), None);
    require(host, &files(&*host.storage, &named).await?).await?;
    let tokenizer = match &config.model.model {
        Some(model) => {
            let directory = hub::locate(model, options.offline, *printer)?.directory;
            Some(tokenizer(&*host.storage, &directory).await?.into())
        }
        None => None,
    };
    Ok(Reader { storage: host.storage.clone(), tokenizer })
}

fn shown(preview: &Preview) -> String {
    let set = preview.set.as_ref().map_or_else(String::new, |set| format!("{set}, "));
    let mut text = format!("{set}row {}, line {}\n", preview.row, preview.line);
    if let Some(bytes) = preview.shortened {
        text +=
            &format!("  only the beginning: {} bytes more are not shown\n", grouped(bytes as u64));
    }
    if let Some(why) = &preview.left_out {
        text += &format!("  left out: {why}\n");
    }
    for (name, side) in [("source", &preview.source), ("target", &preview.target)] {
        text += &side.as_ref().map_or_else(String::new, |side| shown_side(name, side));
    }
    for reference in &preview.references {
        text += &format!("  reference\n{}", indented(reference));
    }
    text
}

fn shown_side(name: &str, side: &Side) -> String {
    let Some(tokens) = &side.tokens else { return format!("  {name}\n{}", indented(&side.text)) };
    let mut text = format!("  {name}, {} tokens\n{}", tokens.len(), indented(&side.text));
    let tokens: Vec<String> =
        tokens.iter().map(|token| format!("{} {}", token.token, token.id)).collect();
    text += &format!("    {}\n", tokens.join(" | "));
    if let Some(cut) = &side.cut {
        text += &format!("    cut: {} tokens, `{}`\n", cut.tokens, cut.text);
    }
    text
}

fn indented(text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
    if lines.is_empty() { "    (empty)\n".to_owned() } else { lines }
}

fn measured(lengths: &Lengths) -> String {
    let Lengths { name, rows, too_long, source, target } = lengths;
    let mut text = format!("{name}: {} rows\n", grouped(*rows as u64));
    for (name, side) in [("source", source), ("target", target)] {
        text += &distribution(name, side);
    }
    let lost = |name: &str, side: &Distribution| {
        let (texts, tokens) = (grouped(side.too_long as u64), grouped(side.cut_tokens as u64));
        format!("{texts} {name}s have more than {} tokens and would lose {tokens}", side.limit)
    };
    let share = 100.0 * *too_long as f64 / (*rows).max(1) as f64;
    text += &format!(
        "Too long are {} rows ({share:.1} %): {}; {}\n",
        grouped(*too_long as u64),
        lost("source", source),
        lost("target", target),
    );
    text
}

fn distribution(name: &str, of: &Distribution) -> String {
    let mut text = format!(
        "{name}: {} to {} tokens, {:.1} on average; up to {} have 50 %, {} 90 %, {} 95 %, {} 99 %\n",
        of.min, of.max, of.mean, of.p50, of.p90, of.p95, of.p99,
    );
    let most = of.histogram.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let width = of.histogram.last().map_or(1, |bar| bar.to.to_string().len());
    for bar in &of.histogram {
        let length = (bar.count * BAR).div_ceil(most);
        let (line, count) = ("█".repeat(length), grouped(bar.count as u64));
        text += &format!("  {:>width$} to {:>width$}  {line} {count}\n", bar.from, bar.to);
    }
    text
}
