//! Work that grows with what it is given: renderings of large rows, scores of long texts. How much
//! memory passes through their hands is counted; how long they take, `scripts/fuzz.sh` looks at.

use std::sync::LazyLock;

use flantune::{
    metric::{
        Metric,
        rouge::{Rouge, RougeKind},
        score::{Options, Scorer},
    },
    text::{Row, Template, Templates, template::Published},
};
use serde_json::{Value, json};

use super::{check, checked};
use crate::{Limits, Target};

/// Rows in which everything is large.
static ROWS: LazyLock<[Row; 2]> = LazyLock::new(|| {
    let row = |value| match value {
        Value::Object(fields) => Row { line: 1, fields },
        _ => unreachable!("it is an object"),
    };
    let long: String = (0..10_000).map(|n| format!("{} ", n * 7919 % 10_007)).collect();
    let list: Vec<Value> = (0..2_000).map(|n| json!(format!("item {n}"))).collect();
    let map: Value = (0..1_000).map(|n| (format!("key {n} {long:.1000}"), json!(n))).collect();
    let wide: Vec<Value> = (0..50).map(|_| json!(list[..100])).collect();
    let deep = (0..60).fold(json!(long), |inner, _| json!([inner]));
    let run = "a".repeat(1 << 18);
    [
        row(json!({
            "source": long, "target": long, "x": run, "y": run, "label": 1, "list": list,
            "map": map, "wide": wide, "other": wide, "deep": deep,
        })),
        row(json!({
            "source": run, "target": "é".repeat(1 << 16), "x": "", "y": "aaab", "label": -1,
            "list": [run, run, long], "map": {"a": {"b": list}}, "wide": [[], [[]]], "deep": [],
        })),
    ]
});

/// What takes much work for a few letters.
const WORDS: &[&str] = &[
    "{% set n = namespace(a=list, b=x) %}",
    "{% for i in range(99999) %}",
    "{% set n.a = [n.a, n.a] %}",
    "{% set n.b = n.b ~ n.b %}",
    "{% if x == y %}",
    "{% if wide == other %}",
    "{% if 'b' < x <= y %}",
    "{% if x in list %}",
    "{% if list in x %}",
    "{{ x.startswith(range(99999)) }}",
    "{{ x.count(y) }}",
    "{{ x.find('b') }}",
    "{{ x.strip(x) }}",
    "{{ x.split() }}",
    "{{ x.replace('', x) }}",
    "{{ list.index(x) }}",
    "{{ map.get(x) }}",
    "{{ map.items() }}",
    "{{ map[x] }}",
    "{{ list | sort | unique | join }}",
    "{{ list | groupby('a') }}",
    "{{ list | select('eq', x) | list | length }}",
    "{{ wide | map('join', ',') | join }}",
    "{{ wide | string }}",
    "{{ deep | pprint }}",
    "{{ x is upper }}",
    "{{ x is startingwith y }}",
    "{{ loop.changed(wide) }}",
    "{{ loop.cycle() }}",
    "{{ dict(a=list) }}",
    "zip(list, list)",
    "| batch(2)",
    "| slice(3)",
    "| list",
    "| most_frequent",
];

pub(super) const TEMPLATE_WORK: Target = Target {
    name: "template_work",
    fixtures: &[],
    words: WORDS,
    limits: Limits { made: 1 << 30, ..Limits::BOUNDED },
    run: |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        let both = format!("{text}|||{text}");
        let Some(template) = checked(Template::parse(text)) else { return };
        let published = [text, &both].map(|text| checked(Published::parse("t", text, None)));
        let turns = Templates::rotating(published.into_iter().flatten().collect(), 1);
        for (index, row) in ROWS.iter().enumerate() {
            checked(template.render_source(row));
            if let Err(error) = turns.render(index, row) {
                check(&error);
            }
        }
    },
};

const METRICS: &[Metric] = &[
    Metric::Rouge1,
    Metric::Rouge2,
    Metric::Rouge3,
    Metric::Rouge4,
    Metric::RougeL,
    Metric::RougeLsum,
    Metric::Bleu,
    Metric::Chrf,
    Metric::ChrfPlusPlus,
    Metric::Ter,
    Metric::ExactMatch,
    Metric::TokenF1,
    Metric::Accuracy,
    Metric::F1,
    Metric::Matthews,
    Metric::Pearson,
    Metric::Spearman,
];

/// The most bytes of all texts of a row.
const MOST: usize = 1 << 14;

pub(super) const SCORES: Target = Target {
    name: "scores",
    fixtures: &[],
    words: &["\0", "\0\u{8}", "\n", "a ", "the cat ", "é", "y", ".", ",", "1", " ", "&lt;"],
    limits: Limits::BOUNDED,
    run: |input| {
        // Texts, of which the first is the prediction; each begins with how often it is doubled.
        let mut left = MOST;
        let texts: Vec<String> = input
            .split(|byte| *byte == 0)
            .map(|text| {
                let (doubled, text) = text.split_first().unwrap_or((&0, &[]));
                let text = String::from_utf8_lossy(text).repeat(1 << (doubled % 16));
                let text = text[..text.floor_char_boundary(left.min(text.len()))].to_owned();
                left -= text.len();
                text
            })
            .collect();
        let [prediction, references @ ..] = &texts[..] else { return };
        for stemmer in [false, true] {
            let options = Options { stemmer, ..Options::default() };
            let mut scorer = Scorer::new(METRICS, options);
            for (name, score) in scorer.add(prediction, references) {
                let most = match name.as_str() {
                    "bleu" | "chrf" | "chrf++" => 100.0,
                    // Of a short reference there may be any number of edits.
                    "ter" => f64::INFINITY,
                    _ => 1.0,
                };
                let score = score.as_f64().or(score["f1"].as_f64()).unwrap_or(f64::NAN);
                assert!((0.0..=most + 1e-9).contains(&score), "{name} is {score}");
            }
            let same = [prediction.as_str()];
            let rouge = Rouge::new([RougeKind::RougeL, RougeKind::RougeLsum], stemmer);
            for (kind, score) in rouge.score(prediction, &same) {
                let common = rouge.common(kind, prediction, &same);
                assert_eq!(common.score, score);
                assert_eq!(common.words.len(), common.expected, "{kind} of a text and itself");
            }
            drop(scorer.explain(prediction, references));
        }
    },
};
