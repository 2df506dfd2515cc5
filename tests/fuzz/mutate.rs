//! Damage, from flipped bits to nodes of JSON that stand where they should not.

use flantune::rng::Random;
use serde_json::{Map, Value, json};

/// Numbers at which sizes and offsets go wrong.
const NUMBERS: [i128; 20] = [
    0,
    1,
    -1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    32_768,
    65_536,
    1 << 31,
    (1 << 31) - 1,
    (1 << 32) - 1,
    1 << 32,
    1 << 53,
    (1 << 63) - 1,
    (1 << 64) - 1,
    -(1 << 63),
];

/// Texts that mean something to some parser.
const TEXTS: [&str; 18] = [
    "",
    " ",
    "\n",
    "\0",
    "\u{feff}",
    "\u{1b}[2J",
    "é",
    "\u{10ffff}",
    "e\u{301}",
    "null",
    "NaN",
    "1e999",
    "-0",
    "\"",
    "\\",
    "../x",
    "9999999999999999999999",
    "0.1e-400",
];

/// A damaged `input`, at most `limit` bytes: one to four changes, each of the bytes, the lines or the
/// structure. `words` are what the format gives a meaning to, and `other` is a second input, of which
/// parts may be taken.
pub fn mutate(
    input: &[u8],
    other: &[u8],
    words: &[&str],
    limit: usize,
    random: &mut Random,
) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        let changed = match random.below(4) {
            0 => change_bytes(&bytes, other, words, random),
            1 => change_lines(&bytes, other, words, random),
            _ => {
                let structured = change_structure(&bytes, words, random);
                structured.unwrap_or_else(|| change_bytes(&bytes, other, words, random))
            }
        };
        bytes = changed;
        bytes.truncate(limit);
    }
    bytes
}

/// A place from 0 to `length`, both within.
fn place(length: usize, random: &mut Random) -> usize {
    random.below(length as u64 + 1) as usize
}

/// A range of `bytes`, mostly a short one.
fn range(bytes: &[u8], random: &mut Random) -> std::ops::Range<usize> {
    let start = place(bytes.len(), random);
    let most = (bytes.len() - start).min(1 << random.below(12));
    start..start + place(most, random)
}

fn pick<'a, T>(items: &'a [T], random: &mut Random) -> Option<&'a T> {
    match items.len() {
        0 => None,
        count => items.get(random.below(count as u64) as usize),
    }
}

fn word(words: &[&str], random: &mut Random) -> String {
    let own = random.below(3) > 0;
    let words = if own && !words.is_empty() { words } else { &TEXTS };
    pick(words, random).map_or_else(String::new, |word| word.to_string())
}

fn number(random: &mut Random) -> i128 {
    pick(&NUMBERS, random).map_or(0, |number| number + i128::from(random.below(3)) - 1)
}

fn change_bytes(bytes: &[u8], other: &[u8], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    let at = place(bytes.len(), random);
    match random.below(10) {
        0 if at < bytes.len() => changed[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => changed[at] = random.next_u32() as u8,
        2 => drop(changed.drain(range(bytes, random))),
        3 => changed.truncate(at),
        4 => {
            let copied = bytes[range(bytes, random)].to_vec();
            changed.splice(at..at, copied);
        }
        5 => {
            let copied = other[range(other, random)].to_vec();
            changed.splice(range(bytes, random), copied);
        }
        6 => {
            // A number in binary, as the length of a header is.
            let width = 1 << random.below(4);
            let end = bytes.len().min(at + width);
            changed.splice(at..end, number(random).to_le_bytes()[..width].to_vec());
        }
        7 => {
            // A number in digits, where there are some.
            let is_digit = |at: &usize| bytes[*at].is_ascii_digit();
            let start = (at..bytes.len()).find(is_digit).unwrap_or(at);
            let end = (start..bytes.len()).find(|at| !is_digit(at)).unwrap_or(bytes.len());
            changed.splice(start..end, number(random).to_string().into_bytes());
        }
        8 => {
            let copied = bytes[range(bytes, random)].repeat(1 << random.below(8));
            changed.splice(at..at, copied);
        }
        _ => drop(changed.splice(at..at, word(words, random).into_bytes())),
    }
    changed
}

fn change_lines(bytes: &[u8], other: &[u8], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let others: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
    let at = random.below(lines.len() as u64) as usize;
    let to = place(lines.len(), random);
    match random.below(7) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at].clone()),
        2 => {
            let line = lines.remove(at);
            lines.insert(to.min(lines.len()), line);
        }
        3 => lines.insert(to, pick(&others, random).unwrap_or(&&b""[..]).to_vec()),
        4 => drop(lines[at].splice(0..0, b"  ".repeat(random.below(4) as usize))),
        5 => lines[at].extend(word(words, random).bytes()),
        _ => lines[at] = change_bytes(&lines[at], other, words, random),
    }
    lines.join(&b'\n')
}

/// Changes a node where the input is JSON, is safetensors with a header of JSON, or has a line of
/// JSON; none where there is no JSON.
fn change_structure(bytes: &[u8], words: &[&str], random: &mut Random) -> Option<Vec<u8>> {
    if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
        change_node(&mut value, words, random);
        return serde_json::to_vec(&value).ok();
    }
    if let Some((header, data)) = header(bytes)
        && let Ok(mut value) = serde_json::from_slice::<Value>(header)
    {
        change_node(&mut value, words, random);
        let header = serde_json::to_vec(&value).ok()?;
        return Some([&(header.len() as u64).to_le_bytes()[..], &header, data].concat());
    }
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = random.below(lines.len() as u64) as usize;
    let mut value = serde_json::from_slice::<Value>(&lines[at]).ok()?;
    change_node(&mut value, words, random);
    lines[at] = serde_json::to_vec(&value).ok()?;
    Some(lines.join(&b'\n'))
}

/// The header of safetensors, and what follows it.
fn header(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn change_node(root: &mut Value, words: &[&str], random: &mut Random) {
    let nodes = count(root);
    let copied = nth(root, &mut (random.below(nodes) as usize)).cloned().unwrap_or_default();
    let Some(node) = nth(root, &mut (random.below(nodes) as usize)) else { return };
    match (random.below(8), &mut *node) {
        (0, Value::Array(list)) if !list.is_empty() => {
            list.remove(random.below(list.len() as u64) as usize);
        }
        (1, Value::Array(list)) if !list.is_empty() => {
            let again = pick(list, random).cloned().unwrap_or_default();
            list.extend(vec![again; 1 << random.below(6)]);
        }
        (0 | 1, Value::Object(map)) if !map.is_empty() => {
            let index = random.below(map.len() as u64) as usize;
            let key = map.keys().nth(index).cloned().unwrap_or_default();
            let value = match random.below(2) {
                0 => map.remove(&key),
                _ => map.get(&key).cloned(),
            };
            if random.below(2) == 0 {
                map.insert(word(words, random), value.unwrap_or_default());
            }
        }
        (2, _) => *node = copied,
        (3, _) => {
            for _ in 0..1_u32 << random.below(8) {
                *node = match random.below(2) {
                    0 => Value::Array(vec![node.take()]),
                    _ => Value::Object(Map::from_iter([(word(words, random), node.take())])),
                };
            }
        }
        (4, Value::String(text)) => {
            let at = text.floor_char_boundary(place(text.len(), random));
            text.insert_str(at, &word(words, random).repeat(1 << random.below(10)));
        }
        _ => *node = leaf(words, random),
    }
}

fn leaf(words: &[&str], random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 => json!([]),
        3 => json!({}),
        4 => json!(word(words, random)),
        5 => json!(1.5 * 10_f64.powi(random.below(600) as i32 - 300)),
        _ => {
            let number = number(random);
            i64::try_from(number).map_or_else(|_| json!(number as u64), |number| json!(number))
        }
    }
}

fn count(value: &Value) -> u64 {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The `n`-th node, the root first.
fn nth<'a>(value: &'a mut Value, n: &mut usize) -> Option<&'a mut Value> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|value| nth(value, n)),
        Value::Object(map) => map.values_mut().find_map(|value| nth(value, n)),
        _ => None,
    }
}
