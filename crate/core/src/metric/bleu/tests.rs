use serde_json::Value;

use super::*;
use crate::metric::{columns, number, oracle, texts};

/// The score of a corpus; references in columns.
fn corpus(bleu: &Bleu, predictions: &[&str], references: &[Vec<&str>]) -> (BleuCounts, BleuScore) {
    let mut counts = BleuCounts::default();
    for (row, prediction) in predictions.iter().enumerate() {
        let references: Vec<&str> = references.iter().map(|column| column[row]).collect();
        counts += &bleu.count(prediction, &references);
    }
    let score = bleu.score(&counts);
    (counts, score)
}

fn close(found: f64, expected: &Value, tolerance: f64, context: &Value) {
    let expected = number(expected);
    assert!((found - expected).abs() < tolerance, "{found} {expected}: {context}");
}

#[test]
fn corpora_are_sacrebleu_s() {
    let oracle = oracle("bleu");
    let (predictions, references) = (texts(&oracle["hypotheses"]), columns(&oracle["references"]));
    let cases = oracle["corpus"].as_array().unwrap();
    assert_eq!(cases.len(), 23);
    for case in cases {
        let bleu = Bleu {
            tokenizer: case["tokenize"].as_str().unwrap().parse().unwrap(),
            lowercase: case["lowercase"].as_bool().unwrap(),
            max_order: case["max_ngram_order"].as_u64().unwrap_or(4) as usize,
            ..Bleu::default()
        };
        let number = case["references"].as_u64().unwrap() as usize;
        let (counts, score) = corpus(&bleu, &predictions, &references[..number]);
        close(score.score, &case["score"], 1e-9, case);
        close(score.brevity_penalty, &case["bp"], 1e-12, case);
        assert_eq!(counts.predicted, case["sys_len"].as_u64().unwrap() as usize);
        assert_eq!(counts.expected, case["ref_len"].as_u64().unwrap() as usize);
        let expected = case["precisions"].as_array().unwrap();
        assert_eq!(score.precisions.len(), expected.len());
        for (found, expected) in score.precisions.iter().zip(expected) {
            close(*found, expected, 1e-9, case);
        }
        if let Some(signature) = case.get("signature") {
            assert_eq!(bleu.signature(Some(number)), signature.as_str().unwrap());
        }
    }
}

#[test]
fn sentences_are_sacrebleu_s() {
    let oracle = oracle("bleu");
    let (predictions, references) = (texts(&oracle["hypotheses"]), columns(&oracle["references"]));
    let cases = oracle["sentence"].as_array().unwrap();
    assert_eq!(cases.len(), 10);
    for case in cases {
        let value = case["smooth_value"].as_f64();
        let bleu = Bleu {
            smoothing: match case["smooth_method"].as_str().unwrap() {
                "exp" => Smoothing::Exp,
                "floor" => Smoothing::Floor(value.unwrap()),
                "add-k" => Smoothing::AddK(value.unwrap()),
                _ => Smoothing::None,
            },
            effective_order: case["effective_order"].as_bool().unwrap(),
            ..Bleu::default()
        };
        let scores = case["scores"].as_array().unwrap();
        assert_eq!(scores.len(), predictions.len());
        for (row, expected) in scores.iter().enumerate() {
            let found = bleu.sentence(predictions[row], &[references[0][row], references[1][row]]);
            close(found.score, expected, 1e-9, expected);
        }
    }
}

#[test]
fn the_cases_of_sacrebleu_s_own_tests() {
    let oracle = oracle("sacrebleu_cases");
    let cases = |name: &str| oracle["cases"][name].as_array().unwrap().clone();
    let raw = |value: f64| Bleu {
        tokenizer: Tokenizer::None,
        smoothing: Smoothing::Floor(value),
        effective_order: true,
        ..Bleu::default()
    };
    for case in cases("test_raw_bleu_cases") {
        let (_, found) = corpus(&raw(0.01), &texts(&case[0]), &columns(&case[1]));
        close(found.score / 100.0, &case[2], 1e-8, &case);
    }
    for case in cases("test_corpus_bleu_cases") {
        let mut bleu = Bleu::default();
        for (key, value) in case[2].as_object().unwrap() {
            let value = value.as_str().unwrap();
            match key.as_str() {
                "tokenize" => bleu.tokenizer = value.parse().unwrap(),
                "smooth_method" => bleu.smoothing = value.parse().unwrap(),
                key => panic!("{key}"),
            }
        }
        let (_, found) = corpus(&bleu, &texts(&case[0]), &columns(&case[1]));
        close(found.score, &case[3], 1e-6, &case);
    }
    for case in cases("test_case_offset") {
        for (offset, expected) in [(0.1, &case[2]), (0.0, &case[3])] {
            let (_, found) = corpus(&raw(offset), &texts(&case[0]), &columns(&case[1]));
            close(found.score / 100.0, expected, 1e-8, &case);
        }
    }
    for case in cases("test_case_effective_order") {
        let references: Vec<&str> = columns(&case[1]).into_iter().flatten().collect();
        let found = raw(0.01).sentence(texts(&case[0])[0], &references);
        close(found.score / 100.0, &case[2], 1e-8, &case);
    }
    for case in cases("test_bleu_max_order") {
        let bleu = Bleu { max_order: case[0].as_u64().unwrap() as usize, ..Bleu::default() };
        let (_, found) = corpus(&bleu, &texts(&case[1]), &columns(&case[2]));
        assert_eq!(format!("{:.2}", found.score), case[3].as_str().unwrap());
    }
}

#[test]
fn rows_may_have_different_numbers_of_references() {
    // sacrebleu.corpus_bleu with None where a row has no second reference.
    let bleu = Bleu::default();
    let mut counts = bleu.count("The dog bit the man.", &["The dog bit the man."]);
    counts += &bleu.count(
        "It wasn't surprising at all.",
        &["It was not unexpected at all.", "It wasn't surprising, not at all."],
    );
    assert!((bleu.score(&counts).score - UNEVEN).abs() < 1e-9, "{}", bleu.score(&counts).score);
    assert!(bleu.signature(None).starts_with("nrefs:var|"));
    assert_eq!(bleu.sentence::<&str>("a b", &[]).score, 0.0);
}

const UNEVEN: f64 = 70.12570452448526;

#[test]
fn signatures_name_what_differs() {
    let bleu = Bleu { smoothing: Smoothing::Floor(0.01), lowercase: true, ..Bleu::default() };
    assert_eq!(
        bleu.of_sentences().signature(Some(2)),
        "nrefs:2|case:lc|eff:yes|tok:13a|smooth:floor[0.01]|version:2.6.0"
    );
}
