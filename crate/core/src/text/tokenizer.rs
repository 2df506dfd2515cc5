//! The tokenizer of T5: text to token ids and back, from a tokenizer.json.

mod charsmap;
mod file;
mod pieces;
mod stream;

pub use stream::TextStream;

use std::borrow::Cow;

use crate::error::{Error, Result};

/// T5's tokenizer: a unigram model over pieces of words, closed by `</s>`.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    path: String,
    inner: file::Tokenizer,
    eos: u32,
    unknown: u32,
    /// The texts of tokens that [`Tokenizer::decode`] leaves out.
    special: Vec<String>,
    vocabulary_size: usize,
}

impl Tokenizer {
    /// Reads a tokenizer.json.
    ///
    /// The file's truncation and padding are ignored: published files carry them by accident.
    ///
    /// # Errors
    /// [`Error::Format`], with `path` for its name, where the file is damaged or is not a T5's: only
    /// what T5's tokenizers are made of is accepted, since the rest can hang or panic.
    pub fn from_bytes(path: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let path = path.into();
        let file::Parts { inner, eos, special } =
            file::read(bytes).map_err(|message| Error::format(&path, message))?;
        let (vocabulary_size, unknown) = (inner.get_vocab_size(true), inner.get_model().unknown());
        Ok(Self { path, inner, eos, unknown, special, vocabulary_size })
    }

    /// The token ids of a text, the closing `</s>` last.
    ///
    /// # Errors
    /// [`Error::Format`] where the tokenizer's rules fail on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|error| self.failure(error))?;
        let mut ids = encoding.get_ids().to_vec();
        ids.push(self.eos);
        Ok(ids)
    }

    /// At most `limit` token ids of a text (at least the closing `</s>`, which stays), and whether
    /// any were cut off.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_within(&self, text: &str, limit: usize) -> Result<(Vec<u32>, bool)> {
        let mut ids = self.encode(text)?;
        let cut = ids.len() > limit;
        if cut {
            ids.truncate(limit.saturating_sub(1));
            ids.push(self.eos);
        }
        Ok((ids, cut))
    }

    /// The text of token ids, without special tokens. Ids beyond the vocabulary have no text.
    ///
    /// # Errors
    /// [`Error::Format`] where the tokenizer's rules fail on the ids.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(|error| self.failure(error))
    }

    /// The text of token ids, with special tokens such as `</s>`.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn decode_with_special(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, false).map_err(|error| self.failure(error))
    }

    /// Decodes token ids as they arrive, without special tokens.
    pub fn stream(&self) -> TextStream<'_> {
        TextStream::new(self)
    }

    /// The number of tokens, added ones counted. A model's vocabulary may be larger (FLAN-T5's is
    /// 32128, for 32100 tokens).
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// The id of `</s>`, which closes every text.
    pub fn eos(&self) -> u32 {
        self.eos
    }

    /// The id of what stands for characters that no token has.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Whether a line break is read as a blank, and neither a token nor unknown.
    pub(crate) fn drops_line_breaks(&self) -> bool {
        let ids = self.encode("a\na").unwrap_or_default();
        let text = self.decode(&ids).unwrap_or_default();
        !text.contains('\n') && !ids.contains(&self.unknown)
    }

    /// The special tokens, such as `<extra_id_0>`, that a text holds.
    pub(crate) fn specials<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let special = self.special.iter().map(String::as_str);
        special.filter(move |token| text.contains(*token))
    }

    /// A text without special tokens, as [`Tokenizer::decode`] leaves them out.
    pub(crate) fn without_special<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(first) = self.specials(text).next() else { return Cow::Borrowed(text) };
        let mut parts: Vec<&str> = text.split(first).collect();
        for token in &self.special {
            parts = parts.into_iter().flat_map(|part| part.split(token.as_str())).collect();
        }
        let parts = parts.into_iter().map(str::trim).filter(|part| !part.is_empty());
        Cow::Owned(parts.collect::<Vec<_>>().join(" "))
    }

    /// The id of a token, such as `▁the` or `<extra_id_0>`.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token of an id.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    fn failure(&self, error: tokenizers::Error) -> Error {
        Error::format(&self.path, error.to_string())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::rng::{Purpose, Random};

    pub(crate) fn fixture(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    /// FLAN-T5's.
    pub(crate) static FLAN: LazyLock<Tokenizer> =
        LazyLock::new(|| Tokenizer::from_bytes("flan", &fixture("tokenizer.json")).unwrap());

    fn ids(value: &serde_json::Value) -> Vec<u32> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn cases() -> Vec<serde_json::Value> {
        let oracle: serde_json::Value = serde_json::from_slice(&fixture("tokens.json")).unwrap();
        oracle["cases"].as_array().unwrap().clone()
    }

    #[test]
    fn awkward_text_becomes_the_same_ids_as_in_python() {
        assert!(cases().len() > 80);
        for case in cases() {
            let (text, ids) = (case["text"].as_str().unwrap(), ids(&case["ids"]));
            assert_eq!(FLAN.encode(text).unwrap(), ids, "{text:?}");
            assert_eq!(FLAN.decode(&ids).unwrap(), case["decoded"].as_str().unwrap());
            let with_special = FLAN.decode_with_special(&ids).unwrap();
            assert_eq!(with_special, case["decoded_with_special"].as_str().unwrap());
        }
        assert_eq!((FLAN.vocabulary_size(), FLAN.eos()), (32_100, 1));
        assert_eq!(FLAN.token_to_id("<extra_id_0>"), Some(32_099));
        assert_eq!(FLAN.id_to_token(0).as_deref(), Some("<pad>"));
        assert_eq!(FLAN.decode(&[32_127, u32::MAX]).unwrap(), "");
    }

    #[test]
    fn a_cut_keeps_the_closing_token() {
        let text = "The cat sat on the mat.";
        let all = FLAN.encode(text).unwrap();
        assert_eq!(FLAN.encode_within(text, all.len()).unwrap(), (all.clone(), false));
        let (cut, was_cut) = FLAN.encode_within(text, all.len() - 1).unwrap();
        assert_eq!((&cut[..], was_cut), (&[&all[..all.len() - 2], &[1]].concat()[..], true));
        for limit in [0, 1] {
            assert_eq!(FLAN.encode_within(text, limit).unwrap(), (vec![1], true));
        }
        assert_eq!(FLAN.encode_within("", 1).unwrap(), (vec![1], false));
    }

    #[test]
    fn a_stream_gives_what_decoding_at_once_does() {
        let stream = |ids: &[u32]| {
            let mut stream = FLAN.stream();
            let mut text: String = ids.iter().map(|id| stream.push(*id).unwrap()).collect();
            text += &stream.finish().unwrap();
            text
        };
        let mut all = vec![0];
        for case in cases() {
            let ids = ids(&case["ids"]);
            assert_eq!(stream(&ids), case["decoded"].as_str().unwrap());
            all.extend(ids);
        }
        assert!(all.len() > 2_000);
        assert_eq!(stream(&all), FLAN.decode(&all).unwrap());
        let mut random = Random::new(1, Purpose::Synthetic, 0, 0);
        for _ in 0..200 {
            let ids: Vec<u32> = (0..150).map(|_| random.below(32_200) as u32).collect();
            assert_eq!(stream(&ids), FLAN.decode(&ids).unwrap());
            // Words alone, and runs of the lone word start.
            let ids: Vec<u32> =
                ids.iter().map(|id| if id % 3 == 0 { 3 } else { id % 50 }).collect();
            assert_eq!(stream(&ids), FLAN.decode(&ids).unwrap());
        }
        let mut stream = FLAN.stream();
        let parts = [37, 1712, 3, 7, 144].map(|id| stream.push(id).unwrap());
        assert_eq!(parts, ["The", " cat", " ", "s", "at"]);
    }

    #[test]
    fn no_text_makes_it_panic() {
        let characters: Vec<char> = ('\0'..='\u{17f}')
            .chain(
                "\u{200b}\u{200d}\u{300}\u{301}\u{feff}\u{fdfa}ﬁ½İﷺ🇩🇪👩🏽\u{fffd}\u{10ffff}▁〱ー"
                    .chars(),
            )
            .chain("</s><pad><extra_id_0>    \n".chars())
            .collect();
        let mut random = Random::new(2, Purpose::Synthetic, 0, 0);
        for _ in 0..3_000 {
            let length = random.below(12);
            let draw = |_| characters[random.below(characters.len() as u64) as usize];
            let text: String = (0..length).map(draw).collect();
            let ids = FLAN.encode(&text).unwrap();
            assert_eq!(ids.last(), Some(&1));
            FLAN.decode(&ids).unwrap();
        }
    }
}
