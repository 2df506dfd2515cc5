//! The methods of Python's strings, lists and dictionaries that published templates use.
//!
//! All that a method reads is charged as fuel before it is read: its text, its arguments, each item.

use std::collections::HashSet;

use minijinja::{
    Error, ErrorKind, State,
    value::{Value, ValueKind, from_args},
};

use super::work;

/// All of them: of strings, of mappings, of lists.
pub(super) const METHODS: [&[&str]; 3] = [
    &[
        "upper",
        "lower",
        "capitalize",
        "title",
        "strip",
        "lstrip",
        "rstrip",
        "startswith",
        "endswith",
        "isdigit",
        "isnumeric",
        "isalpha",
        "isalnum",
        "isspace",
        "find",
        "index",
        "rfind",
        "count",
        "replace",
        "split",
        "rsplit",
        "splitlines",
        "join",
    ],
    &["get", "keys", "values", "items"],
    &["index", "count"],
];

/// What `value.name(arguments)` gives, where the engine itself has no such method.
pub(super) fn method(
    state: &mut State,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    let [of_strings, of_mappings, of_lists] = METHODS;
    match value.kind() {
        ValueKind::String if of_strings.contains(&name) => {
            string(state, value.as_str().unwrap_or_default(), name, arguments)
        }
        ValueKind::Map if of_mappings.contains(&name) => map(state, value, name, arguments),
        ValueKind::Seq if of_lists.contains(&name) => list(state, value, name, arguments),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn string(state: &mut State, text: &str, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    // The engine counts what a method makes; what it reads is counted here.
    work::text(state, text.len())?;
    for argument in arguments.iter().filter_map(Value::as_str) {
        work::text(state, argument.len())?;
    }
    let strip = |left: bool, right: bool| -> Result<Value, Error> {
        let (characters,): (Option<&str>,) = from_args(arguments)?;
        let characters: Option<HashSet<char>> = characters.map(|set| set.chars().collect());
        let stripped =
            |c: char| characters.as_ref().map_or(c.is_whitespace(), |set| set.contains(&c));
        let text = if left { text.trim_start_matches(stripped) } else { text };
        Ok(Value::from(if right { text.trim_end_matches(stripped) } else { text }))
    };
    let cased = |change: fn(&str) -> String| -> Result<Value, Error> {
        let () = from_args(arguments)?;
        Ok(Value::from(change(text)))
    };
    let ends = |has: fn(&str, &str) -> bool| -> Result<Value, Error> {
        let (affix,): (Value,) = from_args(arguments)?;
        if let Some(affix) = affix.as_str() {
            return Ok(Value::from(has(text, affix)));
        }
        for affix in affix.try_iter()? {
            work::read(state, &affix)?;
            match affix.as_str() {
                Some(affix) if has(text, affix) => return Ok(Value::from(true)),
                Some(_) => {}
                None => return Err(invalid("a text begins and ends with texts, not with others")),
            }
        }
        Ok(Value::from(false))
    };
    let all = |is: fn(char) -> bool| -> Result<Value, Error> {
        let () = from_args(arguments)?;
        Ok(Value::from(!text.is_empty() && text.chars().all(is)))
    };
    // Python counts characters, not bytes.
    let position = |at: Option<usize>| at.map_or(-1, |at| text[..at].chars().count() as i64);
    match name {
        "upper" => cased(str::to_uppercase),
        "lower" => cased(str::to_lowercase),
        "capitalize" => cased(capitalize),
        "title" => cased(title),
        "strip" => strip(true, true),
        "lstrip" => strip(true, false),
        "rstrip" => strip(false, true),
        "startswith" => ends(|text, affix| text.starts_with(affix)),
        "endswith" => ends(|text, affix| text.ends_with(affix)),
        "isdigit" | "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isspace" => all(char::is_whitespace),
        "find" | "index" | "rfind" => {
            let (part,): (&str,) = from_args(arguments)?;
            let at = if name == "rfind" { text.rfind(part) } else { text.find(part) };
            match (name, at) {
                ("index", None) => Err(invalid("substring not found")),
                _ => Ok(Value::from(position(at))),
            }
        }
        "count" => {
            let (part,): (&str,) = from_args(arguments)?;
            Ok(Value::from(text.matches(part).count()))
        }
        "replace" => {
            let (old, new, count): (&str, &str, Option<i64>) = from_args(arguments)?;
            let count = usize::try_from(count.unwrap_or(-1)).unwrap_or(usize::MAX);
            // The engine counts the result only once it is there.
            let times = text.matches(old).take(count).count();
            work::text(state, times.saturating_mul(new.len()))?;
            Ok(Value::from(text.replacen(old, new, count)))
        }
        "split" | "rsplit" => {
            let (separator, count): (Option<&str>, Option<i64>) = from_args(arguments)?;
            let limit = usize::try_from(count.unwrap_or(-1)).unwrap_or(usize::MAX);
            // A part costs more than its text: a value has 24 bytes.
            state.consume_fuel(match separator {
                Some(separator) => text.matches(separator).count(),
                None => text.split_whitespace().count(),
            } as u64)?;
            split(text, separator, limit, name == "rsplit").map(Value::from_iter)
        }
        "splitlines" => {
            let () = from_args(arguments)?;
            state.consume_fuel(text.lines().count() as u64)?;
            Ok(Value::from_iter(text.lines()))
        }
        "join" => {
            let (items,): (Value,) = from_args(arguments)?;
            state.apply_filter("join", &[items, Value::from(text)])
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn split<'a>(
    text: &'a str,
    separator: Option<&str>,
    limit: usize,
    from_right: bool,
) -> Result<Vec<&'a str>, Error> {
    let parts = limit.saturating_add(1);
    Ok(match (separator, from_right) {
        (Some(""), _) => return Err(invalid("empty separator")),
        (Some(separator), false) => text.splitn(parts, separator).collect(),
        (Some(separator), true) => {
            let mut found: Vec<&str> = text.rsplitn(parts, separator).collect();
            found.reverse();
            found
        }
        // Runs of white space separate, and what is left over keeps its inner ones.
        (None, false) => {
            let (mut found, mut rest) = (Vec::new(), text.trim_start());
            while !rest.is_empty() {
                let end = rest.find(char::is_whitespace).filter(|_| found.len() < limit);
                let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
                found.push(part);
                rest = after.trim_start();
            }
            found
        }
        (None, true) => {
            let (mut found, mut rest) = (Vec::new(), text.trim_end());
            while !rest.is_empty() {
                let space = rest.char_indices().rev().find(|(_, c)| c.is_whitespace());
                let start = space.filter(|_| found.len() < limit).map(|(at, c)| at + c.len_utf8());
                let (before, part) = rest.split_at(start.unwrap_or(0));
                found.push(part);
                rest = before.trim_end();
            }
            found.reverse();
            found
        }
    })
}

fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + &characters.as_str().to_lowercase()
}

fn title(text: &str) -> String {
    let mut within = false;
    let change = |c: char| {
        let cased: String =
            if within { c.to_lowercase().collect() } else { c.to_uppercase().collect() };
        within = c.is_alphabetic();
        cased
    };
    text.chars().map(change).collect()
}

fn map(state: &State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let keys = || -> Result<_, Error> {
        let counted = move |key: Value| work::read(state, &key).map(|()| key);
        Ok(value.try_iter()?.map(counted))
    };
    match name {
        "get" => {
            let (key, otherwise): (Value, Option<Value>) = from_args(arguments)?;
            work::read(state, &key)?;
            let found = value.get_item(&key)?;
            Ok(if found.is_undefined() { otherwise.unwrap_or(Value::from(())) } else { found })
        }
        "keys" => {
            let () = from_args(arguments)?;
            keys()?.collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        "values" => {
            let () = from_args(arguments)?;
            keys()?.map(|key| value.get_item(&key?)).collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        "items" => {
            let () = from_args(arguments)?;
            let pair = |key: Result<Value, Error>| {
                let key = key?;
                Ok(Value::from(vec![key.clone(), value.get_item(&key)?]))
            };
            keys()?.map(pair).collect::<Result<Vec<_>, Error>>().map(Value::from)
        }
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

fn list(state: &State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let (item,): (Value,) = from_args(arguments)?;
    let (mut found, mut first) = (0, None);
    for (place, other) in value.try_iter()?.enumerate() {
        work::compare(state, &item, &other)?;
        if other == item {
            found += 1;
            first = first.or(Some(place));
            if name == "index" {
                break;
            }
        }
    }
    match (name, first) {
        ("count", _) => Ok(Value::from(found)),
        (_, Some(place)) => Ok(Value::from(place)),
        (_, None) => Err(invalid("the item is not in the list")),
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    /// What CPython 3 gives for the same expressions.
    #[test]
    fn methods_are_python_s() {
        let mut environment = Environment::new();
        environment.set_unknown_method_callback(super::method);
        environment.set_fuel(Some(10_000));
        for (expression, expected) in [
            ("' a  b c '.split()", "['a', 'b', 'c']"),
            ("' a  b c '.split(None, 1)", "['a', 'b c ']"),
            ("' a  b c '.rsplit(None, 1)", "[' a  b', 'c']"),
            ("'a,b,,c'.split(',')", "['a', 'b', '', 'c']"),
            ("'a,b,,c'.split(',', 1)", "['a', 'b,,c']"),
            ("'a,b,,c'.rsplit(',', 1)", "['a,b,', 'c']"),
            ("''.split()", "[]"),
            ("''.split(',')", "['']"),
            ("'a\\nb\\n'.splitlines()", "['a', 'b']"),
            ("'xxaxbx'.strip('x')", "axb"),
            ("' a '.lstrip() + '|' + ' a '.rstrip()", "a | a"),
            ("'aaaa'.replace('a', 'bc', 2)", "bcbcaa"),
            ("'ab'.replace('', '-')", "-a-b-"),
            ("'éa'.find('a')", "1"),
            ("'éa'.find('b')", "-1"),
            ("'abab'.rfind('b')", "3"),
            ("'abab'.count('ab')", "2"),
            ("'abc'.startswith('ab')", "True"),
            ("'abc'.endswith(('x', 'bc'))", "True"),
            ("'hELLO wORLD'.capitalize()", "Hello world"),
            ("\"it's a dog\".title()", "It'S A Dog"),
            ("'12'.isdigit()", "True"),
            ("''.isdigit()", "False"),
            ("', '.join(['a', 'b'])", "a, b"),
            ("{'a': 1}.get('b', 2)", "2"),
            ("{'a': 1}.get('b')", "None"),
            ("{'a': 1}.keys()|list", "['a']"),
            ("{'a': 1}.values()|list", "[1]"),
            ("{'a': 1}.items()|length", "1"),
            ("['a', 'b'].index('b')", "1"),
            ("['a', 'b', 'a'].count('a')", "2"),
        ] {
            let template = format!("{{{{ {expression} }}}}");
            let text = environment.render_str(&template, ()).unwrap_or_else(|e| panic!("{e:#}"));
            assert_eq!(text, expected, "{expression}");
        }
        for expression in ["'a'.split('')", "'a'.index('b')", "'a'.nosuch()", "['a'].index('b')"] {
            let template = format!("{{{{ {expression} }}}}");
            assert!(environment.render_str(&template, ()).is_err(), "{expression}");
        }
    }
}
