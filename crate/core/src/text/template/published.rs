//! A template as PromptSource publishes it (Bach et al. 2022, arXiv:2202.01279).

use std::{collections::HashMap, sync::LazyLock};

use minijinja::{
    Environment, Error as JinjaError, ErrorKind, State,
    value::{Value, merge_maps},
};

use super::{
    FUEL, Output, Part, Rendered, SEPARATOR, check_length, environment, failure, values, work,
};
use crate::{
    error::{Error, Result},
    rng::{Purpose, Random},
    text::rows::Row,
};

/// Stands for the separator while rendering: a row's own `|||` must not separate. Its first and last
/// character are none of Unicode's, so no text has them.
const MARK: &str = "\u{fdd0}|||\u{fdd1}";
const WHOLE: &str = "template";
const CHOICES: &str = "answer_choices";
/// Where the state of `choice` is kept while rendering.
const DRAW: &str = "draw";

/// A template that is rendered whole and then split, since its `|||` may stand within an `{% if %}`,
/// with the answers to choose from.
#[derive(Debug)]
pub struct Published {
    /// What it goes by.
    pub name: String,
    whole: Part,
    has_target: bool,
    choices: Option<Part>,
}

/// The engine with what published templates may use.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment();
    environment.add_function("zip", zip);
    environment.add_filter("choice", choice);
    environment.add_filter("most_frequent", most_frequent);
    environment
});

/// The work that a row's templates have taken, of those whose turn it was.
#[derive(Debug, Default)]
pub(in crate::text) struct Spent(u64);

impl Spent {
    /// Many templates without a text for a row must not take more than one with a text may.
    fn add(&mut self, fuel: u64) -> Result<()> {
        self.0 += fuel;
        match self.0 <= 2 * FUEL {
            true => Ok(()),
            false => Err(failure("rendering takes too long with so many templates")),
        }
    }
}

impl Published {
    /// Parses a template and the list of its answers, parted by `|||`.
    ///
    /// Beside what [`super::Template`] has, there are the function `zip` and the filters `choice`,
    /// which draws an item, and `most_frequent`.
    ///
    /// # Errors
    /// [`Error::Template`] for what is not Jinja.
    pub fn parse(name: &str, jinja: &str, choices: Option<&str>) -> Result<Self> {
        let part = |name, text: &str| {
            check_length(text)?;
            Part::parse(&ENVIRONMENT, name, &text.replace(SEPARATOR, MARK), 0)
        };
        Ok(Self {
            name: name.to_owned(),
            whole: part(WHOLE, jinja)?,
            has_target: jinja.contains(SEPARATOR),
            choices: choices.map(|choices| part(CHOICES, choices)).transpose()?,
        })
    }

    /// Whether it can render a target.
    pub fn has_target(&self) -> bool {
        self.has_target
    }

    /// Both sides of a row, or none where the template has no text for it: as PromptSource's own
    /// users do, a row without a source or without a target is passed over. `draw` decides what
    /// `choice` chooses.
    ///
    /// # Errors
    /// As [`super::Template::render`], the template named.
    pub fn render(&self, row: &Row, draw: u64) -> Result<Option<Rendered>> {
        self.render_within(row, draw, &mut Spent::default())
    }

    /// As [`Published::render`], as one of several templates that are tried.
    pub(in crate::text) fn render_within(
        &self,
        row: &Row,
        draw: u64,
        spent: &mut Spent,
    ) -> Result<Option<Rendered>> {
        let Output { text, mixed, .. } = self.whole(row, draw, spent)?;
        Ok(match text.split(MARK).collect::<Vec<_>>()[..] {
            [source, target] => {
                let (source, target) = (source.trim().to_owned(), target.trim().to_owned());
                Some(Rendered { source, target, mixed })
            }
            _ => None,
        }
        .filter(|rendered| !rendered.source.is_empty() && !rendered.target.is_empty()))
    }

    /// The source side of a row, or none.
    ///
    /// # Errors
    /// As [`Published::render`].
    pub fn render_source(&self, row: &Row, draw: u64) -> Result<Option<String>> {
        self.render_source_within(row, draw, &mut Spent::default())
    }

    /// As [`Published::render_source`], as one of several templates that are tried.
    pub(in crate::text) fn render_source_within(
        &self,
        row: &Row,
        draw: u64,
        spent: &mut Spent,
    ) -> Result<Option<String>> {
        let Output { text, .. } = self.whole(row, draw, spent)?;
        let source = text.split(MARK).next().unwrap_or_default().trim().to_owned();
        Ok(Some(source).filter(|source| !source.is_empty()))
    }

    fn whole(&self, row: &Row, draw: u64, spent: &mut Spent) -> Result<Output> {
        self.try_whole(row, draw, spent).map_err(|error| match error {
            Error::Template { message } => failure(format!("`{}`: {message}", self.name)),
            other => other,
        })
    }

    fn try_whole(&self, row: &Row, draw: u64, spent: &mut Spent) -> Result<Output> {
        if row.fields.contains_key(CHOICES) {
            return Err(failure(format!(
                "the row has a field `{CHOICES}`, which the template sets"
            )));
        }
        // A generator's seed, in a form that no field's name has.
        let hidden = HashMap::from([(format!(" {DRAW}"), Value::from(draw))]);
        let fields = merge_maps([Value::from(hidden), values(row)]);
        let choices = match &self.choices {
            Some(choices) => {
                let choices = choices.render(row, &fields)?;
                spent.add(choices.fuel)?;
                choices.text.split(MARK).map(|choice| Value::from(choice.trim())).collect()
            }
            None => Value::from(()),
        };
        let choices = Value::from(HashMap::from([(CHOICES.to_owned(), choices)]));
        let whole = self.whole.render(row, &merge_maps([choices, fields]))?;
        spent.add(whole.fuel)?;
        Ok(whole)
    }
}

/// The items, their reading counted.
fn items(state: &State, list: &Value) -> Result<Vec<Value>, JinjaError> {
    let item = |item| state.consume_fuel(1).map(|()| item);
    list.try_iter()?.map(item).collect()
}

/// Pairs up lists, as Python does.
fn zip(state: &mut State, left: Value, right: Value) -> Result<Value, JinjaError> {
    let (left, right) = (items(state, &left)?, items(state, &right)?);
    Ok(left.into_iter().zip(right).map(|(left, right)| Value::from(vec![left, right])).collect())
}

/// One of the items, drawn anew each time, but the same ones in each rendering of the row.
fn choice(state: &mut State, list: Value) -> Result<Value, JinjaError> {
    let items = items(state, &list)?;
    if items.is_empty() {
        return Err(JinjaError::new(
            ErrorKind::InvalidOperation,
            "there is nothing to choose from",
        ));
    }
    let number = |value: Option<Value>| value.and_then(|value| u64::try_from(value).ok());
    let draw = number(state.lookup(&format!(" {DRAW}"))).unwrap_or(0);
    let times = number(state.get_temp(DRAW)).unwrap_or(0);
    state.set_temp(DRAW, Value::from(times + 1));
    let chosen = Random::new(draw, Purpose::Mixture, times, 1).below(items.len() as u64);
    Ok(items[chosen as usize].clone())
}

/// The items that occur most often, in the order in which they first occur.
fn most_frequent(state: &mut State, list: Value) -> Result<Value, JinjaError> {
    let items = items(state, &list)?;
    let mut counts: Vec<(Value, usize)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in items {
        work::read(state, &item)?;
        let place = *places.entry(format!("{item:?}")).or_insert(counts.len());
        match counts.get_mut(place) {
            Some((_, count)) => *count += 1,
            None => counts.push((item, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    Ok(counts.into_iter().filter(|(_, count)| *count == most).map(|(item, _)| item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: serde_json::Value) -> Row {
        let serde_json::Value::Object(fields) = json else { panic!("not an object") };
        Row { line: 1, fields }
    }

    fn rendered(
        jinja: &str,
        choices: Option<&str>,
        json: serde_json::Value,
    ) -> Option<[String; 2]> {
        let template = Published::parse("t", jinja, choices).unwrap();
        let rendered = template.render(&row(json), 0).unwrap();
        rendered.map(|rendered| [rendered.source, rendered.target])
    }

    #[test]
    fn answers_are_there_to_choose_from() {
        let texts = |a: &str, b: &str| Some([a.to_owned(), b.to_owned()]);
        let json = serde_json::json!({"q": "Up ||| down?", "label": 1, "a": "x|||y", "b": "z"});
        let jinja = "{{ q }} {{ answer_choices | join(', ') }} ||| {{ answer_choices[label] }}";
        assert_eq!(
            rendered(jinja, Some("No ||| Yes"), json.clone()),
            texts("Up ||| down? No, Yes", "Yes")
        );
        assert_eq!(
            rendered(jinja, Some("{{b}} ||| {{ a }}"), json.clone()),
            texts("Up ||| down? z, x|||y", "x|||y")
        );
        let within = "{% if label == 1 %}a ||| {{ answer_choices is none }}{% endif %}";
        assert_eq!(rendered(within, None, json), texts("a", "True"));
        // Nothing is rendered for this row, or no target.
        assert_eq!(rendered(within, None, serde_json::json!({"label": 0})), None);
        let untold = "a ||| {% if label != -1 %}b{% endif %}";
        assert_eq!(rendered(untold, None, serde_json::json!({"label": -1})), None);
    }

    #[test]
    fn a_missing_field_names_the_template() {
        let template = Published::parse(
            "GPT-3 style",
            "{% if answer_choices %}{% endif %}{{ x }} ||| a",
            None,
        );
        let error = template.unwrap().render(&row(serde_json::json!({"y": 1})), 0).unwrap_err();
        assert_eq!(
            error.to_string(),
            "template: `GPT-3 style`: there is no field `x`; the row has `y`"
        );
        assert!(Published::parse("t", "{% for %}", None).is_err());
        let template = Published::parse("t", "a ||| b", None).unwrap();
        let taken = template.render(&row(serde_json::json!({"answer_choices": 1})), 0);
        assert!(taken.unwrap_err().to_string().contains("which the template sets"));
    }

    #[test]
    fn helpers_do_as_promptsource_s() {
        let json = serde_json::json!({"l": ["a", "b", "a", "c", "b"], "m": [1, 2]});
        let helpers = "{{ l | most_frequent | join }} {{ zip(l, m) | list | string }} ||| x";
        assert_eq!(rendered(helpers, None, json.clone()).unwrap()[0], "ab [['a', 1], ['b', 2]]");
        let template = Published::parse("t", "{{ l|choice }}{{ l|choice }} ||| x", None).unwrap();
        let draw = |draw| template.render(&row(json.clone()), draw).unwrap().unwrap().source;
        assert_eq!(draw(3), draw(3));
        let all: std::collections::HashSet<String> = (0..200).map(draw).collect();
        assert_eq!(all.len(), 9, "{all:?}");
        let empty = Published::parse("t", "{{ []|choice }} ||| x", None).unwrap();
        assert!(empty.render(&row(json.clone()), 0).is_err());
    }

    #[test]
    fn rendering_ends() {
        for jinja in [
            "{% for a in range(99999) %}{% set b = zip(l, l) %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% set b = l|choice %}{% endfor %} ||| b",
            "{% for a in range(99999) %}{% set b = l|most_frequent %}{% endfor %} ||| b",
        ] {
            let template = Published::parse("t", jinja, None).unwrap();
            let row = row(serde_json::json!({"l": vec!["x"; 1000]}));
            let error = template.render(&row, 0).unwrap_err().to_string();
            assert!(error.contains("rendering takes too long"), "{error}");
        }
    }
}
