//! How a variant of a shader is written out: WGSL has neither conditions on types nor loops that are sure
//! to be unrolled, and cubecl sets no `override`.
//!
//! In a line of its own:
//! - `//#if NAME`, `//#if !NAME`, `//#else`, `//#end`: by whether a constant is 0;
//! - `//#for i in 0..COUNT`, `//#for i in 4,2,1`, `//#end`: once for each value.
//!
//! And within lines `{{a+b+1}}`: a sum of constants, values of loops and numbers; `{{next}}` counts from 0, one
//! up at each place.

use std::fmt::Write;

/// The numbers that a variant is made of, by name.
pub type Constants = [(&'static str, u32)];

/// What counts the places where it stands.
const NEXT: &str = "next";

/// The text of a variant.
///
/// # Errors
/// What is wrong with the source, with its line.
pub fn expand(source: &str, constants: &Constants) -> Result<String, String> {
    let lines: Vec<&str> = source.lines().collect();
    let mut values: Vec<(&str, u32)> = vec![(NEXT, 0)];
    values.extend(constants);
    let mut out = String::with_capacity(2 * source.len());
    let end = lines_until(&lines, 0, true, &mut values, &mut out)?;
    match lines.get(end) {
        None => Ok(out),
        Some(line) => Err(format!("line {}: `{line}` without a beginning", end + 1)),
    }
}

/// Writes lines up to an `//#else` or `//#end` of this level, and returns where that is.
fn lines_until<'a>(
    lines: &[&'a str],
    mut at: usize,
    wanted: bool,
    values: &mut Vec<(&'a str, u32)>,
    out: &mut String,
) -> Result<usize, String> {
    while let Some(line) = lines.get(at) {
        let failed = |what: String| format!("line {}: {what}", at + 1);
        let Some(directive) = line.strip_prefix("//#") else {
            if wanted {
                substitute(line, values, out).map_err(failed)?;
            }
            at += 1;
            continue;
        };
        let words: Vec<&str> = directive.split_whitespace().collect();
        at = match words[..] {
            ["else" | "end"] => return Ok(at),
            ["if", name] => {
                let (name, negated) = match name.strip_prefix('!') {
                    Some(name) => (name, true),
                    None => (name, false),
                };
                let holds = (sum(name, values).map_err(failed)? != 0) != negated;
                let mut end = lines_until(lines, at + 1, wanted && holds, values, out)?;
                if lines.get(end) == Some(&"//#else") {
                    end = lines_until(lines, end + 1, wanted && !holds, values, out)?;
                }
                end
            }
            ["for", name, "in", range] => {
                let each = each(range, values).map_err(failed)?;
                // Once for nobody, so that the end is found and what is within is looked at.
                values.push((name, 0));
                let end = lines_until(lines, at + 1, false, values, out)?;
                for value in each.into_iter().filter(|_| wanted) {
                    values.last_mut().expect("pushed above").1 = value;
                    lines_until(lines, at + 1, true, values, out)?;
                }
                values.pop();
                end
            }
            _ => return Err(failed(format!("`{line}` is no directive"))),
        };
        match lines.get(at) {
            Some(&"//#end") => at += 1,
            _ => return Err(format!("line {}: `//#end` is missing", at + 1)),
        }
    }
    Ok(at)
}

fn substitute(line: &str, values: &mut [(&str, u32)], out: &mut String) -> Result<(), String> {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let (terms, after) = after.split_once("}}").ok_or("`{{` without `}}`")?;
        out.push_str(before);
        write!(out, "{}", sum(terms, values)?).map_err(|error| error.to_string())?;
        if let (NEXT, Some((_, next))) = (terms, values.first_mut()) {
            *next += 1;
        }
        rest = after;
    }
    out.push_str(rest);
    out.push('\n');
    Ok(())
}

/// The values of a loop.
fn each(range: &str, values: &[(&str, u32)]) -> Result<Vec<u32>, String> {
    match range.split_once("..") {
        Some((first, end)) => Ok((sum(first, values)?..sum(end, values)?).collect()),
        None => range.split(',').map(|value| sum(value, values)).collect(),
    }
}

fn sum(terms: &str, values: &[(&str, u32)]) -> Result<u32, String> {
    terms.split('+').map(str::trim).try_fold(0, |sum, term| {
        let value = term.parse().ok().or_else(|| {
            // The innermost loop's first.
            values.iter().rev().find(|(name, _)| *name == term).map(|(_, value)| *value)
        });
        value
            .map(|value| sum + value)
            .ok_or_else(|| format!("`{term}` is no constant of this variant"))
    })
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn conditions_loops_and_sums() {
        let source = "a\n//#if X\nx{{X+1}}\n//#else\nno\n//#end\n//#for i in 0..N\n//#for j in 2,1\n\
                      {{i}}{{j}}\n//#end\n//#end\n//#if !X\nnever\n//#end\nz";
        let text = expand(source, &[("X", 3), ("N", 2)]).unwrap();
        assert_eq!(text, "a\nx4\n02\n01\n12\n11\nz\n");
        assert_eq!(expand(source, &[("X", 0), ("N", 0)]).unwrap(), "a\nno\nnever\nz\n");
    }

    #[test]
    fn next_counts_what_is_written() {
        let source = "{{next}}\n//#if X\n{{next}}\n//#end\n//#for i in 0..2\n{{next}}\n//#end";
        assert_eq!(expand(source, &[("X", 1)]).unwrap(), "0\n1\n2\n3\n");
        assert_eq!(expand(source, &[("X", 0)]).unwrap(), "0\n1\n2\n");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (source, expected) in [
            ("a\n//#end", "line 2: `//#end` without a beginning"),
            ("//#if X\na", "line 3: `//#end` is missing"),
            ("//#if Y\n//#end", "line 1: `Y` is no constant of this variant"),
            ("a {{Y}}", "line 1: `Y` is no constant of this variant"),
            ("//#iff X\n//#end", "line 1: `//#iff X` is no directive"),
            ("a {{X", "line 1: `{{` without `}}`"),
        ] {
            assert_eq!(expand(source, &[("X", 1)]), Err(expected.to_owned()), "{source}");
        }
    }
}
