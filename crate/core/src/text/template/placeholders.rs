//! Fields as other tools write them: `{field}`, `$field`, `%(field)s`. In Jinja these are texts, the
//! same for every row.

use crate::text::rows::Row;

/// The first of a row's fields that a text names as another tool would, as it stands there.
pub(super) fn first(text: &str, row: &Row) -> Option<String> {
    row.fields.keys().filter(|name| !name.is_empty()).find_map(|name| {
        let ways = [
            format!("${{{name}}}"),
            format!("%({name})s"),
            format!("{{{name}}}"),
            format!("{{ {name} }}"),
            format!("<{name}>"),
            format!("[{name}]"),
        ];
        let written = ways.into_iter().find(|written| text.contains(written.as_str()));
        written.or_else(|| has_dollar(text, name).then(|| format!("${name}"))).or_else(|| {
            let is_alone = text.trim().trim_matches(['"', '\'']) == name;
            is_alone.then(|| name.clone())
        })
    })
}

/// The first of a row's fields that a template names as another tool would, between what Jinja reads.
pub(super) fn between(template: &str, row: &Row) -> Option<String> {
    let mut plain = String::new();
    let mut rest = template;
    while let Some(begin) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        plain += &rest[..begin];
        rest = &rest[begin + 2..];
        let end = rest.find("}}").into_iter().chain(rest.find("%}")).min();
        rest = end.map_or("", |end| &rest[end + 2..]);
    }
    plain += rest;
    first(&plain, row).filter(|found| found.starts_with(['{', '$', '%']))
}

/// Whether the name stands behind a dollar sign, as a whole word.
fn has_dollar(text: &str, name: &str) -> bool {
    let mut rest = text.split('$').skip(1);
    rest.any(|after| {
        let after = after.strip_prefix(name);
        after.is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jinja_reads_is_left_out() {
        let fields = serde_json::json!({"a": "", "b": ""});
        let row = Row { line: 1, fields: fields.as_object().unwrap().clone() };
        for (template, expected) in [
            ("{{ a }} {b}", Some("{b}")),
            ("{{a}} {% if b %}$b{% endif %}", Some("$b")),
            ("{{ a }}{{b}} <a> [b] b", None),
            ("{{ a", None),
        ] {
            assert_eq!(between(template, &row).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn fields_of_other_tools_are_found() {
        let fields = serde_json::json!({"context": "", "Review Text": "", "id": 1});
        let row = Row { line: 1, fields: fields.as_object().unwrap().clone() };
        for (text, expected) in [
            ("Text: {context}", Some("{context}")),
            ("{ context }", Some("{ context }")),
            ("a $context.", Some("$context")),
            ("a ${context}", Some("${context}")),
            ("a %(context)s", Some("%(context)s")),
            ("{Review Text}", Some("{Review Text}")),
            ("context", Some("context")),
            ("'context'", Some("context")),
            ("a context, $contexts, $5, {ids}", None),
            ("", None),
        ] {
            let found = first(text, &row);
            let is_within =
                |found: &str, expected: &str| found == expected || expected.ends_with(found);
            match (found, expected) {
                (None, None) => {}
                (Some(found), Some(expected)) if is_within(&found, expected) => {}
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
