use serde_json::{Value, json};

use crate::{Place, common::of_kind, evaluated, refused};

const TEMPLATE: &[&str] = &["--template", "{{ text }} ||| {{ label }}"];

fn sources(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["source"].as_str().unwrap()).collect()
}

#[test]
fn csv_and_tsv_are_read_as_they_are_written_elsewhere() {
    let place = Place::new();
    let csv = "\u{feff}text,label,note\r\n\"the cat, \"\"red\"\"\",a,\r\n\r\n\
               \"the dog\r\nran\",b,\"x\"\r\n";
    place.write("rows.csv", csv.as_bytes());
    place.write(
        "rows.TSV",
        "\u{feff}text\tlabel\nthe cat, \"red\"\ta\n\"the\tdog\"\tb\n".as_bytes(),
    );
    let (_, rows) = evaluated(&place, "rows.csv", TEMPLATE);
    assert_eq!(sources(&rows), ["the cat, \"red\"", "the dog\r\nran"]);
    assert_eq!(rows[0]["references"], json!(["a"]));
    let (_, rows) = evaluated(&place, "rows.TSV", TEMPLATE);
    assert_eq!(sources(&rows), ["the cat, \"red\"", "the\tdog"]);
    place.done("train", &[TEMPLATE, &["--train", "rows.csv", "--output", "out"]].concat());
}

#[test]
fn a_ragged_row_is_named_and_may_be_skipped() {
    let place = Place::new();
    place.write("rows.csv", b"text,label\n\"the\ncat\",a\nthe dog\nred,b\n\"x\"y,c\n");
    let arguments = [TEMPLATE, &["--data", "rows.csv"]].concat();
    assert_eq!(
        refused(&place, "eval", &arguments),
        "rows.csv, line 4: expected 2 fields as in the header, found 1"
    );
    let train = [TEMPLATE, &["--train", "rows.csv", "--output", "out"]].concat();
    assert!(refused(&place, "train", &train).starts_with("rows.csv, line 4: "));

    let (events, rows) = evaluated(&place, "rows.csv", &[TEMPLATE, &["--skip-bad-rows"]].concat());
    assert_eq!(sources(&rows), ["the\ncat", "red"]);
    let expected = json!({
        "event": "warning", "code": "skipped_rows", "count": 2,
        "message": "2 of 4 rows were skipped because they are bad; the first: rows.csv, line 4: \
                    expected 2 fields as in the header, found 1",
    });
    let skipped = |events: &[Value]| -> Vec<Value> {
        let is_of_rows = |event: &&Value| event["code"] == "skipped_rows";
        events.iter().filter(is_of_rows).cloned().collect()
    };
    assert_eq!(skipped(&events)[..], *std::slice::from_ref(&expected));
    let events = place.done("train", &[&train[..], &["--skip-bad-rows"]].concat());
    assert_eq!(skipped(&events), [expected]);
}

#[test]
fn what_is_cut_or_dropped_is_told_by_eval_as_by_train() {
    let place = Place::new();
    let codes = |events: &[Value]| -> Vec<(String, u64)> {
        let code = |event: &&Value| {
            (event["code"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap())
        };
        of_kind(events, "warning").iter().map(code).collect()
    };
    let lengths: Vec<usize> = (place.lines("rows.jsonl").iter())
        .map(|row| row["source"].as_str().unwrap().split(' ').count() + 1)
        .collect();
    let long = lengths.iter().filter(|length| **length > 6).count() as u64;
    assert!(long > 0 && long < 24);
    let (events, _) = evaluated(&place, "rows.jsonl", &["--max-source-tokens", "6"]);
    assert_eq!(codes(&events), [("cut_sources".to_owned(), long)]);
    let drop = ["--max-source-tokens", "6", "--on-too-long", "drop"];
    let (events, rows) = evaluated(&place, "rows.jsonl", &drop);
    assert_eq!(codes(&events), [("dropped_rows".to_owned(), long)]);
    assert_eq!(rows.len() as u64, 24 - long);
    let arguments = ["--data", "rows.jsonl", "--max-source-tokens", "6", "--on-too-long", "error"];
    assert!(refused(&place, "eval", &arguments).contains("`max_source_tokens` is 6"));
}

#[test]
fn eval_takes_as_many_rows_together_as_it_is_told() {
    let place = Place::new();
    let loss = |size: &str| {
        let (events, rows) = evaluated(&place, "rows.jsonl", &["--batch-size", size]);
        assert_eq!(rows.len(), 24);
        events.last().unwrap()["metrics"]["loss"].as_f64().unwrap()
    };
    let (one, many) = (loss("1"), loss("64"));
    assert!((one - many).abs() < 1e-5 * one, "{one} and {many}");
    let bar =
        place.command("eval", &["--data", "rows.jsonl", "--batch-size", "0"]).output().unwrap();
    assert_eq!(bar.status.code(), Some(2));
}

#[test]
fn two_fields_need_no_template() {
    let place = Place::new();
    place.write("two.jsonl", b"{\"question\": \"the cat\", \"answer\": \"red\"}\n");
    let (_, rows) = evaluated(&place, "two.jsonl", &[]);
    assert_eq!((sources(&rows), &rows[0]["references"]), (vec!["the cat"], &json!(["red"])));
    place.write("three.csv", b"id,question,answer\n1,the cat,red\n");
    let fields = ["--source-field", "question", "--target-field", "answer"];
    let (_, rows) = evaluated(&place, "three.csv", &fields);
    assert_eq!((sources(&rows), &rows[0]["references"]), (vec!["the cat"], &json!(["red"])));
    assert_eq!(
        refused(&place, "eval", &["--data", "three.csv"]),
        "template: three.csv, line 2: without a template, a row has fields `source` and `target`, \
         or only two, or `source_field` names one; the row has `id`, `question`, `answer`"
    );
}

/// A published file, as PromptSource has it (Apache-2.0, see `tests/promptsource/LICENSE`).
const RTE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/promptsource/super_glue/rte/templates.yaml");

#[test]
fn published_templates_take_turns_by_the_seed() {
    let place = Place::new();
    place.write("templates.yaml", &std::fs::read(RTE).unwrap());
    let row = |n: usize| {
        let fields = json!({"premise": format!("the cat {n} ran"), "hypothesis": "the cat sat", "label": n % 2});
        fields.to_string() + "\n"
    };
    place.write("rte.jsonl", (0..30).map(row).collect::<String>().as_bytes());
    let read = |seed: &str| {
        let arguments =
            ["--template-file", "templates.yaml", "--seed", seed, "--on-too-long", "keep"];
        evaluated(&place, "rte.jsonl", &arguments).1
    };
    let (first, again, other) = (read("1"), read("1"), read("2"));
    assert_eq!(first, again);
    assert_ne!(sources(&first), sources(&other), "the seed decides which template takes which row");
    assert_eq!(first.len(), 30);
    for (n, row) in first.iter().enumerate() {
        assert!(row["source"].as_str().unwrap().contains(&format!("the cat {n} ran")), "{row}");
        let answer = row["references"][0].as_str().unwrap();
        let expected = [["yes", "true"], ["no", "false"]][n % 2];
        assert!(expected.contains(&answer.to_lowercase().as_str()), "{row}");
    }
    // As many forms of text as there are templates, whatever the row's own words.
    let forms: std::collections::BTreeSet<String> = (first.iter().enumerate())
        .map(|(n, row)| row["source"].as_str().unwrap().replace(&format!(" {n} "), " "))
        .collect();
    assert!(forms.len() >= 8, "{forms:?}");
    place.write("broken.yaml", b"dataset: x\ntemplates: 3\n");
    let broken = ["--data", "rte.jsonl", "--template-file", "broken.yaml"];
    assert!(refused(&place, "eval", &broken).starts_with("broken.yaml: "));
}
