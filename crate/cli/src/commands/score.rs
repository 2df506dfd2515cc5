use flantune::{
    metric::{
        Metric, Metrics,
        score::{Pair, Scorer},
    },
    text::pairs::Pairs,
    train::event::{Done, Event},
};
use serde_json::{Value, json};

use super::{eval::table, host};
use crate::{args::ScoreArguments, failure::Failure, printer::Printer};

/// The most bytes of a file that is read whole.
const LIMIT: u64 = 4 << 30;

/// Scores predictions against references.
pub(crate) async fn score(arguments: &ScoreArguments, printer: &Printer) -> Result<(), Failure> {
    let storage = host().storage;
    let predictions = storage.read_all(&arguments.predictions, LIMIT).await?;
    let mut references = Vec::new();
    for file in &arguments.references {
        references.push((file, storage.read_all(file, LIMIT).await?));
    }
    let references: Vec<_> =
        references.iter().map(|(file, bytes)| (file.as_str(), bytes.as_slice())).collect();
    let pairs = Pairs::read(
        (&arguments.predictions, &predictions),
        &references,
        arguments.prediction_field.as_deref(),
        &arguments.reference_fields,
    )?;
    if arguments.metrics.iter().any(|metric| matches!(metric, Metric::Pearson | Metric::Spearman)) {
        pairs.check_numbers()?;
    }

    let mut scorer = Scorer::new(&arguments.metrics, arguments.options());
    match arguments.explain {
        true => {
            for (row, pair) in pairs.pairs.iter().enumerate() {
                let scores = scorer.add(&pair.prediction, &pair.references);
                explain(row, pair, scores, &scorer, printer)?;
            }
        }
        false => scorer.add_all(&pairs.pairs),
    }
    warn(&scorer, printer)?;
    for (name, signature) in scorer.signatures(pairs.references()) {
        printer.note(&format!("{name}: {signature}"));
    }
    let metrics = scorer.metrics();
    match printer.is_json() {
        true => printer.event(&Event::Done(Done { metrics, ..Done::default() })),
        false => printer.text(&table(&metrics)),
    }
}

/// A row's texts and scores, and what each metric has counted.
fn explain(
    row: usize,
    pair: &Pair,
    scores: Metrics,
    scorer: &Scorer,
    printer: &Printer,
) -> Result<(), Failure> {
    let Pair { prediction, references, .. } = pair;
    let explained = scorer.explain(prediction, references);
    if printer.is_json() {
        let explanation: Metrics =
            explained.into_iter().map(|(metric, text)| (metric.to_string(), json!(text))).collect();
        let mut object = json!({ "row": row, "prediction": prediction, "references": references });
        for (metric, score) in scores {
            object[metric] = score;
        }
        object["explanation"] = Value::Object(explanation);
        return printer.object(&object);
    }
    let mut text = format!("row {row}\n  prediction: {prediction}\n");
    references.iter().for_each(|reference| text += &format!("  reference: {reference}\n"));
    for (metric, explanation) in explained {
        let score = scores.get(metric.name());
        let score = score.and_then(|score| score.as_f64().or_else(|| score["f1"].as_f64()));
        let score = score.map_or_else(String::new, |score| format!(" {score:.4}"));
        text += &format!("  {metric}{score}: {explanation}\n");
    }
    printer.line(&text)
}

/// Tells of what a score does not say by itself.
fn warn(scorer: &Scorer, printer: &Printer) -> Result<(), Failure> {
    let (no_numbers, in_parts) = (scorer.no_numbers(), scorer.in_parts());
    for (code, count, message) in [
        (
            "no_number",
            no_numbers,
            format!("{no_numbers} predictions are no numbers and count as −1"),
        ),
        (
            "long_texts",
            in_parts,
            format!(
                "the texts of {in_parts} rows are too long to compare whole: they were compared \
                 part by part"
            ),
        ),
    ] {
        if count > 0 {
            printer.warning(&message);
            printer.event(&Event::Warning {
                code: code.to_owned(),
                message,
                count: Some(count),
            })?;
        }
    }
    Ok(())
}
