//! JSON whose floats come back to the bit. serde_json parses them fast, and may be off by the last
//! bit unless its feature `float_roundtrip` is on; the standard library's parser is exact.

use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::{Number, Value};

use crate::bounded::Bounded;

/// The most values of a file of settings or of a record.
const MOST: usize = 1 << 16;

/// Reads a value that serde_json has written, of no more than [`MOST`] values.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let parse = || {
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = (&Bounded::new(MOST)).deserialize(&mut reader)?;
        reader.end().map(|()| value)
    };
    let mut exact: Value = parse()?;
    let mut numbers = numbers(text);
    // With a key that is there twice, fewer numbers are left than were written.
    let whole = replace(&mut exact, &mut numbers, Long::Float) && numbers.next().is_none();
    serde_json::from_value(if whole { exact } else { parse()? })
}

/// A value that was read from this text, with its floats to the bit. Whole numbers beyond 64 bits, for
/// which a value has no form, become texts, so that no digit is lost.
pub(crate) fn corrected(value: Value, text: &str) -> Value {
    if !has_float(&value) {
        return value;
    }
    let (mut exact, mut numbers) = (value.clone(), numbers(text));
    let whole = replace(&mut exact, &mut numbers, Long::Text) && numbers.next().is_none();
    if whole { exact } else { value }
}

/// What becomes of a whole number beyond 64 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Long {
    Float,
    Text,
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_float),
        Value::Object(map) => map.values().any(has_float),
        _ => false,
    }
}

/// The numbers of a sound JSON text, in its order.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let (bytes, mut at) = (text.as_bytes(), 0);
    std::iter::from_fn(move || {
        let mut quoted = false;
        while at < bytes.len() {
            match bytes[at] {
                b'"' => quoted = !quoted,
                b'\\' => at += 1,
                b'-' | b'0'..=b'9' if !quoted => {
                    let part =
                        |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                    let length = bytes[at..].iter().take_while(|byte| part(byte)).count();
                    at += length;
                    return text.get(at - length..at);
                }
                _ => {}
            }
            at += 1;
        }
        None
    })
}

/// Puts the floats among the numbers in their places; false where they do not fit.
fn replace<'a>(value: &mut Value, numbers: &mut impl Iterator<Item = &'a str>, long: Long) -> bool {
    match value {
        Value::Number(number) => {
            let Some(text) = numbers.next() else { return false };
            if !number.is_f64() {
                return true;
            }
            if long == Long::Text && !text.contains(['.', 'e', 'E']) {
                *value = Value::String(text.to_owned());
                return true;
            }
            let exact = text.parse().ok().and_then(Number::from_f64);
            exact.map(|exact| *number = exact).is_some()
        }
        Value::Array(values) => values.iter_mut().all(|value| replace(value, numbers, long)),
        // In the text's order, which the feature `preserve_order` keeps.
        Value::Object(map) => map.values_mut().all(|value| replace(value, numbers, long)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rng::{Purpose, Random};

    #[test]
    fn floats_come_back_to_the_bit() {
        let mut random = Random::new(0, Purpose::Synthetic, 0, 0);
        let mut off = 0;
        for _ in 0..10_000 {
            let power = random.below(40) as i32 - 30;
            let number = random.uniform_f64() * 10f64.powi(power);
            let value = json!({"a 1 \\\" 2": ["-3", 4, number], "b": {"c": -number}, "d": 1});
            let text = value.to_string();
            assert_eq!(from_str::<Value>(&text).unwrap(), value, "{text}");
            off += usize::from(serde_json::from_str::<Value>(&text).unwrap() != value);
        }
        // Else this module can go.
        assert!(off > 0);
    }

    #[test]
    fn long_whole_numbers_lose_no_digit() {
        let text =
            r#"{"a": [123456789012345678901, 1e21, -18446744073709551616], "b": 7, "c": "x 0.1"}"#;
        let value = corrected(serde_json::from_str(text).unwrap(), text);
        let expected = json!({"a": ["123456789012345678901", 1e21, "-18446744073709551616"], "b": 7, "c": "x 0.1"});
        assert_eq!(value, expected);
    }

    #[test]
    fn keys_that_are_there_twice_change_nothing() {
        for text in [r#"{"a": 0.1, "a": 0.2, "b": 0.3}"#, r#"{"a": [0.1, 2], "b": 3, "a": 0.5}"#] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(from_str::<Value>(text).unwrap(), expected);
        }
        assert!(from_str::<Value>("{").is_err());
    }
}
