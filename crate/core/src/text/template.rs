//! Templates: how a row becomes a source text and a target text.
//!
//! A template is Jinja with `|||` between its two sides. It is split before it is rendered, so that
//! a row's text may hold `|||`, and both sides are stripped. Rendering is bounded, since templates
//! come from strangers.

mod placeholders;
mod program;
mod promptsource;
mod published;
mod python;
mod why;
mod work;

use std::sync::{Arc, LazyLock};

use minijinja::{
    Environment, UndefinedBehavior,
    value::{Object, Serde, Value},
};
use serde_json::Value as Json;

use self::{
    program::{Output, Program},
    why::describe,
};
use crate::{
    error::{Error, Result},
    text::{
        rows::{Row, is_unnamed},
        shape::{advice, described},
    },
};

const SEPARATOR: &str = "|||";
const SOURCE: &str = "source";
const TARGET: &str = "target";
/// All fields of a row.
const ROW: &str = "row";

/// The work that one rendering may take: instructions, and 64 bytes of text for each.
const FUEL: u64 = 500_000;
/// The longest text that a template may render to, in bytes.
const MAX_OUTPUT: usize = 4 << 20;
/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 1 << 20;
/// The longest line of a template, in bytes: the engine counts columns in 16 bits, and overflows at
/// an error beyond them.
const MAX_LINE: usize = 60_000;
/// How deep macros and includes may nest: a browser's stack is a small one.
const MAX_DEPTH: usize = 64;

pub use promptsource::read as read_promptsource;
pub use published::Published;
pub(super) use published::Spent;

/// Makes a source text and a target text of a row.
#[derive(Debug)]
pub struct Template(Form);

#[derive(Debug)]
enum Form {
    Jinja { source: Part, target: Option<Part> },
    Fields { source: Option<String>, target: Option<String> },
}

/// A part of a template that is rendered by itself.
#[derive(Debug)]
struct Part {
    name: &'static str,
    program: Program,
    /// Whether it reads any field.
    reads: bool,
    /// The lines before it, for messages.
    lines_before: usize,
    /// What it may use.
    environment: &'static Environment<'static>,
}

/// A row as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the model reads.
    pub source: String,
    /// What it is to write.
    pub target: String,
    /// A text that the template compares with a number, which never equals it, by its name.
    pub mixed: Option<String>,
}

impl Template {
    /// Parses a Jinja template: `source ||| target`, or a source alone, which does for generation.
    ///
    /// Beside Jinja's own, the common methods of Python's strings, lists and dictionaries are there.
    ///
    /// # Errors
    /// [`Error::Template`] for what is not Jinja, or has more than two sides.
    pub fn parse(text: &str) -> Result<Self> {
        check_length(text)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let sides: Vec<&str> = text.split(SEPARATOR).collect();
        if sides.len() > 2 {
            let message = format!("`{SEPARATOR}` is there {} times, not once", sides.len() - 1);
            return Err(failure(message));
        }
        let source = Part::parse(&PLAIN, SOURCE, sides[0], 0)?;
        let lines_before = sides[0].matches('\n').count();
        let target =
            sides.get(1).map(|side| Part::parse(&PLAIN, TARGET, side, lines_before)).transpose()?;
        Ok(Self(Form::Jinja { source, target }))
    }

    /// Takes two fields as they are: those given, else those named `source` and `target`, else a
    /// row's only two, in order.
    pub fn default_fields(source: Option<String>, target: Option<String>) -> Self {
        Self(Form::Fields { source, target })
    }

    /// Whether it can render a target.
    pub fn has_target(&self) -> bool {
        match &self.0 {
            Form::Jinja { target, .. } => target.is_some(),
            Form::Fields { .. } => true,
        }
    }

    /// A field of the row that a side names as another tool would, beside those that it reads.
    pub(crate) fn placeholder(&self, row: &Row) -> Option<String> {
        match &self.0 {
            Form::Jinja { source, target } => [Some(source), target.as_ref()]
                .into_iter()
                .flatten()
                .find_map(|part| placeholders::between(part.program.text(), row)),
            Form::Fields { .. } => None,
        }
    }

    /// Both sides of a row.
    ///
    /// # Errors
    /// [`Error::Template`] for a template without a target, a field that the row does not have, a
    /// filter or method that does not exist, and rendering without end.
    pub fn render(&self, row: &Row) -> Result<Rendered> {
        match &self.0 {
            Form::Jinja { target: None, .. } => Err(failure(format!(
                "there is no `{SEPARATOR}`, which separates the source from the target"
            ))),
            Form::Jinja { source, target: Some(target) } => {
                let values = values(row);
                let source = source.render(row, &values)?;
                let target = target.render(row, &values)?;
                let mixed = source.mixed.or(target.mixed);
                Ok(Rendered { source: source.text, target: target.text, mixed })
            }
            Form::Fields { source, target } => {
                let (source, target) = choose(row, source.as_deref(), target.as_deref());
                Ok(Rendered {
                    source: field(row, source, "source_field")?,
                    target: field(row, target, "target_field")?,
                    mixed: None,
                })
            }
        }
    }

    /// The source side of a row, which may lack what only the target needs.
    ///
    /// # Errors
    /// As [`Template::render`], but the template may be without a target.
    pub fn render_source(&self, row: &Row) -> Result<String> {
        match &self.0 {
            Form::Jinja { source, .. } => Ok(source.render(row, &values(row))?.text),
            Form::Fields { source, target } => {
                let only = row.fields.keys().next().filter(|_| row.fields.len() == 1);
                let (chosen, _) = choose(row, source.as_deref(), target.as_deref());
                field(row, chosen.or(only.map(String::as_str)), "source_field")
            }
        }
    }
}

/// A row's fields by their names, and all of them as `row`, for names that are no plain words.
fn values(row: &Row) -> Value {
    Value::from_object(Fields(Value::from(Serde(&row.fields))))
}

#[derive(Debug)]
struct Fields(Value);

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let found = self.0.get_item(key).ok().filter(|value| !value.is_undefined());
        found.or_else(|| (key.as_str() == Some(ROW)).then(|| self.0.clone()))
    }
}

fn check_length(text: &str) -> Result<()> {
    if text.len() > MAX_TEMPLATE {
        return Err(failure(format!("{} bytes are too long for a template", text.len())));
    }
    match text.lines().position(|line| line.len() > MAX_LINE) {
        Some(line) => Err(failure(format!("line {} has more than {MAX_LINE} bytes", line + 1))),
        None => Ok(()),
    }
}

/// The engine with what all templates may use.
static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// The engine, bounded.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(MAX_DEPTH);
    environment.set_unknown_method_callback(python::method);
    // It prints all that there is.
    environment.remove_global("debug");
    work::install(&mut environment);
    environment
}

impl Part {
    fn parse(
        environment: &'static Environment<'static>,
        name: &'static str,
        text: &str,
        lines_before: usize,
    ) -> Result<Self> {
        let program = Program::compile(name, text.to_owned())
            .map_err(|error| failure(describe(&error, lines_before)))?;
        let reads = program.reads(|name| environment.globals().any(|(global, _)| global == name));
        Ok(Self { name, program, reads, lines_before, environment })
    }

    /// The text of a row, stripped.
    fn render(&self, row: &Row, values: &Value) -> Result<Output> {
        if let Some(name) = row.fields.keys().find(|name| name.starts_with(work::RESERVED)) {
            return Err(failure(format!("no field may have the name {name:?}")));
        }
        let output = self.program.render(self.environment, values.clone());
        let output = output.map_err(|error| failure(self.why(&error, row, values)))?;
        if output.text.len() > MAX_OUTPUT {
            return Err(failure(format!("the text is longer than {MAX_OUTPUT} bytes")));
        }
        let text = output.text.trim().to_owned();
        // The same text for every row, in which a field is named as other tools do it.
        if !self.reads
            && let Some(found) = placeholders::first(&text, row)
        {
            let message = format!(
                "the {} reads no field, and would be the same for every row: for `{found}`, write \
                 the field's name in two braces, as in `{{{{ name }}}}`",
                self.name
            );
            return Err(failure(message));
        }
        Ok(Output { text, ..output })
    }
}

/// The fields that are source and target of a row, where no template says so.
fn choose<'a>(
    row: &'a Row,
    source: Option<&'a str>,
    target: Option<&'a str>,
) -> (Option<&'a str>, Option<&'a str>) {
    // What pandas writes beside the columns is none of two.
    let names = row.fields.keys().map(String::as_str).filter(|name| !is_unnamed(name));
    let names: Vec<&str> = names.collect();
    let named = |name| names.contains(&name).then_some(name);
    let (by_name, other) = match (source, target) {
        (Some(_), Some(_)) => return (source, target),
        (None, None) => ((named(SOURCE), named(TARGET)), (None, None)),
        (Some(given), None) => {
            ((source, named(TARGET).filter(|name| *name != given)), (source, None))
        }
        (None, Some(given)) => {
            ((named(SOURCE).filter(|name| *name != given), target), (None, target))
        }
    };
    match (by_name, other, names.as_slice()) {
        ((Some(source), Some(target)), _, _) => (Some(source), Some(target)),
        (_, (None, None), &[first, second]) => (Some(first), Some(second)),
        (_, (Some(given), None), &[a, b]) => (Some(given), Some(if a == given { b } else { a })),
        (_, (None, Some(given)), &[a, b]) => (Some(if a == given { b } else { a }), Some(given)),
        _ => by_name,
    }
}

fn field(row: &Row, name: Option<&str>, key: &str) -> Result<String> {
    let Some(name) = name else {
        return Err(failure(format!(
            "without a template, a row has fields `{SOURCE}` and `{TARGET}`, or only two, or \
             `{key}` names one; the row has {}",
            row.field_names()
        )));
    };
    match row.fields.get(name) {
        None => {
            let message = format!("there is no field `{name}`; the row has {}", row.field_names());
            Err(failure(message))
        }
        Some(Json::String(text)) => Ok(text.trim().to_owned()),
        Some(Json::Number(number)) => Ok(match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => work::python_float(float),
            None => number.to_string(),
        }),
        Some(value @ Json::Bool(_)) => Ok(Value::from(Serde(value)).to_string()),
        Some(value) => {
            let advice = advice(&row.fields).map_or(String::new(), |advice| format!("; {advice}"));
            let found = described(value);
            Err(failure(format!("field `{name}`: expected a text, found {found}{advice}")))
        }
    }
}

fn failure(message: impl Into<String>) -> Error {
    Error::Template { message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: serde_json::Value) -> Row {
        let serde_json::Value::Object(fields) = json else { panic!("not an object") };
        Row { line: 1, fields }
    }

    fn failure_of(template: &str, json: serde_json::Value) -> String {
        let result = Template::parse(template).and_then(|template| template.render(&row(json)));
        let error = result.expect_err(template);
        assert!(matches!(error, Error::Template { .. }));
        error.to_string()
    }

    #[test]
    fn renders_as_jinja2() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text/templates.json");
        let file = std::fs::read_to_string(path).unwrap();
        let oracle: serde_json::Value = serde_json::from_str(&file).unwrap();
        let cases = oracle["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 10);
        for case in cases {
            let template = Template::parse(case["template"].as_str().unwrap()).unwrap();
            let row = row(case["row"].clone());
            let rendered = template.render(&row).unwrap_or_else(|e| panic!("{e} in {case}"));
            assert_eq!(rendered.source, case["source"].as_str().unwrap());
            assert_eq!(rendered.target, case["target"].as_str().unwrap());
            assert_eq!(template.render_source(&row).unwrap(), rendered.source);
        }
    }

    #[test]
    fn an_undefined_field_is_an_error_that_lists_the_fields() {
        let json = serde_json::json!({"dialogue": "Hi", "summary": {"short": "Hi"}});
        for (template, expected) in [
            ("{{ dialog }} ||| x", "there is no field `dialog`; the row has `dialogue`, `summary`"),
            ("{% if dialog %}a{% endif %} ||| x", "there is no field `dialog`"),
            ("{% for d in dialog %}a{% endfor %} ||| x", "there is no field `dialog`"),
            ("x ||| {{ dialog|upper }}", "there is no field `dialog`"),
            ("x\n|||\n{{ summary.long }}", "undefined value, in line 3; the row has"),
        ] {
            let message = failure_of(template, json.clone());
            assert!(message.contains(expected), "{message}");
        }
        let template = Template::parse("{{ dialog|default('-') }} ||| {{ dialog is defined }}");
        let rendered = template.unwrap().render(&row(json)).unwrap();
        assert_eq!((rendered.source.as_str(), rendered.target.as_str()), ("-", "False"));
    }

    #[test]
    fn what_does_not_parse_is_named() {
        for (template, expected) in [
            ("a ||| b ||| c", "`|||` is there 2 times"),
            ("a", "there is no `|||`"),
            ("{{ a ||| b }}", "syntax error"),
            ("{% for %} ||| b", "syntax error"),
            ("a\n{{ x|nosuch }} ||| b", "unknown filter: filter nosuch is unknown, in line 2"),
            ("{{ x is nosuch }} ||| b", "unknown test"),
            ("{{ nosuch() }} ||| b", "nosuch"),
            ("{{ x.nosuch() }} ||| b", "nosuch"),
            ("{% include 'passwd' %} ||| b", "template not found"),
            ("{{ x / 0 }} ||| b", "in line 1"),
            (&format!("a\n{} ||| {{% b", "x".repeat(60_000)), "line 2 has more than 60000 bytes"),
        ] {
            let message = failure_of(template, serde_json::json!({"x": "1"}));
            assert!(message.contains(expected), "{template}: {message}");
        }
    }

    #[test]
    fn rendering_ends() {
        let long = "x".repeat(1 << 20);
        let nested = format!("{}x{} ||| b", "{{".repeat(5_000), "}}".repeat(5_000));
        let brackets = format!("{{{{ {}1{} }}}} ||| b", "(".repeat(25_000), ")".repeat(25_000));
        let blocks = "{% if x %}\n".repeat(50_000) + "|||";
        for template in [
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{{ x }}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% if x.count('y') %}{% endif %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% if x.find('y') > x.rfind('y') %}{% endif %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% if x.startswith(x) %}{% endif %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% if x.isdigit() %}{% endif %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% set y = x.split('x') %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% set y = x.replace('x', x) %}{% endfor %} ||| b",
            "{{ x * 99999999 }} ||| b",
            "{{ '%999999999d'|format(1) }} ||| b",
            "{{ x.replace('', x) }} ||| b",
            "{{ x.join(range(99999)) }} ||| b",
            "{{ x.center(99999999999) }} ||| b",
            "{{ (range(99999)|list * 9999)|length }} ||| b",
            "{% macro m(a) %}{{ m(a) }}{{ m(a) }}{% endmacro %}{{ m(1) }} ||| b",
            "{% include 'source' %} ||| b",
            "{{ x }}{{ x }}{{ x }}{{ x }}{{ x }} ||| b",
            &nested,
            &brackets,
            &blocks,
        ] {
            let message = failure_of(template, serde_json::json!({"x": long}));
            let start: String = template.chars().take(60).collect();
            assert!(message.len() < 500, "{start}: {message}");
        }
        let much =
            failure_of("{{ x }}{{ x }}{{ x }}{{ x }}{{ x }} ||| b", serde_json::json!({"x": long}));
        assert_eq!(much, "template: the text is longer than 4194304 bytes");
    }

    #[test]
    fn two_fields_do_without_a_template() {
        let none = || Template::default_fields(None, None);
        let given = |source: &str, target: &str| {
            let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
            Template::default_fields(name(source), name(target))
        };
        for (template, json, source, target) in [
            (none(), serde_json::json!({"source": " a ", "target": "b"}), "a", "b"),
            (none(), serde_json::json!({"id": 1, "target": "b", "source": "a"}), "a", "b"),
            (none(), serde_json::json!({"x": "a", "y": 2.5}), "a", "2.5"),
            (none(), serde_json::json!({"x": true, "y": 3}), "True", "3"),
            (none(), serde_json::json!({"target": "a", "y": "b"}), "a", "b"),
            (given("y", "x"), serde_json::json!({"x": "b", "y": "a", "z": []}), "a", "b"),
            (given("y", ""), serde_json::json!({"x": "b", "y": "a"}), "a", "b"),
            (given("", "x"), serde_json::json!({"x": "b", "y": "a"}), "a", "b"),
            (given("y", ""), serde_json::json!({"x": "c", "y": "a", "target": "b"}), "a", "b"),
        ] {
            let rendered = template.render(&row(json.clone())).unwrap();
            assert_eq!((rendered.source.as_str(), rendered.target.as_str()), (source, target));
            assert_eq!(template.render_source(&row(json)).unwrap(), source);
        }
        for (template, json, expected) in [
            (none(), serde_json::json!({"a": "", "b": "", "c": ""}), "the row has `a`, `b`, `c`"),
            (none(), serde_json::json!({}), "the row has no fields"),
            (given("q", ""), serde_json::json!({"a": "", "b": ""}), "there is no field `q`"),
            (
                none(),
                serde_json::json!({"a": null, "b": ""}),
                "field `a`: expected a text, found null",
            ),
            (
                none(),
                serde_json::json!({"a": "", "b": ["x"]}),
                "field `b`: expected a text, found a list",
            ),
        ] {
            let message = template.render(&row(json)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(none().render_source(&row(serde_json::json!({"prompt": "a"}))).unwrap(), "a");
    }

    #[test]
    fn a_source_alone_does_for_generation() {
        let template = Template::parse("Say {{ x }}!").unwrap();
        let row = row(serde_json::json!({"x": "a ||| b"}));
        assert_eq!(template.render_source(&row).unwrap(), "Say a ||| b!");
        assert!(!template.has_target() && template.render(&row).is_err());
    }
}
