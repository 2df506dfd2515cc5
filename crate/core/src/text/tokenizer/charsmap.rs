//! SentencePiece's table of character replacements, checked before it is used.
//!
//! The table is a double array (Aoe, "An efficient digital search algorithm by using a double-array
//! structure", 1989; in the layout of Darts-clone) of 32-bit units, preceded by its length in bytes,
//! and followed by the replacements, each ended by a zero byte. The library that walks it trusts its
//! offsets.

/// The longest replacement of a character, in bytes. SentencePiece's own longest has 33.
const MAX_REPLACEMENT: usize = 128;

/// The bytes that a base64 text stands for.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [None; 256];
    for (value, letter) in ALPHABET.iter().enumerate() {
        values[usize::from(*letter)] = Some(value as u32);
    }
    let letters = text.trim_end_matches('=').as_bytes();
    if !text.len().is_multiple_of(4) || text.len() - letters.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in letters.chunks(4) {
        let mut bits = 0;
        for letter in group {
            bits = bits << 6 | values[usize::from(*letter)]?;
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

/// Whether the library may walk the table with any text.
pub(super) fn is_sound(table: &[u8]) -> bool {
    let Some((length, rest)) = table.split_first_chunk() else {
        return false;
    };
    let length = u32::from_le_bytes(*length) as usize;
    // A step goes from one unit to any other of the same 256.
    if length == 0 || !length.is_multiple_of(4 * 256) || length > rest.len() {
        return false;
    }
    let (units, replacements) = rest.split_at(length);
    let units: Vec<u32> =
        (units.as_chunks().0.iter()).map(|unit| u32::from_le_bytes(*unit)).collect();
    let Ok(replacements) = std::str::from_utf8(replacements) else {
        return false;
    };
    if replacements.split('\0').any(|replacement| replacement.len() > MAX_REPLACEMENT) {
        return false;
    }
    units.iter().enumerate().all(|(position, unit)| {
        let is_value = unit >> 31 == 1;
        let offset = (unit >> 10) << ((unit & 1 << 9) >> 6);
        let has_leaf = unit >> 8 & 1 == 1;
        let next = position ^ offset as usize;
        is_value && position != 0
            || units.get(next).is_some_and(|leaf| {
                !has_leaf || replacements.is_char_boundary((leaf & !(1 << 31)) as usize)
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_usual_one() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg==", b"foob"),
            ("+/8A", b"\xfb\xff\0"),
        ] {
            assert_eq!(from_base64(text).as_deref(), Some(bytes), "{text}");
        }
        for text in ["Z", "Zg", "Zg=", "Zm9v=", "Z===", "====", "Zm9*", "Zm\n9", "é==="] {
            assert_eq!(from_base64(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_stay_within_the_table() {
        let table = |units: &[(usize, u32)], replacements: &[u8]| {
            let mut all = vec![0_u32; 256];
            units.iter().for_each(|(position, unit)| all[*position] = *unit);
            let units: Vec<u8> = all.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            [&1024_u32.to_le_bytes(), &units[..], replacements].concat()
        };
        let leaf = |offset: u32| offset << 10 | 1 << 8 | u32::from(b'a');
        let (a, value) = (usize::from(b'a'), 1 << 31);
        assert!(is_sound(&table(&[], b"")));
        assert!(is_sound(&table(
            &[(a, leaf(3)), (a ^ 3, value | 2)],
            "xé\0".as_bytes()[1..].into()
        )));
        assert!(!is_sound(&table(&[(a, leaf(3)), (a ^ 3, value | 1)], "é\0".as_bytes())));
        assert!(!is_sound(&table(&[(a, leaf(3)), (a ^ 3, value | 9)], "é\0".as_bytes())));
        assert!(!is_sound(&table(&[(a, leaf(256))], b"")));
        assert!(!is_sound(&table(&[(0, value)], b"")));
        assert!(!is_sound(&table(&[], b"\xff")));
        assert!(!is_sound(&table(&[], &[b'x'; 129])));
        let good = table(&[], b"");
        for length in [0, 3, 4, 100, good.len() - 1] {
            assert!(!is_sound(&good[..length]), "{length} bytes");
        }
    }
}
