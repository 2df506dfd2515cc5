use serde_json::json;

use crate::{Place, refused, says, shown, warnings};

const DIALOGUES: &[&str] = &["--template", "Summarize: {{ dialogue }} ||| {{ summary }}"];
const TEXT: &[&str] = &["--template", "{{ text }} ||| {{ label }}"];

fn pair(source: &str, target: &str) -> (String, String) {
    (source.to_owned(), target.to_owned())
}

#[test]
fn a_null_is_never_the_word_none() {
    let place = Place::new();
    place.write(
        "nulls.jsonl",
        b"{\"dialogue\": \"the cat\", \"summary\": \"cat\"}\n{\"dialogue\": null, \"summary\": \"dog\"}\n\
          {\"dialogue\": \"the dog\", \"summary\": null}\n",
    );
    let train = ["train", "--model", "model", "--train", "nulls.jsonl", "--output", "out"];
    for command in [&["data", "show", "--data", "nulls.jsonl"][..], &train] {
        let message = refused(&place, &[command, DIALOGUES].concat());
        says(&message, &["nulls.jsonl, line 2", "`dialogue` is null", "`skip_bad_rows`"]);
    }
    assert_eq!(
        shown(&place, "nulls.jsonl", &[DIALOGUES, &["--skip-bad-rows"]].concat()).len(),
        3,
        "each row is shown, or that it is left out"
    );
    let skipped = [DIALOGUES, &["--skip-bad-rows"]].concat();
    let found = warnings(&place, "nulls.jsonl", &skipped);
    assert!(
        found.iter().any(|(code, count, _)| code == "skipped_rows" && *count == 2),
        "{found:?}"
    );

    // What tests for a null goes on to do so.
    let tested = [
        "--template",
        "{% if dialogue %}{{ dialogue }}{% else %}-{% endif %} ||| {{ summary or \"\" }}",
    ];
    assert_eq!(
        shown(&place, "nulls.jsonl", &tested),
        [pair("the cat", "cat"), pair("-", "dog"), pair("the dog", "")]
    );
    // However it would be written: joined, in a list, as part of a text, by a filter.
    for template in [
        "{{ \"a \" ~ dialogue }} ||| x",
        "{{ [dialogue, \"a\"] | join(\" \") }} ||| x",
        "{{ dialogue | upper }} ||| x",
        "{{ dialogue | replace(\"a\", \"b\") }} ||| x",
        "{{ dialogue | trim }} ||| x",
        "{% set d = dialogue %}{{ d }} ||| x",
        "{% for d in [dialogue] %}{{ d }}{% endfor %} ||| x",
        "{{ row.dialogue }} ||| x",
        "x ||| {{ row[\"dialogue\"] }}",
    ] {
        let message =
            refused(&place, &["data", "show", "--data", "nulls.jsonl", "--template", template]);
        says(&message, &["line 2", "null"]);
    }
    // Without a template, and deep within a row.
    place.write(
        "two.jsonl",
        b"{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": null, \"target\": \"x\"}\n",
    );
    says(
        &refused(&place, &["data", "show", "--data", "two.jsonl"]),
        &["two.jsonl, line 2: field `source`: expected a text, found null"],
    );
    place.write("deep.jsonl", b"{\"turns\": [{\"text\": \"a\"}, {\"text\": null}]}\n");
    let template = "{% for turn in turns %}{{ turn.text }} {% endfor %} ||| x";
    says(
        &refused(&place, &["data", "show", "--data", "deep.jsonl", "--template", template]),
        &["line 1", "`turns[1].text` is null"],
    );
}

#[test]
fn empty_texts_are_counted() {
    let place = Place::new();
    place.write("empty.csv", b"id,dialogue,summary\na,the cat,cat\nb,,dog\nc,  ,red\nd,the dog,\n");
    let template = ["--template", "{{ dialogue }} ||| {{ summary }}"];
    let found = warnings(&place, "empty.csv", &template);
    let told: Vec<(&str, u64)> =
        found.iter().map(|(code, count, _)| (code.as_str(), *count)).collect();
    assert_eq!(told, [("empty_sources", 2), ("empty_targets", 1)]);
    says(&found[0].2, &["empty.csv: 2 of 4 sources are empty (line 3)"]);
    says(&found[1].2, &["1 of 4 targets are empty (line 5)"]);
    place.write("two.csv", b"source,target\nthe cat,cat\nthe dog,\n");
    let [(code, 1, _)] = &warnings(&place, "two.csv", &[])[..] else { panic!() };
    assert_eq!(code, "empty_targets");
}

#[test]
fn json_of_another_shape_is_named() {
    let place = Place::new();
    let records = json!([
        {"dialogue": "the cat", "summary": "cat"},
        {"dialogue": "the dog", "summary": "dog"},
    ]);
    place.write("records.json", records.to_string().as_bytes());
    let rows = [pair("Summarize: the cat", "cat"), pair("Summarize: the dog", "dog")];
    assert_eq!(shown(&place, "records.json", DIALOGUES), rows);
    let wrapped = json!({"version": "1", "data": records});
    let indented = serde_json::to_string_pretty(&wrapped).unwrap();
    let orient = "to_json(path, orient=\"records\", lines=True)";
    for (name, text, words) in [
        (
            "columns.json",
            json!({"dialogue": {"0": "a", "1": "b"}, "summary": {"0": "c", "1": "d"}}).to_string(),
            &["columns, not rows", orient][..],
        ),
        (
            "lists.json",
            json!({"dialogue": ["a", "b"], "summary": ["c", "d"]}).to_string(),
            &["whole columns as lists", orient],
        ),
        ("wrapped.json", wrapped.to_string(), &["within `data`"]),
        (
            "wrapped-lines.json",
            indented.clone(),
            &["does not end on its line", "a list of objects"],
        ),
        ("batches.json", format!("{records}{records}"), &["another list begins here"]),
        // The same as lines.
        (
            "columns.jsonl",
            json!({"dialogue": {"0": "a"}, "summary": {"0": "c"}}).to_string(),
            &["`dialogue` is an object with `0`"],
        ),
        (
            "list.jsonl",
            records.to_string(),
            &["found a list of 2 objects with `dialogue`, `summary`", "ends with .json"],
        ),
        (
            "indented.jsonl",
            serde_json::to_string_pretty(&records[0]).unwrap(),
            &["does not end on its line", "a whole object on each line"],
        ),
        ("wrapped.jsonl", indented, &["a whole object on each line"]),
        ("old-mac.jsonl", "{\"a\": 1}\r{\"a\": 2}\r".to_owned(), &["lines end with `\\n`"]),
        (
            "split.json",
            json!({"columns": ["dialogue"], "index": [0], "data": [["a"]]}).to_string(),
            &["line 1"],
        ),
        ("rows.jsonl.gz", "\x1f".to_owned(), &["gunzip"]),
        ("rows.parquet", "PAR1".to_owned(), &["not from .parquet", orient]),
    ] {
        place.write(name, text.as_bytes());
        let message = refused(&place, &[&["data", "show", "--data", name], DIALOGUES].concat());
        says(&message, &[name]);
        says(&message, words);
        let train = ["train", "--model", "model", "--train", name, "--output", "out"];
        says(&refused(&place, &[&train, DIALOGUES].concat()), words);
    }
    // Lists and mappings that a template takes apart, or writes on purpose, are no matter.
    place.write("parts.jsonl", b"{\"turns\": [\"a\", \"b\"], \"meta\": {\"who\": \"Ada\"}}\n");
    let template =
        "{{ turns | join(\", \") }} {{ turns[0] }} {{ meta.who }} ||| {{ meta | string }}";
    let [(source, target)] = &shown(&place, "parts.jsonl", &["--template", template])[..] else {
        panic!()
    };
    assert_eq!(source, "a, b a Ada");
    says(target, &["Ada"]);
    let message = refused(
        &place,
        &["data", "show", "--data", "parts.jsonl", "--template", "{{ turns }} ||| x"],
    );
    says(&message, &["`turns` is a list of 2 texts", "x | join"]);
}

#[test]
fn tables_are_read_as_programs_write_them() {
    let place = Place::new();
    let rows = [pair("the cat", "red"), pair("the dog", "blue")];
    let mac = "text,label\rthe cat,red\rthe dog,blue\r";
    for (name, text) in [
        ("pandas.csv", ",text,label\n0,the cat,red\n1,the dog,blue\n"),
        ("again.csv", "Unnamed: 0,text,label\n0,the cat,red\n1,the dog,blue\n"),
        ("twice.csv", ",Unnamed: 0,text,label\n0,0,the cat,red\n1,1,the dog,blue\n"),
        ("trailing.csv", "text,label,,\r\nthe cat,red,,\r\nthe dog,blue,,\r\n"),
        ("short.csv", "text,label,\nthe cat,red\nthe dog,blue\n"),
        ("long.csv", "text,label\nthe cat,red,\nthe dog,blue,\n"),
        ("blank.csv", "text,label\nthe cat,red\nthe dog,blue\n\n,\n  \n\n"),
        ("padded.csv", " text ,label\nthe cat,red\nthe dog,blue\n"),
        ("mark.csv", "\u{feff}text,label\nthe cat,red\nthe dog,blue\n"),
        ("sep.csv", "sep=;\r\ntext;label\r\nthe cat;red\r\nthe dog;blue\r\n"),
        ("mac.csv", mac),
        ("index.tsv", "\ttext\tlabel\n0\tthe cat\tred\n1\tthe dog\tblue\n"),
    ] {
        place.write(name, text.as_bytes());
        assert_eq!(shown(&place, name, TEXT), rows, "{name}");
        assert_eq!(warnings(&place, name, TEXT), [], "{name}");
        if !name.starts_with("twice") {
            assert_eq!(shown(&place, name, &["--source-field", "text"]), rows, "{name}");
        }
    }
    // What separates is told where it is not what the name says, unless somebody says it.
    for (name, text, told) in [
        ("semicolon.csv", "text;label\nthe cat;red\nthe dog;blue\n", "semicolons"),
        ("tabs.csv", "text\tlabel\nthe cat\tred\nthe dog\tblue\n", "tabs"),
        ("bars.csv", "text|label\nthe cat|red\nthe dog|blue\n", "vertical bars"),
        ("commas.tsv", "text,label\nthe cat,red\nthe dog,blue\n", "commas"),
    ] {
        place.write(name, text.as_bytes());
        assert_eq!(shown(&place, name, TEXT), rows, "{name}");
        let [(code, _, message)] = &warnings(&place, name, TEXT)[..] else { panic!("{name}") };
        assert_eq!(code, "separator");
        says(message, &[name, told]);
    }
    place.write("odd.csv", b"text,more|label\nthe cat|red\nthe dog|blue\n");
    let given = ["--separator", "bar", "--template", "{{ row[\"text,more\"] }} ||| {{ label }}"];
    assert_eq!(shown(&place, "odd.csv", &given), rows);
    assert_eq!(warnings(&place, "odd.csv", &given), []);
    // A part keeps its file's form.
    place.write("parted.csv", b",text;x,label\n0,the cat,red\n1,the dog,blue\n2,a,b\n");
    let split = ["data", "split", "--data", "parted.csv", "--output", "parts"];
    let ended = crate::ended(&mut place.flantune(&split));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(place.read("parts/train.csv").starts_with(b",text;x,label\n"));
}

#[test]
fn what_is_no_text_is_named() {
    let place = Place::new();
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let table = "text,label\r\nCafé,positiv\r\n";
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    for (name, bytes, words) in [
        ("utf16.csv", wide(&format!("\u{feff}{table}")), "it is UTF-16; save it as UTF-8"),
        ("bare.csv", wide(table), "it looks like UTF-16 without a mark; save it as UTF-8"),
        ("utf16.tsv", wide(&format!("\u{feff}{table}")), "it is UTF-16"),
        (
            "cp1252.csv",
            b"text,label\r\nCaf\xe9 \x93gut\x94,positiv\r\n".to_vec(),
            "may be Windows-1252: save it as UTF-8",
        ),
        (
            "cp1252.jsonl",
            b"{\"text\": \"Caf\xe9\", \"label\": \"a\"}\n".to_vec(),
            "may be Windows-1252",
        ),
        (
            "pointer.jsonl",
            lfs.as_bytes().to_vec(),
            "a pointer of git-lfs, not the file; fetch the file itself: `git lfs pull`",
        ),
        ("page.csv", b"<!DOCTYPE html><html></html>".to_vec(), "a page of a site"),
        ("answer.json", b"{\"error\":\"Entry not found\"}".to_vec(), "\"Entry not found\""),
        ("book.csv", b"PK\x03\x04....".to_vec(), "a workbook of Excel"),
        ("packed.jsonl", b"\x1f\x8b\x08\x00....".to_vec(), "packed with gzip"),
    ] {
        place.write(name, &bytes);
        let message = refused(&place, &[&["data", "show", "--data", name], TEXT].concat());
        says(&message, &[name, words]);
    }
    // The same in place of what is no table of rows.
    place.write("utf16.txt", &wide("\u{feff}{{ text }} ||| x"));
    place.write("good.csv", table.as_bytes());
    for (option, more) in
        [("--template-file", &["--data", "good.csv"][..]), ("--config", &["--data", "good.csv"])]
    {
        let name = if option == "--config" { "utf16.toml" } else { "utf16.txt" };
        place.write("utf16.toml", &wide("\u{feff}[data]\n"));
        says(
            &refused(&place, &[&["data", "show", option, name], more].concat()),
            &[name, "it is UTF-16"],
        );
    }
    place.write("mixture.toml", &wide("\u{feff}[[set]]\n"));
    says(
        &refused(&place, &["data", "show", "--data", "mixture.toml"]),
        &["mixture.toml: it is UTF-16"],
    );
}

#[test]
fn numbers_of_tables_are_numbers() {
    let place = Place::new();
    let template = ["--template", "{% if label == 1 %}yes{% else %}no{% endif %} ||| {{ text }}"];
    place.write("blank.csv", b"text,label\na,1\nb,\nc,0\n");
    let rows = [pair("yes", "a"), pair("no", "b"), pair("no", "c")];
    assert_eq!(shown(&place, "blank.csv", &template), rows);
    // What is a text is told, once.
    place.write("words.csv", b"text,label\na,1\nb,none\nc,0\n");
    let found = warnings(&place, "words.csv", &template);
    let (_, count, message) =
        found.iter().find(|(code, ..)| code == "mixed_comparisons").expect("a warning");
    assert_eq!(*count, 3);
    says(message, &["words.csv: 3 of 3 rows", "compares label with a number", "line 2"]);
    place.write("texts.jsonl", b"{\"text\": \"a\", \"m\": {\"label\": \"1\"}}\n");
    for comparison in ["m.label >= 1", "1 == m.label", "m[\"label\"] != 0"] {
        let template = format!("{{{{ \"yes\" if {comparison} else \"no\" }}}} ||| {{{{ text }}}}");
        let found = warnings(&place, "texts.jsonl", &["--template", &template]);
        let is_told = |(code, _, text): &(String, u64, String)| {
            code == "mixed_comparisons" && text.contains("compares m") && text.contains("label")
        };
        assert!(found.iter().any(is_told), "{comparison}: {found:?}");
    }
    // As jinja2 writes them, and whole ones to the last digit.
    place.write(
        "numbers.jsonl",
        b"{\"a\": 1e-7, \"b\": 1e16, \"c\": 0.1, \"d\": 2.0, \"e\": 123456789012345678901234567890, \"f\": -18446744073709551616}\n",
    );
    let all = ["--template", "{{ a }} {{ b }} {{ c }} {{ d }} ||| {{ e }} {{ f }}"];
    assert_eq!(
        shown(&place, "numbers.jsonl", &all),
        [pair("1e-07 1e+16 0.1 2.0", "123456789012345678901234567890 -18446744073709551616")]
    );
    place.write("long.csv", b"text,id\na,123456789012345678901234567890\nb,7\n");
    let long = ["--template", "{{ text }} ||| {{ id }}"];
    assert_eq!(shown(&place, "long.csv", &long)[0].1, "123456789012345678901234567890");
}

#[test]
fn what_the_tokenizer_does_not_know_is_told() {
    let place = Place::new();
    place.write(
        "objects.jsonl",
        b"{\"source\": \"the cat\", \"target\": \"{red}\"}\n{\"source\": \"<dog>\", \"target\": \"{blue}\"}\n\
          {\"source\": \"dog\", \"target\": \"red\\nblue\"}\n",
    );
    let found = warnings(&place, "objects.jsonl", &[]);
    let told: Vec<(&str, u64)> =
        found.iter().map(|(code, count, _)| (code.as_str(), *count)).collect();
    assert_eq!(told, [("unknown_in_sources", 1), ("unknown_in_targets", 3)]);
    says(&found[0].2, &["1 of 3 sources", "`<` `>`", "line 2"]);
    says(
        &found[1].2,
        &["3 of 3 targets", "`\\n` `{` `}`", "cannot be learnt", "add_tokens", "line 1"],
    );

    place.write("closed.csv", b"source,target\nthe cat </s>,the dog </s>\nthe dog,red\n");
    let [(code, 1, message)] = &warnings(&place, "closed.csv", &[])[..] else { panic!() };
    assert_eq!(code, "closing_tokens");
    says(message, &["1 of 2 rows", "`</s>`", "line 2"]);
}
