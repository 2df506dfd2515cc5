//! PromptSource's `templates.yaml`.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::Published;
use crate::{
    encoding,
    error::{Error, Result},
};

/// The most templates of a file: published ones have some thirty at most, and each takes ten kilobytes.
const MAX_TEMPLATES: usize = 1_000;
/// How deep the file's nodes may nest: published files have four levels.
const MAX_DEPTH: usize = 32;

/// A node of YAML. Tags, such as `!Template`, say nothing that its place does not say.
enum Node {
    /// `null`, or nothing at all.
    Null,
    Text(String),
    List,
    /// Keys with their lines.
    Map(Vec<(String, usize, Node)>),
}

/// Reads the templates of a file, in its order.
///
/// # Errors
/// [`Error::Format`], with the line, for what is not YAML or not in PromptSource's form.
pub fn read(path: &str, bytes: &[u8]) -> Result<Vec<Published>> {
    templates(encoding::text(path, bytes)?).map_err(|message| Error::format(path, message))
}

fn templates(text: &str) -> Result<Vec<Published>, String> {
    let mut events = Events(Parser::new_from_str(text));
    let Node::Map(file) = events.document()? else {
        return Err("expected PromptSource's mapping with `templates`".to_owned());
    };
    let list = file.into_iter().find(|(key, ..)| key == "templates");
    let Some((_, line, Node::Map(list))) = list else {
        return Err("expected PromptSource's `templates`, which maps ids to templates".to_owned());
    };
    if list.is_empty() {
        return Err(format!("line {line}: there are no templates"));
    }
    if list.len() > MAX_TEMPLATES {
        return Err(format!("{} templates are more than {MAX_TEMPLATES}", list.len()));
    }
    list.into_iter().map(|(id, line, node)| template(&id, line, node)).collect()
}

fn template(id: &str, line: usize, node: Node) -> Result<Published, String> {
    let Node::Map(fields) = node else {
        return Err(format!("line {line}: template `{id}`: expected a mapping"));
    };
    let (mut name, mut jinja, mut choices) = (None, None, None);
    for (key, line, node) in fields {
        let place = match key.as_str() {
            "name" => &mut name,
            "jinja" => &mut jinja,
            "answer_choices" => &mut choices,
            _ => continue,
        };
        *place = match node {
            Node::Text(text) => Some(text),
            Node::Null => None,
            _ => return Err(format!("line {line}: `{key}`: expected a text")),
        };
    }
    let name = name.unwrap_or_else(|| id.to_owned());
    let Some(jinja) = jinja else {
        return Err(format!("line {line}: template `{name}` has no `jinja`"));
    };
    Published::parse(&name, &jinja, choices.as_deref()).map_err(|error| match error {
        Error::Template { message } => format!("line {line}: template `{name}`: {message}"),
        other => other.to_string(),
    })
}

struct Events<'a>(Parser<'a, saphyr_parser::StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), String> {
        match self.0.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, start.line())),
            Some(Err(error)) => {
                Err(format!("line {}: not YAML: {}", error.marker().line(), error.info()))
            }
            None => Err("it is empty".to_owned()),
        }
    }

    fn document(&mut self) -> Result<Node, String> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd, _) => return Err("it is empty".to_owned()),
                (event, line) => return self.node(event, line, 0),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node, String> {
        if depth > MAX_DEPTH {
            return Err(format!("line {line}: it is nested too deep"));
        }
        match event {
            Event::Scalar(text, style, ..) => Ok(scalar(text, style)),
            Event::SequenceStart(..) => loop {
                match self.next()? {
                    (Event::SequenceEnd, _) => return Ok(Node::List),
                    (event, line) => self.node(event, line, depth + 1)?,
                };
            },
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let (event, line) = self.next()?;
                    let key = match event {
                        Event::MappingEnd => return Ok(Node::Map(entries)),
                        Event::Scalar(text, ..) => text.into_owned(),
                        _ => return Err(format!("line {line}: expected a key that is a text")),
                    };
                    let (event, begin) = self.next()?;
                    entries.push((key, line, self.node(event, begin, depth + 1)?));
                }
            }
            // A few of them could stand for more nodes than there is memory.
            Event::Alias(_) => Err(format!("line {line}: aliases are not read here")),
            _ => Err(format!("line {line}: not YAML: the file ends early")),
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Node {
    match (style, &*text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Node::Null,
        _ => Node::Text(text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::text::rows::Row;

    fn published(name: &str) -> Vec<Published> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/promptsource/");
        let bytes = std::fs::read(format!("{folder}{name}/templates.yaml")).unwrap();
        read("templates.yaml", &bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn row(json: serde_json::Value) -> Row {
        let serde_json::Value::Object(fields) = json else { panic!("not an object") };
        Row { line: 1, fields }
    }

    #[test]
    fn published_files_load_and_render() {
        for (name, count, json) in [
            ("samsum", 7, json!({"dialogue": "A: Hi", "summary": "A greets."})),
            ("glue/sst2", 5, json!({"sentence": "fine", "label": 1})),
            ("glue/cola", 5, json!({"sentence": "He go.", "label": 0})),
            ("glue/rte", 5, json!({"sentence1": "a", "sentence2": "b", "label": 1})),
            ("glue/mrpc", 7, json!({"sentence1": "a", "sentence2": "b", "label": 1})),
            ("super_glue/boolq", 10, json!({"passage": "a", "question": "b", "label": 1})),
            ("super_glue/rte", 10, json!({"premise": "a", "hypothesis": "b", "label": 1})),
            (
                "super_glue/copa",
                12,
                json!({"premise": "a.", "choice1": "b", "choice2": "c", "question": "cause",
                    "label": 1}),
            ),
        ] {
            let templates = published(name);
            assert_eq!(templates.len(), count, "{name}");
            let row = row(json);
            let texts: Vec<_> =
                templates.iter().filter_map(|t| t.render(&row, 0).unwrap()).collect();
            assert!(texts.len() * 2 >= count, "{name}: {texts:?}");
            for text in &texts {
                assert!(!format!("{text:?}").contains("|||"), "{name}: {text:?}");
            }
        }
        let boolq = published("super_glue/boolq");
        let row = row(json!({"passage": "P.", "question": "is it", "label": 1}));
        let style = boolq.iter().find(|template| template.name == "GPT-3 Style").unwrap();
        let text = style.render(&row, 0).unwrap().unwrap();
        assert_eq!(
            (text.source.as_str(), text.target.as_str()),
            ("P. \nQuestion: is it\nAnswer:", "Yes")
        );
    }

    #[test]
    fn what_is_not_in_the_form_is_named() {
        let template = |rest: &str| format!("templates:\n  a: !Template\n{rest}");
        for (text, expected) in [
            ("".to_owned(), "it is empty"),
            ("- a\n".to_owned(), "expected PromptSource's mapping with `templates`"),
            ("a: b\n".to_owned(), "expected PromptSource's `templates`"),
            ("templates: {}\n".to_owned(), "line 1: there are no templates"),
            ("templates:\n  a: b\n".to_owned(), "line 2: template `a`: expected a mapping"),
            (template("    name: n\n"), "line 2: template `n` has no `jinja`"),
            (template("    jinja: [x]\n"), "line 3: `jinja`: expected a text"),
            (template("    jinja: '{% for %}'\n"), "line 2: template `a`: syntax error"),
            (template("    jinja: 'x\n"), "not YAML"),
            ("a: &a [x]\nb: *a\n".to_owned(), "line 2: aliases are not read here"),
            ("? [a]\n: b\n".to_owned(), "line 1: expected a key that is a text"),
            (format!("a: {}", "[".repeat(200)), "line 1"),
            ("a: ".repeat(2), "line 1"),
        ] {
            let error = read("t.yaml", text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("t.yaml: ") && error.contains(expected), "{text}: {error}");
        }
        assert!(read("t.yaml", b"\xff").unwrap_err().to_string().contains("not UTF-8"));
    }
}
