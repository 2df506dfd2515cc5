//! The work of a rendering that the engine does not count.
//!
//! The engine charges fuel for instructions, for text that is made, and for items that its own filters
//! visit. It does not for what lies in the operands: two texts of a megabyte are compared, and a list
//! becomes text, at the price of one instruction. A list may hold another twice, which holds another
//! twice: forty of these have more items than there is memory. So operands are weighed before they
//! are used (`program.rs`), item by item, until the fuel is spent.

use std::sync::Arc;

use minijinja::{
    Environment, Error, ErrorKind, State,
    value::{Object, ObjectRepr, Value, ValueKind},
};

/// How deep lists and mappings may nest. The engine compares, prints and drops them by recursion,
/// and a browser's stack is a small one.
const MAX_NESTING: usize = 64;
/// The bytes that one fuel pays for, as in the engine.
const BYTES: u64 = 64;
/// The engine's object behind `namespace()`, by the end of its type's name: no list of its own may
/// hold one, or nothing would ever free it.
const NAMESPACE: &str = "::Namespace";

/// What the names of our own functions begin with: none of Unicode's characters, so that no template
/// can spell them.
pub(super) const RESERVED: char = '\u{fdd0}';

/// Why a rendering fails at a null.
pub(super) const NULL: &str = "a null would become the word `None`";
/// Why a rendering fails at a list or mapping.
pub(super) const WHOLE: &str = "a list or a mapping would be written whole";

/// What the state of a rendering keeps: names of texts that were compared with numbers.
#[derive(Debug, Default)]
pub(super) struct Mixed(pub(super) Option<String>);

/// How operands are used, which decides what of them is weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Two are compared; a third one names the first of them that has a name.
    Compared,
    /// It is written as text: a null, a list and a mapping have none, and a number is written as
    /// Python does.
    Shown,
    /// As shown; but a list or mapping is meant.
    Written,
    /// The items of the first are shown.
    Joined,
    /// The first is looked for in the second.
    Contained,
    /// Either, since the engine does not say which.
    Chained,
    /// Each may become text, or be gone through.
    Read,
    /// They are passed on, or put into a list: texts are not copied.
    Passed,
    /// As passed; the first of them is what is called.
    Called,
    /// The second is looked up in the first.
    LookedUp,
    /// The first becomes a part of a namespace, which is the second.
    Assigned,
    /// They take turns. The engine divides by their number.
    Cycled,
}

impl Use {
    pub(super) const ALL: [Self; 12] = [
        Self::Compared,
        Self::Shown,
        Self::Written,
        Self::Joined,
        Self::Contained,
        Self::Chained,
        Self::Read,
        Self::Passed,
        Self::Called,
        Self::LookedUp,
        Self::Assigned,
        Self::Cycled,
    ];

    /// The name of the function that weighs, which begins with [`RESERVED`].
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Compared => "\u{fdd0}compared",
            Self::Shown => "\u{fdd0}shown",
            Self::Written => "\u{fdd0}written",
            Self::Joined => "\u{fdd0}joined",
            Self::Contained => "\u{fdd0}contained",
            Self::Chained => "\u{fdd0}chained",
            Self::Read => "\u{fdd0}read",
            Self::Passed => "\u{fdd0}passed",
            Self::Called => "\u{fdd0}called",
            Self::LookedUp => "\u{fdd0}looked up",
            Self::Assigned => "\u{fdd0}assigned",
            Self::Cycled => "\u{fdd0}cycled",
        }
    }

    /// Weighs operands, and gives them back as they are to be used.
    fn weigh(self, state: &mut State, operands: &[Value]) -> Result<Vec<Value>, Error> {
        match (self, operands) {
            (Self::Compared, [first, second, name]) => {
                let is_mixed = |text: &Value, number: &Value| {
                    text.as_str().is_some() && number.kind() == ValueKind::Number
                };
                if is_mixed(first, second) || is_mixed(second, first) {
                    let Mixed(mixed) = state.get_or_insert_extension(Mixed::default());
                    *mixed = mixed.take().or(name.as_str().map(str::to_owned));
                }
                compare(state, first, second)?;
                Ok(vec![first.clone(), second.clone()])
            }
            (Self::Shown | Self::Written, operands) => {
                let shown = |operand| shown(state, operand, self == Self::Written);
                operands.iter().map(shown).collect()
            }
            (Self::Joined, [list, others @ ..]) if list.as_str().is_none() => {
                let mut operands = vec![list.clone()];
                if let Some(object) = list.as_object() {
                    let items = object.try_iter().into_iter().flatten();
                    let items: Result<Vec<_>, _> =
                        items.map(|item| shown(state, &item, false)).collect();
                    operands = vec![Value::from(items?)];
                }
                operands.extend_from_slice(others);
                Ok(operands)
            }
            _ => self.only_weigh(state, operands).map(|()| operands.to_vec()),
        }
    }

    fn only_weigh(self, state: &State, operands: &[Value]) -> Result<(), Error> {
        match (self, operands) {
            (Self::Compared, [first, second]) => compare(state, first, second),
            (Self::Contained, [item, container]) => contain(state, item, container),
            (Self::Chained, [first, second]) => {
                compare(state, first, second)?;
                contain(state, first, second)
            }
            (Self::Called, [_, arguments @ ..]) => pass(state, arguments),
            (Self::LookedUp, [_, key]) => read(state, key),
            (Self::Assigned, [value, _]) => {
                Scale { state, without: Some(NAMESPACE) }.weigh_object(value, 0)
            }
            (Self::Cycled, [_]) => Err(invalid("there is nothing to cycle through")),
            (Self::Passed | Self::Cycled, operands) => pass(state, operands),
            // What has more or fewer operands than it should fails when it is done.
            (_, operands) => operands.iter().try_for_each(|operand| read(state, operand)),
        }
    }
}

/// Makes the functions known that instrumented templates call.
pub(super) fn install(environment: &mut Environment<'static>) {
    for used in Use::ALL {
        environment.add_global(used.name(), Value::from_object(Weigh(used)));
    }
}

/// A function that weighs its arguments, and gives them back as they were.
#[derive(Debug)]
struct Weigh(Use);

impl Object for Weigh {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State, operands: &[Value]) -> Result<Value, Error> {
        self.0.weigh(state, operands).map(Value::from)
    }
}

/// A value as it is to be written.
fn shown(state: &State, value: &Value, whole: bool) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::None => Err(invalid(NULL)),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable if !whole => Err(invalid(WHOLE)),
        ValueKind::Number if !value.is_integer() => match f64::try_from(value.clone()) {
            Ok(number) => Ok(Value::from(python_float(number))),
            Err(_) => Ok(value.clone()),
        },
        _ => read(state, value).map(|()| value.clone()),
    }
}

/// A number as Python writes it: with an exponent below 1e-4 and from 1e16 on.
pub(super) fn python_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent @ -4..16) => {
            let decimals = digits.trim_start_matches('-').len().saturating_sub(2) as i32;
            let decimals = (decimals - exponent).max(1) as usize;
            format!("{number:.decimals$}")
        }
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        Err(_) => scientific,
    }
}

/// Charges for text that is gone through.
pub(super) fn text(state: &State, bytes: usize) -> Result<(), Error> {
    state.consume_fuel(1 + bytes as u64 / BYTES)
}

/// Charges for a value that is gone through, with all that is in it.
pub(super) fn read(state: &State, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(string) => text(state, string.len()),
        None => Scale { state, without: None }.weigh(value, 0),
    }
}

/// Charges for a comparison: as much as the smaller of two texts, or item by item.
pub(super) fn compare(state: &State, first: &Value, second: &Value) -> Result<(), Error> {
    Scale { state, without: None }.compare(first, second, 0)
}

/// Charges for lists and mappings that are passed on; what is no such is only pointed to.
fn pass(state: &State, values: &[Value]) -> Result<(), Error> {
    let scale = Scale { state, without: None };
    values.iter().try_for_each(|value| scale.weigh_object(value, 0))
}

/// Charges for looking for an item.
fn contain(state: &State, item: &Value, container: &Value) -> Result<(), Error> {
    let object = container.as_object();
    match object.map(|object| object.repr()) {
        Some(ObjectRepr::Seq | ObjectRepr::Iterable) => {
            container.try_iter()?.try_for_each(|other| compare(state, item, &other))
        }
        // A key, or what becomes a text to be found in another. That one the engine charges for.
        _ => read(state, item),
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// Weighs nested values.
#[derive(Clone, Copy)]
struct Scale<'a> {
    state: &'a State<'a, 'a>,
    /// The end of the name of a type that must not be in them.
    without: Option<&'static str>,
}

impl Scale<'_> {
    fn weigh_object(self, value: &Value, depth: usize) -> Result<(), Error> {
        if value.as_object().is_some() { self.weigh(value, depth) } else { Ok(()) }
    }

    fn weigh(self, value: &Value, depth: usize) -> Result<(), Error> {
        let Some(object) = value.as_object() else {
            return text(self.state, value.as_str().map_or(0, str::len));
        };
        self.enter(depth)?;
        if self.without.is_some_and(|name| object.type_name().ends_with(name)) {
            return Err(invalid("a namespace cannot hold a namespace"));
        }
        match object.repr() {
            ObjectRepr::Map => {
                for (key, value) in object.try_iter_pairs().into_iter().flatten() {
                    self.weigh(&key, depth + 1)?;
                    self.weigh(&value, depth + 1)?;
                }
            }
            ObjectRepr::Seq | ObjectRepr::Iterable => {
                for item in object.try_iter().into_iter().flatten() {
                    self.weigh(&item, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn compare(self, first: &Value, second: &Value, depth: usize) -> Result<(), Error> {
        if let (Some(first), Some(second)) = (first.as_str(), second.as_str()) {
            return text(self.state, first.len().min(second.len()));
        }
        let (Some(one), Some(other)) = (first.as_object(), second.as_object()) else {
            return self.state.consume_fuel(1);
        };
        if one.repr() == ObjectRepr::Map || other.repr() == ObjectRepr::Map {
            self.weigh(first, depth)?;
            return self.weigh(second, depth);
        }
        self.enter(depth)?;
        let (ones, others) = (one.try_iter(), other.try_iter());
        for (first, second) in ones.into_iter().flatten().zip(others.into_iter().flatten()) {
            self.compare(&first, &second, depth + 1)?;
        }
        Ok(())
    }

    fn enter(self, depth: usize) -> Result<(), Error> {
        if depth == MAX_NESTING {
            return Err(invalid("lists or mappings are nested more than 64 deep"));
        }
        self.state.consume_fuel(1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::text::{
        rows::Row,
        template::{Published, Template, python::METHODS},
    };

    /// A row in which everything is large.
    fn row() -> Row {
        let long = "Ab ".repeat(60_000);
        let list: Vec<Json> = (0..5_000).map(|n| json!(format!("item {n}"))).collect();
        let map: serde_json::Map<String, Json> =
            (0..3_000).map(|n| (format!("{n} {long:.90}"), json!(n))).collect();
        let json = json!({
            "s": long, "same": long, "l": list, "other": list, "nested": [list, [list]], "m": map,
            "twin": map, "n": 3,
        });
        let Json::Object(fields) = json else { unreachable!() };
        Row { line: 1, fields }
    }

    /// What comes of doing something so many times.
    fn again(rounds: u64, expression: &str, row: &Row) -> Result<(), String> {
        let jinja = format!(
            "{{% for i in range({rounds}) %}}{{% set y = {expression} %}}{{% endfor %}} ||| x"
        );
        let template = Published::parse("t", &jinja, None).unwrap();
        template.render(row, 0).map(drop).map_err(|error| error.to_string())
    }

    /// What goes through all that it is given may be done a few times only, whatever else a loop does.
    #[track_caller]
    fn must_end(expression: &str, row: &Row) {
        let error = again(400, expression, row).expect_err(expression);
        assert!(error.contains("rendering takes too long"), "{expression}: {error}");
    }

    #[test]
    fn methods_are_charged_for_all_that_they_read() {
        let row = row();
        let arguments = |name: &str| match name {
            "startswith" | "endswith" => "('x', s, s)",
            "find" | "index" | "rfind" | "count" => "s",
            "replace" => "'zz', s",
            "strip" | "lstrip" | "rstrip" => "'Ab '",
            "join" => "l",
            "get" => "s",
            _ => "",
        };
        for (values, names) in [["s"], ["m"], ["l"]].iter().zip(METHODS) {
            for name in names {
                let expression = format!("{}.{name}({})", values[0], arguments(name));
                let expression = expression.replace("l.index(s)", "l.index('item 4999')");
                must_end(&expression, &row);
            }
        }
        must_end("l.count(nested)", &row);
        must_end("nested.count([l, [l]])", &row);
        assert!(again(1, "s.startswith(range(99999))", &row).unwrap_err().contains("with texts"));
    }

    #[test]
    fn operators_tests_and_filters_are_charged_for_all_that_they_read() {
        let row = row();
        for expression in [
            "s == same",
            "s != same",
            "s <= same",
            "'A' < s <= same <= s <= same",
            "l == other",
            "nested == [l, [l]]",
            "m == twin",
            "'x' in l",
            "s in [same]",
            "l in 'item'",
            "s in m",
            "m[s]",
            "{s: 1, same: 2}",
            "s ~ (l | string)",
            "[l, l]",
            "(l, l)",
            "s is upper",
            "s is lower",
            "s is startingwith same",
            "s is endingwith same",
            "s is eq same",
            "l is in nested",
            "l | string",
            "l | string | upper",
            "l | join",
            "l | sort",
            "l | unique | list",
            "l | reverse | list",
            "l | min",
            "l | map('upper') | list",
            "l | select('eq', 'item') | list",
            "l | batch(7) | list",
            "l | slice(7) | list",
            "l | zip(l) | list",
            "l | chain(l) | list",
            "l | choice",
            "l | most_frequent",
            "zip(l, l)",
            "dict(a=m)",
            "m | dictsort",
            "m | items",
            "m | pprint",
            "s | replace('zz', same)",
            "s | title",
            "s | indent",
            "s | split(',') | list",
            "s | lines",
            "'%s' | format(s)",
            "s | trim",
            "s | length",
        ] {
            must_end(expression, &row);
        }
    }

    #[test]
    fn nothing_grows_beyond_memory_or_a_stack() {
        let row = row();
        let source = |text: &str| {
            let rendered = Template::parse(text).unwrap().render_source(&row);
            rendered.expect_err(text).to_string()
        };
        let doubled = "{% set a = [s] %}{% for i in range(60) %}{% set a = [a, a] %}{% endfor %}";
        let kept = "{% set n = namespace(a=['x'], b='x') %}{% for i in range(99999) %}";
        let straight: String = (0..60).map(|_| "{% set a = [a, a] %}").collect();
        for (text, expected) in [
            (format!("{kept}{{% set n.a = [n.a, n.a] %}}{{% endfor %}}"), "takes too long"),
            (format!("{{% set a = [s] %}}{straight}{{{{ a | string }}}}"), "takes too long"),
            (format!("{kept}{{% set n.a = [n.a] %}}{{% endfor %}}"), "more than 64 deep"),
            (format!("{kept}{{% set n.a = {{'a': n.a}} %}}{{% endfor %}}"), "more than 64 deep"),
            (format!("{kept}{{% set n.a = n.a|batch(1)|list %}}{{% endfor %}}"), "64 deep"),
            (format!("{kept}{{% set n.b = n.b ~ n.b %}}{{% endfor %}}"), "takes too long"),
            (format!("{kept}{{% set n.a = n %}}{{% endfor %}}"), "cannot hold a namespace"),
            (format!("{kept}{{% set n.a = [[n]] %}}{{% endfor %}}"), "cannot hold a namespace"),
            ("{% for i in l %}{{ loop.cycle() }}{% endfor %}".to_owned(), "nothing to cycle"),
            ("{{ debug() }}".to_owned(), "debug is unknown"),
        ] {
            let message = source(&text);
            assert!(message.contains(expected), "{text:.90}: {message}");
        }
        // What a loop sets ends with its round.
        let text = format!("{doubled}{{{{ a | length }}}}");
        assert_eq!(Template::parse(&text).unwrap().render_source(&row).unwrap(), "1");
    }

    #[test]
    fn floats_are_written_as_python_does() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-1.0, "-1.0"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1.5e-4, "0.00015"),
            (1e-5, "1e-05"),
            (-1.25e-7, "-1.25e-07"),
            (123456.789, "123456.789"),
            (1e15, "1000000000000000.0"),
            (1.2345678901234567e15, "1234567890123456.8"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(super::python_float(number), expected);
        }
    }

    #[test]
    fn what_is_weighed_is_what_it_was() {
        let row = row();
        for (text, expected) in [
            ("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 in [1] == true }}", "True False False"),
            ("{{ 'a' ~ 1 ~ 'b' }} {{ [1, [2]] | length }} {{ {'a': 5}['a'] }}", "a1b 2 5"),
            ("{{ (1, 2)[1] }} {{ [[1, 2], 3] | length }} {{ 'x' if 2 > 1 else 'y' }}", "2 2 x"),
            (
                "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(*[3], **{'b': 4}) }}",
                "1234",
            ),
            (
                "{% for a, b in [(1, 2), (3, 4)] if a != 1 %}{{ a + b }}{% else %}no{% endfor %}",
                "7",
            ),
            (
                "{% set n = namespace(a=1) %}{% for i in range(3) %}{% set n.a = n.a + i %}{% endfor %}{{ n.a }}",
                "4",
            ),
            (
                "{% for x in [1, [2, [3]]] recursive %}{{ loop(x) if x is iterable else x }}{% endfor %}",
                "123",
            ),
            ("{% block b %}{{ n == 3 }}{% endblock %} {{ self.b() }}", "True True"),
            (
                "{% for x in 'ab' %}{{ loop.cycle('-', '+') }}{{ loop.changed(x) }}{% endfor %}",
                "-True+True",
            ),
            ("{{ 'a, b'.split(', ') | map('upper') | join('/') }}", "A/B"),
            ("{% filter upper %}a{% endfilter %}{% set y %}b{% endset %}{{ y }}", "Ab"),
        ] {
            let template = Template::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let rendered = template.render_source(&row);
            assert_eq!(rendered.unwrap_or_else(|e| panic!("{text}: {e}")), expected, "{text}");
        }
    }
}
