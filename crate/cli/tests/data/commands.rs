use serde_json::{Value, json};

use crate::{Place, common::ended, data};

fn plain(place: &Place, arguments: &str) -> String {
    let arguments: Vec<&str> = ["data"].into_iter().chain(arguments.split_whitespace()).collect();
    let ended = ended(&mut place.flantune(&arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

fn refused(place: &Place, arguments: &str) -> String {
    let before = place.names("");
    let arguments: Vec<&str> = ["data"].into_iter().chain(arguments.split_whitespace()).collect();
    let ended = ended(&mut place.flantune(&arguments));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert_eq!(place.names(""), before, "nothing is written");
    ended.stderr
}

#[test]
fn rows_are_shown_as_a_model_sees_them() {
    let place = Place::new();
    place.write(
        "rows.csv",
        b"text,label\n\"the cat sat on the red mat\",red\nthe dog,the\nx,y\nz,z\n",
    );
    let show = "show --data rows.csv --model model --max-source-tokens 4 --count 2";
    assert_eq!(
        plain(&place, show),
        "\
row 0, line 2
  source, 4 tokens
    the cat sat on the red mat
    ▁the 4 | ▁cat 5 | ▁sat 7 | </s> 1
    cut: 4 tokens, `on the red mat`
  target, 2 tokens
    red
    ▁red 11 | </s> 1
row 1, line 3
  source, 3 tokens
    the dog
    ▁the 4 | ▁dog 6 | </s> 1
  target, 2 tokens
    the
    ▁the 4 | </s> 1
"
    );
    let rows = data(&place, show);
    let token = |id: u32, token: &str| json!({"id": id, "token": token});
    assert_eq!(
        rows[0],
        json!({
            "row": 0, "line": 2,
            "source": {
                "text": "the cat sat on the red mat",
                "tokens": [token(4, "▁the"), token(5, "▁cat"), token(7, "▁sat"), token(1, "</s>")],
                "cut": {"tokens": 4, "text": "on the red mat"},
            },
            "target": {"text": "red", "tokens": [token(11, "▁red"), token(1, "</s>")]},
        })
    );
    // Texts need no model, and a template without `|||` has no target.
    place.write("t.txt", b"Say {{ text }}!");
    let rows = data(&place, "show --data rows.csv --row 2 --count 9 --template-file t.txt");
    let expected =
        |row: usize, text: &str| json!({"row": row, "line": row + 2, "source": {"text": text}});
    assert_eq!(rows, [expected(2, "Say x!"), expected(3, "Say z!")]);
    let drop = "--on-too-long drop --reference-fields text,label";
    let rows = data(&place, &format!("{show} {drop}"));
    assert_eq!(rows[0], json!({"row": 0, "line": 2, "left_out": "a text has too many tokens"}));
    assert_eq!(rows[1]["references"], json!(["the dog", "the"]));

    assert!(
        refused(&place, "show --data rows.csv --row 4")
            .contains("row: found 4, but rows.csv has 4 rows")
    );
    assert!(refused(&place, "show --data no.csv").contains("no.csv: there is no such file"));
    assert!(
        refused(&place, "show --data rows.csv --template-file no")
            .contains("no: there is no such file")
    );
    place.write("missing.txt", b"{{ nothing }} ||| x");
    let message = refused(&place, "show --data rows.csv --template-file missing.txt");
    assert!(message.contains("rows.csv, line 2: there is no field `nothing`"), "{message}");
}

#[test]
fn lengths_say_what_would_be_cut() {
    let place = Place::new();
    // Sources of 1 to 40 words, and `</s>`.
    let row = |words: usize| json!({"a": "cat ".repeat(words), "b": "red red"}).to_string() + "\n";
    place.write("rows.jsonl", (1..=40).map(row).collect::<String>().as_bytes());
    let lengths = "lengths --data rows.jsonl --model model --max-source-tokens 38";
    let found = data(&place, lengths);
    let [warning, found] = &found[..] else { panic!("{found:?}") };
    assert_eq!(warning["code"], "same_targets");
    let source = &found["source"];
    for (key, expected) in [
        ("min", 2),
        ("max", 41),
        ("p50", 21),
        ("p90", 37),
        ("p95", 39),
        ("p99", 41),
        ("tokens", 2 * 40 + 39 * 20),
        ("limit", 38),
        ("too_long", 3),
        ("cut_tokens", 1 + 2 + 3),
    ] {
        assert_eq!(source[key], json!(expected), "{key}");
    }
    assert_eq!((&found["rows"], &found["too_long"]), (&json!(40), &json!(3)));
    let counts = |side: &Value| -> u64 {
        side["histogram"].as_array().unwrap().iter().map(|bar| bar["count"].as_u64().unwrap()).sum()
    };
    assert_eq!((counts(source), counts(&found["target"])), (40, 40));
    assert_eq!((&found["target"]["min"], &found["target"]["max"]), (&json!(3), &json!(3)));

    let text = plain(&place, lengths);
    assert!(
        text.starts_with(
            "rows.jsonl: 40 rows\n\
         source: 2 to 41 tokens, 21.5 on average; up to 21 have 50 %, 37 90 %, 39 95 %, 41 99 %\n"
        ),
        "{text}"
    );
    assert!(
        text.ends_with(
            "Too long are 3 rows (7.5 %): 3 sources have more than 38 tokens and would lose 6; \
         0 targets have more than 128 tokens and would lose 0\n"
        ),
        "{text}"
    );
    assert!(refused(&place, "lengths --data rows.jsonl").contains("--model"));
    assert!(refused(&place, "lengths --data rows.jsonl --model no").contains("no"));
    // What a run was given is enough, and its other files are not wanted.
    place.write(
        "run.toml",
        b"[model]\nmodel = \"model\"\n[data]\ntrain = \"no.jsonl\"\nmax_source_tokens = 38\n",
    );
    let config = "lengths --data rows.jsonl --config run.toml";
    assert_eq!(data(&place, config)[1..], *std::slice::from_ref(found));
    place.write("run.toml", b"");
    assert!(refused(&place, config).contains("error: model: found nothing, expected the model"));
}

#[test]
fn a_file_is_parted_into_files_of_its_kind() {
    let place = Place::new();
    let csv = "\u{feff}text,\"the label\"\r\n".to_owned()
        + &(0..50).map(|n| format!("\"{n},\",x\r\n")).collect::<String>();
    place.write("rows.csv", csv.as_bytes());
    let split = "split --data rows.csv --output parts --test-fraction 0.2 --seed 4";
    let done = data(&place, split);
    let file = |name: &str, rows: usize| json!({"path": format!("parts/{name}.csv"), "rows": rows});
    let files = [file("train", 35), file("validation", 5), file("test", 10)];
    assert_eq!(done, [json!({"event": "done", "output": "parts", "files": files})]);
    let mut rows = Vec::new();
    for name in ["train", "validation", "test"] {
        let text = String::from_utf8(place.read(&format!("parts/{name}.csv"))).unwrap();
        let body = text.strip_prefix("\u{feff}text,the label\r\n").expect(&text);
        rows.extend(body.split_terminator("\r\n").map(str::to_owned));
    }
    rows.sort_unstable();
    let mut expected: Vec<String> = (0..50).map(|n| format!("\"{n},\",x")).collect();
    expected.sort_unstable();
    assert_eq!(rows, expected);
    // It never writes over a file.
    assert!(refused(&place, split).contains("output: parts/train.csv is there already"));

    // What is held out is what training with the same seed holds out.
    let parts = "split --data rows.jsonl --output more --validation-fraction 0.25 --seed 4";
    assert_eq!(plain(&place, parts), "more/train.jsonl  18 rows\nmore/validation.jsonl  6 rows\n");
    let options = ["--max-steps", "3", "--batch-size", "4", "--seed", "4"];
    place.train("whole", &[&options[..], &["--validation-fraction", "0.25"]].concat());
    let files = ["--train", "more/train.jsonl", "--validation", "more/validation.jsonl"];
    place.done("train", &[&options[..], &files, &["--output", "parted"]].concat());
    let weights = |run: &str| place.read(&format!("{run}/adapter_model.safetensors"));
    assert!(weights("whole") == weights("parted"));

    place.write("bad.jsonl", ("[]\n".to_owned() + &"{}\n".repeat(9)).as_bytes());
    assert!(refused(&place, "split --data bad.jsonl --output b").contains("bad.jsonl, line 1: "));
    let skipped = data(&place, "split --data bad.jsonl --output b --skip-bad-rows");
    assert_eq!((&skipped[0]["code"], &skipped[0]["count"]), (&json!("skipped_rows"), &json!(1)));
    for (fractions, expected) in [
        ("--validation-fraction 0", "the fractions add up to 0"),
        ("--validation-fraction 0.5 --test-fraction 0.5", "the fractions add up to 1"),
        ("--test-fraction 2", "test_fraction: found 2"),
    ] {
        let message = refused(&place, &format!("split --data rows.csv --output c {fractions}"));
        assert!(message.contains(expected), "{message}");
    }
}
