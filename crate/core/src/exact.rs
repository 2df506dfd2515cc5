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
    let whole = replace(&mut exact, &mut numbers) && numbers.next().is_none();
    serde_json::from_value(if whole { exact } else { parse()? })
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
fn replace<'a>(value: &mut Value, numbers: &mut impl Iterator<Item = &'a str>) -> bool {
    match value {
        Value::Number(number) => {
            let Some(text) = numbers.next() else { return false };
            if number.is_f64() {
                let exact = text.parse().ok().and_then(Number::from_f64);
                return exact.map(|exact| *number = exact).is_some();
            }
            true
        }
        Value::Array(values) => values.iter_mut().all(|value| replace(value, numbers)),
        // In the text's order, which the feature `preserve_order` keeps.
        Value::Object(map) => map.values_mut().all(|value| replace(value, numbers)),
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
    fn keys_that_are_there_twice_change_nothing() {
        for text in [r#"{"a": 0.1, "a": 0.2, "b": 0.3}"#, r#"{"a": [0.1, 2], "b": 3, "a": 0.5}"#] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(from_str::<Value>(text).unwrap(), expected);
        }
        assert!(from_str::<Value>("{").is_err());
    }
}
