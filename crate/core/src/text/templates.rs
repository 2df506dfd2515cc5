//! The templates of a data set: one, or several that take turns over the rows.

use crate::{
    error::Result,
    rng::{Purpose, Random},
    text::{
        rows::Row,
        template::{Published, Rendered, Spent, Template},
    },
};

/// One template, or several that take turns.
#[derive(Debug)]
pub struct Templates(OneOrSeveral);

#[derive(Debug)]
enum OneOrSeveral {
    One(Template),
    Rotating { templates: Vec<Published>, seed: u64 },
}

impl From<Template> for Templates {
    fn from(template: Template) -> Self {
        Self(OneOrSeveral::One(template))
    }
}

impl Templates {
    /// Templates that take turns: of as many rows in a row as there are templates, each has one, in
    /// an order drawn with the seed, so that no template meets rows of one kind alone.
    pub fn rotating(templates: Vec<Published>, seed: u64) -> Self {
        Self(OneOrSeveral::Rotating { templates, seed })
    }

    /// Whether they can render a target.
    pub fn has_target(&self) -> bool {
        match &self.0 {
            OneOrSeveral::One(template) => template.has_target(),
            OneOrSeveral::Rotating { templates, .. } => templates.iter().all(Published::has_target),
        }
    }

    /// A field of the row that the template names as another tool would, beside those that it reads.
    pub(crate) fn placeholder(&self, row: &Row) -> Option<String> {
        match &self.0 {
            OneOrSeveral::One(template) => template.placeholder(row),
            OneOrSeveral::Rotating { .. } => None,
        }
    }

    /// Both sides of the row at this place of its file, from 0: by the template whose turn it is, or
    /// the next one that has a text for the row. None where none has.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render(&self, index: usize, row: &Row) -> Result<Option<Rendered>> {
        match &self.0 {
            OneOrSeveral::One(template) => template.render(row).map(Some),
            OneOrSeveral::Rotating { templates, seed } => {
                let mut spent = Spent::default();
                first(templates, *seed, index, |template, draw| {
                    template.render_within(row, draw, &mut spent)
                })
            }
        }
    }

    /// As [`Templates::render`], but only the source side.
    ///
    /// # Errors
    /// As [`Template::render_source`].
    pub fn render_source(&self, index: usize, row: &Row) -> Result<Option<String>> {
        match &self.0 {
            OneOrSeveral::One(template) => template.render_source(row).map(Some),
            OneOrSeveral::Rotating { templates, seed } => {
                let mut spent = Spent::default();
                first(templates, *seed, index, |template, draw| {
                    template.render_source_within(row, draw, &mut spent)
                })
            }
        }
    }
}

fn first<T>(
    templates: &[Published],
    seed: u64,
    index: usize,
    mut render: impl FnMut(&Published, u64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let count = templates.len().max(1);
    let mut order: Vec<&Published> = templates.iter().collect();
    Random::new(seed, Purpose::Mixture, (index / count) as u64, 1).shuffle(&mut order);
    order.rotate_left(index % count);
    let draw = Random::new(seed, Purpose::Mixture, index as u64, 2).next_u64();
    for template in order {
        if let Some(text) = render(template, draw)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(jinja: &[&str], seed: u64) -> Templates {
        let parse = |text: &&str| Published::parse(text, text, None).unwrap();
        Templates::rotating(jinja.iter().map(parse).collect(), seed)
    }

    fn sources(templates: &Templates, rows: usize) -> Vec<Option<String>> {
        let row = |index: usize| {
            let fields = serde_json::json!({"label": index % 2});
            Row { line: index + 1, fields: fields.as_object().unwrap().clone() }
        };
        let rendered = |index| templates.render(index, &row(index)).unwrap();
        (0..rows).map(|index| rendered(index).map(|text| text.source)).collect()
    }

    #[test]
    fn templates_take_turns_and_meet_all_kinds_of_rows() {
        let two = templates(&["a{{ label }} ||| x", "b{{ label }} ||| x"], 1);
        let texts = sources(&two, 400);
        for pair in texts.chunks(2) {
            let first: Vec<&str> = pair.iter().map(|text| &text.as_ref().unwrap()[..1]).collect();
            assert!(first == ["a", "b"] || first == ["b", "a"]);
        }
        for text in ["a0", "a1", "b0", "b1"] {
            let count = texts.iter().filter(|found| found.as_deref() == Some(text)).count();
            assert!((70..=130).contains(&count), "{text}: {count}");
        }
        assert_eq!(texts, sources(&two, 400));
        assert_ne!(texts, sources(&templates(&["a ||| x", "b ||| x"], 2), 400));
    }

    #[test]
    fn the_next_template_takes_a_row_that_one_has_no_text_for() {
        let odd = "{% if label == 1 %}odd ||| x{% endif %}";
        let texts = sources(&templates(&[odd, "any ||| x"], 1), 40);
        assert!(texts.iter().step_by(2).all(|text| text.as_deref() == Some("any")));
        assert!(texts.iter().any(|text| text.as_deref() == Some("odd")));
        assert!(sources(&templates(&[odd], 1), 4).iter().step_by(2).all(Option::is_none));
    }
}
