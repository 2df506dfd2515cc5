//! What becomes of an order without matches (Chen & Cherry, "A systematic comparison of smoothing
//! techniques for sentence-level BLEU", 2014).

use std::{fmt, str::FromStr};

/// What an n-gram precision of 0 counts as, which alone would make the score 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Smoothing {
    /// As it is.
    None,
    /// As if there were this many matches; 0.1 in the paper.
    Floor(f64),
    /// So much is added to matches and n-grams of two words and more; 1 in the paper.
    AddK(f64),
    /// As half a match, then a quarter, and so on.
    #[default]
    Exp,
}

impl fmt::Display for Smoothing {
    /// As in sacrebleu's signature: `exp`, `floor[0.10]`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("none"),
            Self::Floor(value) => write!(formatter, "floor[{value:.2}]"),
            Self::AddK(value) => write!(formatter, "add-k[{value:.2}]"),
            Self::Exp => formatter.write_str("exp"),
        }
    }
}

impl FromStr for Smoothing {
    type Err = String;

    /// Reads `none`, `exp`, `floor`, `add-k`, the latter two also with a value: `floor=0.01`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let value = value.map(str::parse::<f64>).transpose();
        let value = value.ok().filter(|value| value.is_none_or(|v| v.is_finite() && v >= 0.0));
        match (name, value) {
            ("none", Some(None)) => Ok(Self::None),
            ("exp", Some(None)) => Ok(Self::Exp),
            ("floor", Some(value)) => Ok(Self::Floor(value.unwrap_or(0.1))),
            ("add-k", Some(value)) => Ok(Self::AddK(value.unwrap_or(1.0))),
            _ => Err(format!(
                "expected none, exp, floor, floor=0.1, add-k or add-k=1, found `{text}`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        assert_eq!("exp".parse(), Ok(Smoothing::Exp));
        assert_eq!("none".parse(), Ok(Smoothing::None));
        assert_eq!("floor".parse(), Ok(Smoothing::Floor(0.1)));
        assert_eq!("floor=0".parse(), Ok(Smoothing::Floor(0.0)));
        assert_eq!("add-k=2.5".parse(), Ok(Smoothing::AddK(2.5)));
        for bad in ["", "exp=1", "floor=", "floor=-1", "add-k=nan", "add-k=inf", "floor=x", "k"] {
            assert!(bad.parse::<Smoothing>().unwrap_err().contains(&format!("`{bad}`")));
        }
    }
}
