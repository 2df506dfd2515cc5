use std::{rc::Rc, sync::Arc};

use super::*;
use crate::{
    config::OnTooLong,
    storage::{MemoryStorage, Storage},
    text::{
        example::{DataSettings, Maker, of_texts},
        rows::Reading,
        template::Template,
        templates::Templates,
        tokenizer::tests::FLAN,
    },
};

/// The data set of a file.
fn build(
    name: &str,
    text: &str,
    templates: Templates,
    settings: &DataSettings,
    sources_only: bool,
) -> Result<Dataset> {
    let storage = MemoryStorage::new();
    storage.insert(name, text);
    let maker = Maker {
        name: name.to_owned(),
        templates,
        tokenizer: Some(Arc::new(FLAN.clone())),
        settings: settings.clone(),
        sources_only,
    };
    pollster::block_on(async {
        Dataset::measure(name, File::open(Rc::new(storage), name, maker).await?).await
    })
}

fn jsonl(text: &str, template: &str, settings: &DataSettings) -> Result<Dataset> {
    build("rows.jsonl", text, Template::parse(template).unwrap().into(), settings, false)
}

fn examples(set: &Dataset) -> Vec<Example> {
    let places: Vec<usize> = (0..set.len()).collect();
    pollster::block_on(set.examples(&places)).unwrap()
}

fn numbered(count: usize) -> Dataset {
    let lines: String = (0..count).map(|n| format!("{{\"a\": {n}, \"b\": \"x\"}}\n")).collect();
    if count == 0 {
        return Dataset::default();
    }
    let template = Template::default_fields(None, None).into();
    build("rows.jsonl", &lines, template, &DataSettings::default(), false).unwrap()
}

fn rows_of(set: &Dataset) -> Vec<usize> {
    set.entries.iter().map(|entry| entry.row as usize).collect()
}

#[test]
fn rows_become_examples() {
    let text = "{\"text\": \"The cat sat on the mat.\", \"sum\": \"A cat.\", \"r\": [\"x\", \" y \"]}\n\n\
                {\"text\": \"a\", \"sum\": \"\", \"r\": 3}\n{\"text\": \"beyond the limit\"}";
    let template = "{{ text }} ||| {{ sum }}";
    let settings = DataSettings {
        max_source_tokens: 5,
        max_target_tokens: 4,
        limit: Some(2),
        ..DataSettings::default()
    };
    let set = jsonl(text, template, &settings).unwrap();
    assert_eq!((set.len(), set.cut_sources(), set.cut_targets()), (2, 1, 0));
    let rows = examples(&set);
    assert_eq!(rows[0].source, [37, 1712, 3, 7, 1]);
    assert_eq!(rows[0].source_text, "The cat sat on the mat.");
    assert_eq!(rows[0].references, ["A cat."]);
    assert_eq!(rows[1].target, [1]);
    assert_eq!(set.lengths(), [(5, 4), (3, 1)]);

    let settings = DataSettings { reference_fields: vec!["r".into(), "sum".into()], ..settings };
    let rows = examples(&jsonl(text, template, &settings).unwrap());
    assert_eq!(rows[0].references, ["x", "y", "A cat."]);
    assert_eq!(rows[1].references, ["3", ""]);

    let settings = DataSettings { limit: None, ..settings };
    let templates = Template::parse(template).unwrap().into();
    let prompts = build("rows.jsonl", text, templates, &settings, true).unwrap();
    assert_eq!(prompts.len(), 3);
    assert!(examples(&prompts).iter().all(|e| e.target.is_empty() && e.references.is_empty()));
    let texts = of_texts(["a".to_owned()], &FLAN, &settings).unwrap();
    assert_eq!(texts[0].source, [3, 9, 1]);
}

#[test]
fn a_bad_row_is_named() {
    let build = |lines: &str, settings: DataSettings| {
        jsonl(lines, "{{ a }} ||| {{ b }}", &settings).unwrap_err().to_string()
    };
    let lines = "{\"a\": 1, \"b\": 2}\n\n{\"a\": 1, \"c\": null, \"d\": []}";
    let message = build(lines, DataSettings::default());
    let expected = "template: rows.jsonl, line 3: there is no field `b`; the row has";
    assert!(message.starts_with(expected), "{message}");
    for (field, expected) in [
        ("e", "rows.jsonl, line 1: there is no reference field `e`; the row has `a`, `b`"),
        ("c", "rows.jsonl, line 1: reference field `c`: expected a text, found null"),
        ("d", "rows.jsonl, line 1: the reference fields are empty lists"),
    ] {
        let lines = match field {
            "e" => "{\"a\": 1, \"b\": 2}",
            _ => "{\"a\": 1, \"b\": 2, \"c\": null, \"d\": []}",
        };
        let reference_fields = vec![field.to_owned()];
        let message = build(lines, DataSettings { reference_fields, ..Default::default() });
        assert_eq!(message, expected);
    }
    let message = build(lines, DataSettings { max_target_tokens: 1, ..Default::default() });
    assert_eq!(message, "max_target_tokens: expected at least 2 (one, and `</s>`), found 1");
}

#[test]
fn bad_rows_are_skipped_where_that_is_asked_for() {
    let template = "{{ a }} ||| {{ b }}";
    let settings = DataSettings {
        reading: Reading { skip_bad_rows: true, separator: None },
        ..DataSettings::default()
    };
    let lines = "{\"a\": 1, \"b\": 2}\n3\n{\"a\": 1}\n";
    let set = jsonl(lines, template, &settings).unwrap();
    assert_eq!((set.len(), set.skipped.count), (1, 2));
    let [warning] = &set.warnings()[..] else { panic!("{:?}", set.warnings()) };
    assert_eq!((warning.code, warning.count), ("skipped_rows", 2));
    assert_eq!(
        warning.message,
        "2 of 3 rows were skipped because they are bad; the first: rows.jsonl, line 2: \
         expected a JSON object, found a number"
    );
    let error = jsonl("{\"c\": 1}", template, &settings).unwrap_err();
    assert!(error.to_string().starts_with("rows.jsonl: no row can be used; the first: temp"));
}

#[test]
fn a_text_that_is_too_long_is_cut_kept_dropped_or_refused() {
    let rows = "{\"source\": \"The cat sat on the mat.\", \"target\": \"a\"}\n\
         {\"source\": \"a\", \"target\": \"The cat sat on the mat.\"}\n\
         {\"source\": \"a\", \"target\": \"b\"}";
    let build = |on_too_long| {
        let settings = DataSettings {
            max_source_tokens: 5,
            max_target_tokens: 4,
            on_too_long,
            ..DataSettings::default()
        };
        let template = Template::default_fields(None, None).into();
        build("rows.jsonl", rows, template, &settings, false)
    };
    let codes = |set: &Dataset| -> Vec<_> {
        set.warnings().iter().map(|warning| (warning.code, warning.count)).collect()
    };
    let cut = build(OnTooLong::Truncate).unwrap();
    assert_eq!(codes(&cut), [("cut_sources", 1), ("cut_targets", 1)]);
    let kept = build(OnTooLong::Keep).unwrap();
    assert!(kept.lengths()[0].0 > 5 && kept.lengths()[1].1 > 4 && codes(&kept).is_empty());
    let dropped = build(OnTooLong::Drop).unwrap();
    assert_eq!((dropped.len(), examples(&dropped)[0].row), (1, 2));
    assert_eq!(codes(&dropped), [("dropped_rows", 2)]);
    let error = build(OnTooLong::Error).unwrap_err().to_string();
    let tokens = kept.lengths()[0].0;
    assert_eq!(
        error,
        format!(
            "on_too_long: rows.jsonl, line 1: a text has {tokens} tokens, `max_source_tokens` is 5"
        )
    );
}

#[test]
fn a_split_parts_all_rows_by_the_seed() {
    for (count, fraction, expected) in [
        (100, 0.1, 10),
        (100, 0.0, 0),
        (2, 0.01, 1),
        (2, 0.99, 1),
        (3, 0.999, 2),
        (1, 0.5, 0),
        (0, 0.5, 0),
    ] {
        let (train, validation) = numbered(count).split(fraction, 7).unwrap();
        assert_eq!(validation.len(), expected, "{count} rows, {fraction}");
        let (train, validation) = (rows_of(&train), rows_of(&validation));
        assert!(train.is_sorted() && validation.is_sorted());
        let mut all = [train, validation].concat();
        all.sort_unstable();
        assert_eq!(all, (0..count).collect::<Vec<_>>());
    }
    let held_out = |seed| rows_of(&numbered(100).split(0.1, seed).unwrap().1);
    assert_eq!(held_out(7), held_out(7));
    assert_ne!(held_out(7), held_out(8));
    for fraction in [1.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(numbered(3).split(fraction, 7), Err(Error::Setting { .. })));
    }
}

#[test]
fn a_file_of_any_kind_and_length_is_read_row_by_row() {
    let text = |n: usize| format!("the cat {n} sat").repeat(1 + n % 300);
    let json = |n: usize| serde_json::json!({"source": text(n), "target": n}).to_string();
    let count = 1_500;
    let lines: Vec<String> = (0..count).map(json).collect();
    let table = |delimiter: char| -> String {
        let rows = (0..count).map(|n| format!("\"{}\"{delimiter}{n}\n", text(n)));
        format!("source{delimiter}target\n") + &rows.collect::<String>()
    };
    let template = || Template::default_fields(None, None).into();
    let settings = DataSettings { max_source_tokens: 40, ..DataSettings::default() };
    let read = |name: &str, text: &str| build(name, text, template(), &settings, false).unwrap();
    let expected = read("rows.jsonl", &lines.join("\n"));
    assert!(lines.join("\n").len() > 3 << 20, "several pieces");
    assert!(expected.len() == count && (count * 9 / 10..count).contains(&expected.cut_sources()));
    for (name, text) in [
        ("rows.json", format!("[{}]", lines.join(",\n"))),
        ("rows.csv", table(',')),
        ("rows.tsv", table('\t')),
    ] {
        let set = read(name, &text);
        assert_eq!(set.lengths(), expected.lengths(), "{name}");
        assert_eq!(set.hashes, expected.hashes, "{name}");
        for place in [0, 1, count / 2, count - 1] {
            let example = |set: &Dataset| pollster::block_on(set.example(place)).unwrap();
            assert_eq!(example(&set), example(&expected), "{name}");
        }
    }
}

#[test]
fn a_file_that_changes_is_an_error() {
    let storage = MemoryStorage::new();
    storage.insert("rows.jsonl", "{\"a\": \"x\", \"b\": 2}\n");
    let maker = Maker {
        name: "rows.jsonl".to_owned(),
        templates: Template::default_fields(None, None).into(),
        tokenizer: Some(Arc::new(FLAN.clone())),
        settings: DataSettings::default(),
        sources_only: false,
    };
    let files: Rc<dyn Storage> = Rc::new(storage.clone());
    let set =
        async { Dataset::measure("rows", File::open(files, "rows.jsonl", maker).await?).await };
    let set = pollster::block_on(set).unwrap();
    assert!(pollster::block_on(set.example(0)).is_ok());
    for text in ["{\"a\": \"x y z\"}\n     ", "[]                    ", ""] {
        storage.insert("rows.jsonl", text);
        let error = pollster::block_on(set.example(0)).unwrap_err().to_string();
        let expected = "rows.jsonl: the file has changed since it was read";
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn the_first_rows_are_of_all_sets() {
    let sets = [5, 0, 100, 2].map(numbered);
    let all = Dataset::join("all", sets);
    assert_eq!(all.len(), 107);
    assert_eq!(all.first(0), Vec::<usize>::new());
    assert_eq!(all.first(3), [0, 5, 105]);
    assert_eq!(all.first(5), [0, 1, 5, 6, 105]);
    assert_eq!(all.first(20).len(), 20);
    assert_eq!(all.first(20)[..5], [0, 1, 2, 3, 4]);
    assert_eq!(all.first(1_000), (0..107).collect::<Vec<_>>());
    assert_eq!(numbered(9).first(4), [0, 1, 2, 3]);
}

#[test]
fn rows_are_parted_into_three_by_one_order() {
    let drawn = parts(100, &[0.1, 0.2], 7);
    let of = |part| -> Vec<usize> { (0..100).filter(|row| drawn[*row] == part).collect() };
    assert_eq!((of(Some(0)).len(), of(Some(1)).len(), of(None).len()), (10, 20, 70));
    let held_out = held_out(100, 0.1, 7);
    assert_eq!(of(Some(0)), (0..100).filter(|row| held_out[*row]).collect::<Vec<_>>());
    let few = parts(3, &[0.9, 0.9], 7);
    assert_eq!(
        [Some(0), Some(1), None].map(|part| few.iter().filter(|p| **p == part).count()),
        [2, 0, 1]
    );
}
