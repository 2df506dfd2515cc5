use serde_json::{Value, json};

use super::*;
use crate::text::pairs::{Pairs, Source};

fn metrics(names: &str) -> Vec<Metric> {
    names.split(',').map(|name| serde_json::from_value(json!(name)).unwrap()).collect()
}

fn read(predictions: (&str, &str), references: &[(&str, &str)]) -> Result<Pairs, String> {
    let references: Vec<Source<'_>> =
        references.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    Pairs::read((predictions.0, predictions.1.as_bytes()), &references, None, &[])
        .map_err(|error| error.to_string())
}

#[test]
fn every_metric_has_its_value() {
    let names: Vec<&str> = Metric::NAMES.to_vec();
    let mut scorer = Scorer::new(&metrics(&names.join(",")), Options::default());
    let row = scorer.add("1", &["1", "2"]);
    assert_eq!(row["accuracy"], 1.0);
    assert!((row["bleu"].as_f64().unwrap() - 100.0).abs() < 1e-9);
    assert!(!row.contains_key("matthews"));
    scorer.add("2", &["2.5"]);
    scorer.add("three", &["0"]);
    let all = scorer.metrics();
    let expected: Vec<&str> = names.into_iter().filter(|name| *name != "loss").collect();
    assert_eq!(all.keys().collect::<Vec<_>>(), expected);
    assert!(all.values().all(|value| !value.is_null()), "{all:?}");
    assert_eq!((all["exact_match"].clone(), scorer.no_numbers()), (json!(1.0 / 3.0), 1));
    assert_eq!(all["rouge1"].as_object().unwrap().len(), 3);
    let none = Scorer::new(&metrics("bleu,accuracy,pearson,rougeL"), Options::default());
    assert!(none.metrics().values().all(Value::is_null));
}

#[test]
fn less_is_better_of_losses_and_edits() {
    let lower = Metric::ALL.iter().filter(|metric| metric.lower_is_better());
    assert!(lower.eq(&[Metric::Loss, Metric::Ter]));
}

#[test]
fn many_rows_score_as_one_after_another() {
    let names: Vec<&str> = Metric::NAMES.to_vec();
    let texts = ["1", "2", "2 3", "the cat sat", "the cats sat down"];
    let text = |number: usize| texts[number % texts.len()].to_owned();
    let pair = |line: usize| Pair {
        prediction: text(line * line / 7),
        references: vec![(line % 11).to_string(), text(line)],
        line,
    };
    let pairs: Vec<Pair> = (0..2 * ROWS + 5).map(pair).collect();
    let [mut single, mut all] =
        [(); 2].map(|()| Scorer::new(&metrics(&names.join(",")), Options::default()));
    for pair in &pairs {
        single.add(&pair.prediction, &pair.references);
    }
    all.add_all(&pairs);
    assert_eq!(all.no_numbers(), single.no_numbers());
    let number = |value: &Value| value.as_f64().or_else(|| value["f1"].as_f64()).unwrap();
    let (single, all) = (single.metrics(), all.metrics());
    for (name, value) in &single {
        let (found, expected) = (number(&all[name]), number(value));
        assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
    }
}

#[test]
fn a_corpus_is_not_the_mean_of_its_rows() {
    let mut scorer = Scorer::new(&metrics("bleu,chrf,chrf++"), Options::default());
    let rows = [("the cat sat on the mat", "the cat sat on a mat"), ("a dog", "the dog ran away")];
    let mean = rows.map(|(prediction, reference)| {
        scorer.add(prediction, &[reference])["bleu"].as_f64().unwrap()
    });
    let corpus = scorer.metrics()["bleu"].as_f64().unwrap();
    assert!((corpus - (mean[0] + mean[1]) / 2.0).abs() > 1.0);
    let names: Vec<&str> = scorer.signatures(Some(1)).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["bleu", "chrf", "chrf++"]);
}

#[test]
fn f1_is_of_one_label_where_it_is_named() {
    let options = Options { positive_label: Some("yes".to_owned()), ..Options::default() };
    let mut one = Scorer::new(&metrics("f1"), options);
    let mut mean = Scorer::new(&metrics("f1"), Options::default());
    for (prediction, reference) in [("yes", "yes"), (" yes\n", "no"), ("no", "no"), ("no", "no")] {
        one.add(prediction, &[reference]);
        mean.add(prediction, &[reference]);
    }
    assert_eq!(one.metrics()["f1"], json!(2.0 / 3.0));
    assert!((mean.metrics()["f1"].as_f64().unwrap() - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-15);
}

#[test]
fn lines_and_rows_are_read() {
    let lines =
        read(("p.txt", "\u{feff}a\r\n\nb"), &[("r.txt", "x\ny\nz\n"), ("s.txt", "1\n2\n3")]);
    let lines = lines.unwrap();
    assert_eq!(lines.references(), Some(2));
    let second = Pair {
        prediction: String::new(),
        references: vec!["y".to_owned(), "2".to_owned()],
        line: 2,
    };
    assert_eq!(lines.pairs[1], second);
    let rows = "{\"prediction\": \"a\", \"references\": [\"b\", 2]}\n{\"prediction\": true, \"references\": \"c\"}";
    let rows = read(("rows.jsonl", rows), &[]).unwrap();
    assert_eq!(rows.references(), None);
    assert_eq!(
        (rows.pairs[0].references[1].as_str(), rows.pairs[1].prediction.as_str()),
        ("2", "true")
    );
}

#[test]
fn what_is_wrong_is_named() {
    let row = |row: &'static str| read(("rows.jsonl", row), &[]).unwrap_err();
    for (found, expected) in [
        (
            read(("p.txt", "a\nb\n"), &[("r.txt", "x\n")]).unwrap_err(),
            "r.txt: found 1 lines of references, expected 2, as many as p.txt has predictions",
        ),
        (read(("p.txt", ""), &[("r.txt", "")]).unwrap_err(), "p.txt: there are no predictions"),
        (
            row("{\"prediction\": \"a\"}"),
            "rows.jsonl, line 1: there is no field `references`; the row has `prediction`",
        ),
        (
            row("\n{\"prediction\": [], \"references\": []}"),
            "rows.jsonl, line 2: field `prediction`: expected a text, found a list",
        ),
        (
            row("{\"prediction\": \"\", \"references\": []}"),
            "rows.jsonl, line 1: expected at least one reference, found none",
        ),
    ] {
        assert_eq!(found, expected);
    }
    let pairs = read(("p.txt", "1\n2"), &[("r.txt", "1\ntwo")]).unwrap();
    assert_eq!(
        pairs.check_numbers().unwrap_err().to_string(),
        "r.txt, line 2: expected a number as reference, found `two`"
    );
    let bad = Pairs::read(("p.txt", b"a\n\xff"), &[("r.txt", b"a\nb")], None, &[]).unwrap_err();
    assert_eq!(bad.to_string(), "p.txt, line 2: byte 1 is not UTF-8");
}

#[test]
fn a_row_is_explained() {
    let names = "rouge1,rouge2,rougeL,bleu,chrf,exact_match,accuracy,pearson";
    let scorer = Scorer::new(&metrics(names), Options::default());
    let explained = scorer.explain("The cat sat.", &["a dog", "the cats sat down"]);
    let texts: Vec<String> =
        explained.into_iter().map(|(metric, text)| format!("{metric}: {text}")).collect();
    assert_eq!(
        texts,
        [
            "rouge1: 3 words in common, of 3 in the prediction and 4 in reference 2, the best: the, cats, sat",
            "rouge2: 2 pairs of words in common, of 2 in the prediction and 3 in reference 2, the best: \
         the cats, cats sat",
            "rougeL: 3 words in the same order in common, of 3 in the prediction and 4 in reference 2, \
         the best: the cats sat",
            "bleu: 1 of 4 words match (25.0); 0 of 3 runs of 2 match (16.7); 0 of 2 runs of 3 match (12.5); \
         0 of 1 runs of 4 match (12.5); 4 words against 4, no brevity penalty",
            "chrf: 26 runs of up to 6 characters in common, of 45 in the prediction and 69 in the reference",
            "exact_match: `cat sat` is compared with `dog` or `cats sat down`",
            "accuracy: found `The cat sat.`, expected `a dog`",
            "pearson: found no number, expected a dog",
        ]
    );
}
