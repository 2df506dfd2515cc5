//! The README.md beside an adapter: what it is, and how to load it.

use crate::{
    adapter::describe, config::RunConfig, metric::Metrics, model::Base, train::event::MixedSet,
};

/// The card of an adapter, as hubs show it.
pub(super) fn card(
    base: &Base,
    config: &RunConfig,
    data: &str,
    sets: &[MixedSet],
    metrics: &Metrics,
) -> String {
    let base_id = base.id.id.as_deref();
    let named = base_id.unwrap_or("the base that it was trained beside");
    let load = match (base_id, &base.id.revision) {
        (Some(id), Some(revision)) => format!("\"{id}\", revision=\"{revision}\""),
        (id, _) => format!("\"{}\"", id.unwrap_or("path/to/the/base")),
    };
    let front = match base_id {
        Some(id) => format!("base_model: {id}\n"),
        None => String::new(),
    };
    // Only the file's name: where it lay says nothing to others.
    let data = data.rsplit(['/', '\\']).next().unwrap_or(data);
    let train = &config.train;
    let what = describe(config);
    let scores: String = (metrics.iter())
        .map(|(name, value)| match (value.as_f64(), value.get("f1").and_then(|f1| f1.as_f64())) {
            (Some(number), _) | (None, Some(number)) => format!("| {name} | {number:.4} |\n"),
            _ => String::new(),
        })
        .collect();
    let row = |set: &MixedSet| {
        format!("| {} | {} | {:.4} |\n", set.name.replace('|', "\\|"), set.examples, set.rate)
    };
    let sets = match sets {
        [] => String::new(),
        sets => {
            let rows: String = sets.iter().map(row).collect();
            format!("| set | examples | rate |\n| --- | --- | --- |\n{rows}\n")
        }
    };
    let template = config.data.template.as_deref().unwrap_or("{{source}} ||| {{target}}");
    format!(
        "---\nlibrary_name: peft\n{front}---\n\n# An adapter for {named}\n\n\
         {what}, trained by Flantune {version} on `{data}`.\n\n\
         {sets}| setting | value |\n| --- | --- |\n| optimizer | {optimizer} |\n\
         | learning rate | {rate} |\n| batch size | {batch} |\n| seed | {seed} |\n\n\
         Template:\n\n```\n{template}\n```\n\n| metric | value |\n| --- | --- |\n{scores}\n\
         ```python\nfrom peft import PeftModel\nfrom transformers import T5ForConditionalGeneration\n\n\
         base = T5ForConditionalGeneration.from_pretrained({load})\n\
         model = PeftModel.from_pretrained(base, \"path/to/this/directory\")\n```\n",
        version = env!("CARGO_PKG_VERSION"),
        optimizer = config.optimizer(),
        rate = config.learning_rate(),
        batch = train.batch_size * train.accumulate,
        seed = train.seed,
    )
}
