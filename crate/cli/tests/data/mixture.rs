use serde_json::{Value, json};

use crate::{
    Place,
    common::{of_kind, rows},
    refused,
};

const TRAIN: &[&str] = &["--train", "sets/mix.toml", "--output", "out", "--max-steps", "6"];

/// Two sets in a folder of their own, and a mixture of them.
fn mixed(mixture: &str) -> Place {
    let place = Place::new();
    place.write("sets/a.jsonl", rows(40).as_bytes());
    let b = "question,answer\n".to_owned() + &"the red cat,cat\n".repeat(20);
    place.write("sets/b.csv", b.as_bytes());
    place.write("sets/dev.csv", b"question,answer\nthe blue dog,dog\na mat,mat\n");
    place.write("sets/b.txt", b"{{ question }} ||| {{ answer }}\n");
    place.write("sets/mix.toml", mixture.as_bytes());
    place
}

const MIXTURE: &str = r#"
temperature = 2
[[set]]
name = "dialogues"
train = "a.jsonl"
cap = 25
[[set]]
train = "b.csv"
validation = "dev.csv"
template_file = "b.txt"
weight = 0.5
"#;

#[test]
fn a_mixture_trains_at_the_rates_of_its_sets() {
    let place = mixed(MIXTURE);
    let events = place.done("train", &[TRAIN, &["--batch-size", "4"]].concat());
    let [start] = of_kind(&events, "start")[..] else { panic!("{events:?}") };
    assert_eq!((&start["examples"], &start["validation_examples"]), (&json!(56), &json!(6)));
    let sets = start["sets"].as_array().unwrap();
    // 40 rows less a tenth, capped at 25; 20 rows at half the weight.
    let (a, b) = (25f64.sqrt(), 0.5 * 20f64.sqrt());
    for (set, (name, examples, validation, rate)) in
        sets.iter().zip([("dialogues", 36, 4, a / (a + b)), ("b", 20, 2, b / (a + b))])
    {
        assert_eq!((&set["name"], &set["examples"]), (&json!(name), &json!(examples)));
        assert_eq!(set["validation_examples"], json!(validation));
        assert!((set["rate"].as_f64().unwrap() - rate).abs() < 1e-12, "{set}");
    }
    let eval = of_kind(&events, "eval")[0];
    let loss = |key: &str| eval["metrics"][key].as_f64().unwrap();
    let mean = (4.0 * loss("dialogues/loss") + 2.0 * loss("b/loss")) / 6.0;
    assert!((loss("loss") - mean).abs() < 1e-9, "{eval}");
    let sources: Vec<&str> = (eval["samples"].as_array().unwrap().iter())
        .map(|sample| sample["source"].as_str().unwrap())
        .collect();
    assert!(sources.contains(&"the blue dog"), "samples are of all sets: {sources:?}");
    // An epoch is as long as the capped sets together.
    let steps =
        place.done("train", &["--train", "sets/mix.toml", "--output", "one", "--epochs", "1"]);
    assert_eq!(of_kind(&steps, "start")[0]["steps"], json!(45usize.div_ceil(8)));
}

#[test]
fn a_mixture_of_one_set_is_that_set() {
    let place = mixed("[[set]]\ntrain = \"a.jsonl\"\n");
    let arguments = ["--output", "out", "--epochs", "1", "--eval-every", "2"];
    let alone = place.done("train", &[&arguments[..], &["--train", "sets/mix.toml"]].concat());
    let start = of_kind(&alone, "start")[0];
    assert_eq!((&start["examples"], &start["steps"]), (&json!(36), &json!(5)));
    assert_eq!(start["sets"][0]["rate"], json!(1.0));
    let metrics: Vec<&String> =
        of_kind(&alone, "eval")[0]["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(metrics, ["loss", "loss_per_token"]);
}

#[test]
fn one_validation_file_may_be_for_all() {
    let place = mixed("[[set]]\ntrain = \"a.jsonl\"\n[[set]]\ntrain = \"b.csv\"\n");
    let events = place.done("train", &[TRAIN, &["--validation", "sets/dev.csv"]].concat());
    let start = of_kind(&events, "start")[0];
    assert_eq!((&start["examples"], &start["validation_examples"]), (&json!(60), &json!(2)));
    let place = mixed(MIXTURE);
    let message = refused(&place, "train", &[TRAIN, &["--validation", "rows.jsonl"]].concat());
    assert!(message.contains("the set `b` of sets/mix.toml has sets/dev.csv"), "{message}");
}

#[test]
fn a_mixture_that_has_changed_is_not_resumed() {
    let place = mixed(MIXTURE);
    let resumed = [TRAIN, &["--checkpoint-every", "2", "--resume"]].concat();
    place.done("train", &resumed);
    // As if it had been cut off before its end.
    place.edit("out/run.json", |record| record["result"] = json!(null));
    place.write("sets/mix.toml", MIXTURE.replace("0.5", "0.6").as_bytes());
    assert!(refused(&place, "train", &resumed).contains("began with other rows"));
}

#[test]
fn a_bad_mixture_is_named() {
    let set = "[[set]]\nname = \"a\"\ntrain = \"a.jsonl\"\n";
    for (mixture, expected) in [
        (
            format!("{set}wieght = 2\n"),
            "sets/mix.toml: set 1 (`a`): `wieght`: there is no such key; \
                                       did you mean `weight`?",
        ),
        (
            format!("temperatur = 2\n{set}"),
            "sets/mix.toml: `temperatur`: there is no such key; \
                                           did you mean `temperature`?",
        ),
        (
            format!("{set}weight = 0\n"),
            "sets/mix.toml: set 1 (`a`): weight: found 0, expected a number \
                                       greater than 0",
        ),
        (
            format!("{set}cap = 0\n"),
            "sets/mix.toml: set 1 (`a`): cap: found 0, expected a whole number \
                                    from 1",
        ),
        (format!("{set}{set}"), "sets/mix.toml: set 2: there are two sets `a`"),
        (
            "[[set]]\ntrain = \"mix.toml\"\n".to_owned(),
            "sets/mix.toml: set 1: train: found the mixture \
                                                       `mix.toml`, expected a file of rows",
        ),
        ("[[set]]\ntrain = \"no.jsonl\"\n".to_owned(), "sets/no.jsonl: there is no such file"),
        (format!("{set}template_file = \"no.txt\"\n"), "sets/no.txt: there is no such file"),
        (format!("{set}validation = \"empty.jsonl\"\n"), "sets/empty.jsonl: it has no rows"),
        ("[[set]]\ntrain = \"empty.jsonl\"\n".to_owned(), "sets/empty.jsonl: it has no rows"),
        (format!("{set}template = \"{{{{ source }}}}\"\n"), "template: the template has no `|||`"),
        ("[[set]\n".to_owned(), "sets/mix.toml: not valid TOML: line 1"),
        (String::new(), "sets/mix.toml: expected at least one [[set]]"),
    ] {
        let place = mixed(&mixture);
        place.write("sets/empty.jsonl", b"\n");
        let message = refused(&place, "train", TRAIN);
        assert!(message.starts_with(expected), "{mixture}: {message}");
    }
    let dropped = mixed(set);
    let drop = ["--max-source-tokens", "2", "--on-too-long", "drop"];
    let message = refused(&dropped, "train", &[TRAIN, &drop].concat());
    assert_eq!(message, "sets/mix.toml: the set `a` has no examples to train on");
    // Where one file is expected, a mixture is none.
    let place = mixed(MIXTURE);
    let message = refused(&place, "eval", &["--data", "sets/mix.toml"]);
    assert_eq!(
        message,
        "sets/mix.toml: a mixture is something to train on; expected a file of rows"
    );
    let message = refused(
        &place,
        "train",
        &["--train", "rows.jsonl", "--output", "o", "--validation", "sets/mix.toml"],
    );
    assert!(message.starts_with("sets/mix.toml: a mixture is something to train on"), "{message}");
}

#[test]
fn rows_and_lengths_of_a_mixture_are_shown_by_set() {
    let place = mixed(MIXTURE);
    let shown = crate::data(&place, "show --data sets/mix.toml --count 2");
    let of: Vec<(&Value, &Value)> = shown.iter().map(|row| (&row["set"], &row["line"])).collect();
    let (a, b) = (json!("dialogues"), json!("b"));
    assert_eq!(of, [(&a, &json!(1)), (&a, &json!(2)), (&b, &json!(2)), (&b, &json!(3))]);
    assert_eq!(shown[2]["source"], json!({"text": "the red cat"}));
    let lengths = crate::data(&place, "lengths --model model --data sets/mix.toml");
    let told = lengths.iter().filter(|told| told["event"].is_null());
    let rows: Vec<(&Value, &Value)> = told.map(|told| (&told["name"], &told["rows"])).collect();
    let (all, sizes) = (json!("sets/mix.toml"), [json!(40), json!(20), json!(60)]);
    assert_eq!(rows, [(&a, &sizes[0]), (&b, &sizes[1]), (&all, &sizes[2])]);
}
