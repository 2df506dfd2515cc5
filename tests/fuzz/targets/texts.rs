//! Tokenizers, rows, templates and predictions.

use std::rc::Rc;

use flantune::{
    config::DataConfig,
    storage::MemoryStorage,
    text::{
        Mixing, Mixture, Reader, Row, Rows, Template, Tokenizer,
        pairs::Pairs,
        template::{Published, read_promptsource},
    },
};
use pollster::block_on;
use serde_json::json;

use super::{check, checked};
use crate::{Limits, Target};

const TEXT: &str = "The  “naïve” cat\tsat ﬁ ½ \u{200b}\u{fdfa} Ａ 北京 e\u{301} \u{1} </s> <pad>\n";

pub(super) const TOKENIZER: Target = Target {
    name: "tokenizer",
    limits: Limits::PROPORTIONAL,
    fixtures: &["oracle/tiny/gated/tokenizer.json"],
    words: &[
        "Sequence",
        "Precompiled",
        "precompiled_charsmap",
        "Replace",
        "Strip",
        "Lowercase",
        "NFC",
        "NFKC",
        "Metaspace",
        "WhitespaceSplit",
        "TemplateProcessing",
        "SpecialToken",
        "ByteFallback",
        "Fuse",
        "Unigram",
        "byte_fallback",
        "<0x41>",
        "prepend_scheme",
        "first",
        "▁",
        "</s>",
        " {2,}",
        "String",
        "Regex",
        "\\s+",
        "type",
        "added_tokens",
        "unk_id",
    ],
    run: |input| {
        let Some(tokenizer) = checked(Tokenizer::from_bytes("tokenizer.json", input)) else {
            return;
        };
        for text in ["", " ", TEXT, &"a b".repeat(500)] {
            let Some(ids) = checked(tokenizer.encode(text)) else { continue };
            assert_eq!(ids.last(), Some(&tokenizer.eos()));
            checked(tokenizer.decode(&ids));
            checked(tokenizer.decode_with_special(&ids));
            let mut stream = tokenizer.stream();
            let all = ids.iter().all(|id| checked(stream.push(*id)).is_some());
            assert!(!all || checked(stream.finish()).is_some());
        }
        let ids: Vec<u32> = (0..100).chain([32_127, u32::MAX]).collect();
        checked(tokenizer.decode(&ids));
    },
};

pub(super) const ROWS: Target = Target {
    name: "rows",
    limits: Limits::PROPORTIONAL,
    fixtures: &[],
    words: &["\"", "\"\"", ",", "\t", "\r\n", "\u{feff}", "{", "}", "[", "]", ":", "\\u0000"],
    run: |input| {
        for name in ["rows.jsonl", "rows.json", "rows.csv", "rows.tsv"] {
            let strict = checked(Rows::read(name, input, false));
            let lenient = checked(Rows::read(name, input, true));
            read_in_parts(name, input, lenient.as_ref());
            let Some(strict) = strict else { continue };
            // Where nothing is bad, nothing is skipped.
            assert_eq!(Some(&strict), lenient.as_ref());
            assert!(strict.rows.is_sorted_by_key(|row| row.line) && strict.skipped.count == 0);
            let template = Template::default_fields(None, None);
            for row in &strict.rows {
                checked(template.render(row));
            }
        }
    },
};

/// Reads rows one at a time, as training does: none may be lost beside those that are there at once.
fn read_in_parts(name: &str, input: &[u8], whole: Option<&Rows>) {
    let storage = Rc::new(MemoryStorage::new());
    storage.insert(name, input);
    let reader = Reader { storage, tokenizer: None };
    let config = DataConfig { skip_bad_rows: true, ..DataConfig::default() };
    let Some(set) = checked(block_on(reader.dataset(name, &config, 0))) else { return };
    for place in 0..set.len() {
        assert!(checked(block_on(set.example(place))).is_some(), "{name}, example {place}");
    }
    let count = whole.map(|rows| rows.rows.len() + rows.skipped.count);
    assert_eq!(Some(set.len() + set.skipped.count), count, "{name}");
}

fn rows() -> [Row; 2] {
    let row = |value| match value {
        serde_json::Value::Object(fields) => Row { line: 1, fields },
        _ => unreachable!("it is an object"),
    };
    [
        row(json!({"source": "a b ||| c", "target": "é\u{301}", "label": 1, "list": ["x", "y"]})),
        row(json!({"source": "", "n": -1.5e300, "nested": {"a": [1, null, {"b": "c"}]}})),
    ]
}

const JINJA: &[&str] = &[
    "{{ source }}",
    "{% for x in list %}",
    "{% endfor %}",
    "{% if label == 1 %}",
    "{% else %}",
    "{% endif %}",
    "{% set x = ",
    "{% macro m(a) %}",
    "{% endmacro %}",
    "{% call m() %}",
    "{% include 'source' %}",
    "{% raw %}",
    "{# ",
    "|||",
    "| join(', ')",
    "| upper",
    "| replace('a', 'b')",
    "| tojson",
    "| batch(3)",
    "| indent(9)",
    "| center(99)",
    "range(99999)",
    ".split(' ')",
    ".format(1)",
    ".rstrip()",
    "[1:-1]",
    "[::2]",
    "* 99999",
    "~",
    "loop.index",
    "namespace(a=1)",
    "answer_choices",
    "| choice",
    "| most_frequent",
    "zip(list, list)",
    "%}",
    "}}",
];

pub(super) const TEMPLATE: Target = Target {
    name: "template",
    limits: Limits::BOUNDED,
    fixtures: &[],
    words: JINJA,
    run: |input| {
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Some(template) = checked(Template::parse(text)) {
            for row in rows() {
                if let Some(rendered) = checked(template.render(&row)) {
                    assert_eq!(template.render_source(&row).ok(), Some(rendered.source));
                }
            }
        }
    },
};

pub(super) const PROMPTSOURCE: Target = Target {
    name: "promptsource",
    limits: Limits::BOUNDED,
    fixtures: &["promptsource/glue/rte/templates.yaml", "promptsource/samsum/templates.yaml"],
    words: &[
        "!Template",
        "!TemplateMetadata",
        "templates:",
        "jinja:",
        "answer_choices:",
        "name:",
        "|||",
        "{{ answer_choices[label] }}",
        "{{ source }}",
        "- ",
        "? ",
        ": ",
        "|-",
        ">+2",
        "&a",
        "*a",
        "<<: *a",
        "---",
        "...",
        "%YAML 1.2",
        "[[[[[[[[",
        "{a: {a: {a: ",
        "'",
        "\"\\x41\\u0041\"",
        "\t",
    ],
    run: |input| {
        for published in checked(read_promptsource("templates.yaml", input)).unwrap_or_default() {
            render(&published);
        }
        // And as what a file has: a template, and its answers.
        let Ok(text) = std::str::from_utf8(input) else { return };
        if let Some(published) = checked(Published::parse("t", text, Some("a ||| {{ source }}"))) {
            render(&published);
        }
    },
};

fn render(published: &Published) {
    for row in rows() {
        for draw in [0, u64::MAX] {
            match published.render(&row, draw) {
                Ok(rendered) => assert!(rendered.is_none_or(|texts| !texts.source.is_empty())),
                Err(error) => check(&error),
            }
        }
    }
}

pub(super) const MIXTURE: Target = Target {
    name: "mixture",
    limits: Limits::DENSE,
    fixtures: &[],
    words: &[
        "[[set]]",
        "[set]",
        "train = ",
        "name = ",
        "validation = ",
        "validation_fraction = ",
        "template = ",
        "template_file = ",
        "reference_fields = [",
        "temperature = ",
        "weight = ",
        "cap = ",
        "5e-324",
        "1e308",
        "9223372036854775807",
        "nan",
        "\"a.jsonl\"",
        "\"..\\\\b.toml\"",
    ],
    run: |input| {
        let mixture = checked(Mixture::parse("sets/mix.toml", input, &DataConfig::default()));
        let Some(Mixture { sets, temperature }) = mixture else { return };
        let sizes: Vec<_> = (sets.iter().enumerate())
            .map(|(index, set)| (1 + index * 7 % 11, set.weight, set.cap))
            .collect();
        let mixing = Mixing::new(&sizes, temperature);
        let sum: f64 = mixing.rates().iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "the rates of {sizes:?} add up to {sum}");
        let rows: usize = sizes.iter().map(|(size, ..)| size).sum();
        for shuffle in [true, false] {
            let places = mixing.epoch(1, 3, shuffle);
            assert_eq!(places.len(), mixing.epoch_length());
            assert!(places.iter().all(|place| *place < rows));
        }
    },
};

pub(super) const PREDICTIONS: Target = Target {
    name: "predictions",
    limits: Limits::PROPORTIONAL,
    fixtures: &[],
    words: &["prediction", "references", "\n", "\r\n", "null", "[]", "\u{feff}"],
    run: |input| {
        let lines = input.split(|byte| *byte == b'\n').count();
        let references = b"a\n".repeat(lines);
        checked(Pairs::read(("p.txt", input), &[("r.txt", &references)], None, &[]));
        checked(Pairs::read(("p.txt", b"a\nb\n"), &[("r.txt", input)], None, &[]));
        for name in ["p.jsonl", "p.csv"] {
            if let Some(pairs) = checked(Pairs::read((name, input), &[], None, &[])) {
                assert!(pairs.pairs.iter().all(|pair| !pair.references.is_empty()));
                checked(pairs.check_numbers());
            }
        }
    },
};
