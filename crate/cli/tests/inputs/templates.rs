use std::{io::Write as _, process::Stdio};

use serde_json::json;

use crate::{Place, ended, lines, refused, says, shown, warnings};

#[test]
fn a_mark_is_no_part_of_a_text() {
    let place = Place::new();
    place.write("plain.txt", b"the {{ source }} ||| {{ target }}");
    place.write("marked.txt", "\u{feff}the {{ source }} ||| {{ target }}".as_bytes());
    let rows = shown(&place, "rows.jsonl", &["--template-file", "plain.txt"]);
    assert_eq!(shown(&place, "rows.jsonl", &["--template-file", "marked.txt"]), rows);
    let marked = "\u{feff}the {{ source }} ||| {{ target }}";
    assert_eq!(shown(&place, "rows.jsonl", &["--template", marked]), rows);

    let rows = shown(&place, "rows.jsonl", &[]);
    let text = String::from_utf8(place.read("rows.jsonl")).unwrap();
    place.write("marked.jsonl", format!("\u{feff}{text}").as_bytes());
    let list: Vec<_> = lines(&text);
    place.write("marked.json", format!("\u{feff}{}", json!(list)).as_bytes());
    place.write(
        "mixture.toml",
        "\u{feff}[[set]]\nname = \"a\"\ntrain = \"rows.jsonl\"\n".as_bytes(),
    );
    for name in ["marked.jsonl", "marked.json", "mixture.toml"] {
        assert_eq!(shown(&place, name, &[]), rows, "{name}");
    }
    place.write("marked.toml", "\u{feff}[data]\ntemplate = \"a ||| b\"\n".as_bytes());
    assert_eq!(shown(&place, "rows.jsonl", &["--config", "marked.toml"])[0].0, "a");
    let tokenizer = place.read("model/tokenizer.json");
    place.write("model/tokenizer.json", &["\u{feff}".as_bytes(), &tokenizer].concat());
    let config = place.read("model/config.json");
    place.write("model/config.json", &["\u{feff}".as_bytes(), &config].concat());
    place.done("generate", &["the cat"]);

    // Scores, and prompts.
    place.write("texts.txt", b"the cat\n");
    place.write("marked-texts.txt", "\u{feff}the cat\r\n".as_bytes());
    let score = [
        "score",
        "--json",
        "--predictions",
        "marked-texts.txt",
        "--references",
        "texts.txt",
        "--metrics",
        "exact_match",
    ];
    let scored = ended(&mut place.flantune(&score));
    assert_eq!(scored.code, Some(0), "{scored:?}");
    assert!(scored.stdout.contains("\"exact_match\":1"), "{scored:?}");
    let asked = |input: &[u8]| {
        let mut process = place.command("generate", &[]);
        let mut child = process
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    let plain = asked(b"the cat\nthe dog\n");
    assert_eq!(plain.0, Some(0), "{plain:?}");
    assert_eq!(asked("\u{feff}the cat\r\nthe dog".as_bytes()), plain);
    let wide: Vec<u8> = "\u{feff}the cat\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (code, message) = asked(&wide);
    assert_eq!(code, Some(2), "{message}");
    says(&message, &["standard input: it is UTF-16"]);
}

#[test]
fn a_side_that_names_a_field_as_other_tools_do_is_refused() {
    let place = Place::new();
    place.write(
        "asked.jsonl",
        b"{\"context\": \"the cat\", \"question\": \"red?\"}\n{\"context\": \"the dog\", \"question\": \"blue?\"}\n",
    );
    for (template, found) in [
        ("Ask. Text: {context} ||| {question}", "`{context}`"),
        ("Text: $context ||| $question", "`$context`"),
        ("Text: ${context} ||| x", "`${context}`"),
        ("%(context)s ||| %(question)s", "`%(context)s`"),
        ("{{ \"context\" }} ||| {{ question }}", "`context`"),
        ("{{ context }} ||| {question}", "`{question}`"),
        ("{{ context }} ||| {{ 'question' }}", "`question`"),
        ("<context> ||| {{ question }}", "`<context>`"),
    ] {
        for command in ["show", "train"] {
            let arguments = match command {
                "show" => vec!["data", "show", "--data", "asked.jsonl", "--template", template],
                _ => vec![
                    "train",
                    "--model",
                    "model",
                    "--output",
                    "out",
                    "--train",
                    "asked.jsonl",
                    "--template",
                    template,
                ],
            };
            says(&refused(&place, &arguments), &["reads no field", found, "{{ name }}"]);
        }
    }
    // Where it can be meant it is told: one answer for all, and braces beside what is read.
    let told = |template: &str| -> Vec<(String, u64)> {
        let found = warnings(&place, "asked.jsonl", &["--template", template]);
        found
            .into_iter()
            .filter(|(code, _, _)| !code.starts_with("unknown"))
            .map(|(code, count, _)| (code, count))
            .collect()
    };
    assert_eq!(told("{{ context }} ||| red"), [("same_targets".to_owned(), 2)]);
    assert_eq!(told("red ||| {{ context }}"), [("same_sources".to_owned(), 2)]);
    assert_eq!(
        told("{{ context }} {question} ||| {{ question }}"),
        [("placeholders".to_owned(), 2)]
    );
    assert_eq!(told("{{ context }} ||| {{ question }}"), []);
}

#[test]
fn columns_whose_names_are_no_words_can_be_read() {
    let place = Place::new();
    place.write(
        "kaggle.csv",
        b"Review Text,Class-Name,Body.text,5 stars,row\nthe cat,red,sat,yes,last\nthe dog,blue,ran,no,first\n",
    );
    let template = "{{ row[\"Review Text\"] }} {{ row['Body.text'] }} ||| {{ row[\"Class-Name\"] }} {{ row[\"5 stars\"] }}";
    // A column of that name hides all others, so that this is another file's template.
    says(
        &refused(&place, &["data", "show", "--data", "kaggle.csv", "--template", template]),
        &["line 2"],
    );
    place.write(
        "kaggle.csv",
        b"Review Text,Class-Name,Body.text,5 stars\nthe cat,red,sat,yes\nthe dog,blue,ran,no\n",
    );
    assert_eq!(
        shown(&place, "kaggle.csv", &["--template", template]),
        [
            ("the cat sat".to_owned(), "red yes".to_owned()),
            ("the dog ran".to_owned(), "blue no".to_owned())
        ]
    );
    for (template, words) in [
        ("{{ Review Text }} ||| x", "{{ row[\"Review Text\"] }}"),
        ("{{ Review_Text }} ||| x", "`Review Text`"),
        ("{{ Class-Name }} ||| x", "{{ row[\"Class-Name\"] }}"),
        ("{{ Body.text }} ||| x", "{{ row[\"Body.text\"] }}"),
        ("{{ Class }} ||| x", "{{ row[\"Class-Name\"] }}"),
    ] {
        says(
            &refused(&place, &["data", "show", "--data", "kaggle.csv", "--template", template]),
            &[words],
        );
    }
    let fields = ["--source-field", "Review Text", "--target-field", "Class-Name"];
    assert_eq!(shown(&place, "kaggle.csv", &fields)[0], ("the cat".to_owned(), "red".to_owned()));
}
