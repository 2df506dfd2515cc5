//! The unigram model (Kudo, "Subword regularization", 2018): the pieces of a vocabulary with their
//! scores, of which a text is put together so that the sum of scores is the greatest.
//!
//! The library's own model gives the same tokens. It keeps a tree with a hash table for each letter of
//! each piece, 300 bytes each, so that a file of 5 MB can take 1.5 GB. Here the tree ends where a piece
//! stands alone, and its nodes are numbers in a list: a piece takes its letters and some fifty bytes.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use tokenizers::{
    Model, Token,
    models::unigram::{UnigramError, UnigramTrainer},
};

/// What is taken off the lowest score for a character that no piece has, as SentencePiece does.
const UNKNOWN_PENALTY: f64 = 10.0;

/// Pieces with their scores, in the order of their ids, as a file lists them.
#[derive(Clone, Debug, Default)]
pub(super) struct Vocabulary {
    /// All pieces, one after the other.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    scores: Vec<f64>,
}

impl Vocabulary {
    fn push(&mut self, piece: &str, score: f64) {
        self.text.push_str(piece);
        self.ends.push(self.text.len());
        self.scores.push(score);
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn piece(&self, id: usize) -> &str {
        let begin = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[id]]
    }

    /// In the order of their ids.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|id| self.piece(id))
    }
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Piece<'a>(#[serde(borrow)] Cow<'a, str>, f64);

        struct Pieces;

        impl<'de> Visitor<'de> for Pieces {
            type Value = Vocabulary;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of pieces and their scores")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pieces: A) -> Result<Vocabulary, A::Error> {
                let mut vocabulary = Vocabulary::default();
                while let Some(Piece(piece, score)) = pieces.next_element()? {
                    vocabulary.push(&piece, score);
                }
                Ok(vocabulary)
            }

            /// That of another kind of model, which is told by its name.
            fn visit_map<A: MapAccess<'de>>(self, mut pieces: A) -> Result<Vocabulary, A::Error> {
                while pieces.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Vocabulary::default())
            }
        }

        deserializer.deserialize_any(Pieces)
    }
}

/// A vocabulary that texts are put together of.
#[derive(Clone)]
pub(super) struct Pieces {
    vocabulary: Vocabulary,
    /// The ids in the order of their pieces; of equal pieces the last.
    sorted: Vec<u32>,
    /// The tree of what pieces begin with, the root first; a node's children stand together.
    nodes: Vec<Node>,
    /// The byte that leads to each node.
    labels: Vec<u8>,
    unknown: u32,
    unknown_score: f64,
    byte_fallback: bool,
}

/// Pieces that begin alike.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Its children, among the nodes; none where a piece stands alone.
    children: (u32, u32),
    /// The first of its pieces, in their order.
    first: u32,
    /// Whether that one is all that they have in common.
    is_piece: bool,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Pieces({})", self.vocabulary.len())
    }
}

impl Pieces {
    /// `unknown` is the id of what stands for characters that no piece has.
    pub(super) fn new(
        vocabulary: Vocabulary,
        unknown: usize,
        byte_fallback: bool,
    ) -> Result<Self, UnigramError> {
        if vocabulary.len() == 0 {
            return Err(UnigramError::EmptyVocabulary);
        }
        if unknown >= vocabulary.len() {
            return Err(UnigramError::UnkIdNotInVocabulary);
        }
        let piece = |id: &u32| vocabulary.piece(*id as usize);
        let mut sorted: Vec<u32> = (0..vocabulary.len() as u32).collect();
        // The last of equal ones comes first, and stays.
        sorted.sort_unstable_by(|a, b| piece(a).cmp(piece(b)).then(b.cmp(a)));
        sorted.dedup_by(|later, kept| piece(later) == piece(kept));
        let (nodes, labels) = tree(&sorted, &|id| vocabulary.piece(id as usize).as_bytes());
        let lowest = vocabulary.scores.iter().copied().fold(f64::INFINITY, f64::min);
        Ok(Self {
            sorted,
            nodes,
            labels,
            unknown: unknown as u32,
            unknown_score: lowest - UNKNOWN_PENALTY,
            byte_fallback,
            vocabulary,
        })
    }

    /// The id of what stands for characters that no piece has.
    pub(super) fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Tells of each piece that the text begins with, shorter ones first: its length and its id.
    fn prefixes(&self, text: &[u8], mut found: impl FnMut(usize, u32)) {
        let mut node = self.nodes[0];
        for (depth, byte) in text.iter().enumerate() {
            let (begin, end) = (node.children.0 as usize, node.children.1 as usize);
            let labels = &self.labels[begin..end];
            let child = match labels.len() {
                0..=8 => labels.iter().position(|label| label == byte),
                _ => labels.binary_search(byte).ok(),
            };
            let Some(child) = child else { return };
            node = self.nodes[begin + child];
            let id = self.sorted[node.first as usize];
            if node.children.0 == node.children.1 {
                let piece = self.vocabulary.piece(id as usize).as_bytes();
                if text[depth + 1..].starts_with(&piece[depth + 1..]) {
                    found(piece.len(), id);
                }
                return;
            }
            if node.is_piece {
                found(depth + 1, id);
            }
        }
    }

    fn id(&self, token: &str) -> Option<u32> {
        let piece = |id: &u32| self.vocabulary.piece(*id as usize);
        let place = self.sorted.binary_search_by(|id| piece(id).cmp(token)).ok()?;
        Some(self.sorted[place])
    }

    /// The parts that a text is put together of, last first: their ends and ids. Characters that no
    /// piece has are one part where they stand together.
    fn parts(&self, text: &str) -> Vec<(usize, u32)> {
        #[derive(Clone, Copy)]
        struct Best {
            score: f64,
            start: u32,
            id: u32,
        }
        // Nothing has an end there yet.
        const NONE: u32 = u32::MAX;
        let mut ends = vec![Best { score: 0.0, start: NONE, id: 0 }; text.len() + 1];
        let take = |ends: &mut Vec<Best>, start: usize, length: usize, score: f64, id: u32| {
            let score = score + ends[start].score;
            let end = &mut ends[start + length];
            if end.start == NONE || score > end.score {
                *end = Best { score, start: start as u32, id };
            }
        };
        for (start, character) in text.char_indices() {
            let mut is_known = false;
            self.prefixes(&text.as_bytes()[start..], |length, id| {
                take(&mut ends, start, length, self.vocabulary.scores[id as usize], id);
                is_known |= length == character.len_utf8();
            });
            if !is_known {
                let length = character.len_utf8();
                take(&mut ends, start, length, self.unknown_score, self.unknown);
            }
        }
        let (mut parts, mut end, mut was_unknown) = (Vec::new(), text.len(), false);
        while end > 0 {
            let Best { start, id, .. } = ends[end];
            let is_unknown = id == self.unknown;
            if !(is_unknown && was_unknown) {
                parts.push((end, id));
            }
            (end, was_unknown) = (start as usize, is_unknown);
        }
        parts
    }

    /// The tokens of the bytes of a text, where there is one for each.
    fn bytes(&self, text: &str, offsets: (usize, usize)) -> Option<Vec<Token>> {
        let token = |byte: u8| {
            let name = format!("<0x{byte:02X}>");
            self.id(&name).map(|id| Token::new(id, name, offsets))
        };
        text.bytes().map(token).collect()
    }
}

/// The tree of pieces that are sorted, and the byte that leads to each of its nodes.
fn tree<'a>(sorted: &[u32], piece: &impl Fn(u32) -> &'a [u8]) -> (Vec<Node>, Vec<u8>) {
    let leaf = |first: usize| Node { children: (0, 0), first: first as u32, is_piece: false };
    let (mut nodes, mut labels) = (vec![leaf(0)], vec![0]);
    // Where the pieces of each node end, and how many bytes they have in common.
    let mut ends = vec![(sorted.len(), 0)];
    let mut next = 0;
    while let Some(&(end, depth)) = ends.get(next) {
        let first = nodes[next].first as usize;
        if end - first > 1 || depth == 0 {
            let is_piece = piece(sorted[first]).len() == depth;
            let children = nodes.len() as u32;
            let mut begin = first + usize::from(is_piece);
            while begin < end {
                let label = piece(sorted[begin])[depth];
                let same = |id: &u32| piece(*id)[depth] == label;
                let count = sorted[begin..end].partition_point(same);
                nodes.push(leaf(begin));
                labels.push(label);
                ends.push((begin + count, depth + 1));
                begin += count;
            }
            nodes[next].children = (children, nodes.len() as u32);
            nodes[next].is_piece = is_piece;
        }
        next += 1;
    }
    (nodes, labels)
}

impl Model for Pieces {
    type Trainer = UnigramTrainer;

    fn tokenize(&self, text: &str) -> tokenizers::Result<Vec<Token>> {
        let parts = self.parts(text);
        let mut tokens = Vec::with_capacity(parts.len());
        let mut start = 0;
        for (end, id) in parts.into_iter().rev() {
            let (part, offsets) = (&text[start..end], (start, end));
            start = end;
            // Together, characters that are not known may be a piece that was too bad a choice.
            let known = if id == self.unknown { self.id(part) } else { Some(id) };
            match (known, self.byte_fallback) {
                (Some(id), _) => tokens.push(Token::new(id, part.to_owned(), offsets)),
                (None, true) if let Some(bytes) = self.bytes(part, offsets) => tokens.extend(bytes),
                (None, _) => tokens.push(Token::new(self.unknown, part.to_owned(), offsets)),
            }
        }
        Ok(tokens)
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.id(token)
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        let id = id as usize;
        (id < self.vocabulary.len()).then(|| self.vocabulary.piece(id).to_owned())
    }

    fn get_vocab(&self) -> HashMap<String, u32> {
        let pairs = self.sorted.iter().map(|id| (self.vocabulary.piece(*id as usize), *id));
        pairs.map(|(piece, id)| (piece.to_owned(), id)).collect()
    }

    fn get_vocab_size(&self) -> usize {
        self.vocabulary.len()
    }

    fn save(&self, _: &Path, _: Option<&str>) -> tokenizers::Result<Vec<PathBuf>> {
        Err("a vocabulary is read, and not written".into())
    }

    fn get_trainer(&self) -> UnigramTrainer {
        UnigramTrainer::default()
    }
}

#[cfg(test)]
mod tests {
    use tokenizers::models::unigram::Unigram;

    use super::*;
    use crate::{
        rng::{Purpose, Random},
        text::tokenizer::tests::fixture,
    };

    fn both(pieces: &[(String, f64)], byte_fallback: bool) -> (Pieces, Unigram) {
        let mut vocabulary = Vocabulary::default();
        pieces.iter().for_each(|(piece, score)| vocabulary.push(piece, *score));
        let ours = Pieces::new(vocabulary, 2, byte_fallback).unwrap();
        (ours, Unigram::from(pieces.to_vec(), Some(2), byte_fallback).unwrap())
    }

    #[track_caller]
    fn same(ours: &Pieces, library: &Unigram, text: &str) {
        let told = |tokens: Vec<Token>| -> Vec<(u32, String, (usize, usize))> {
            tokens.into_iter().map(|token| (token.id, token.value, token.offsets)).collect()
        };
        let (found, expected) = (ours.tokenize(text).unwrap(), library.tokenize(text).unwrap());
        assert_eq!(told(found), told(expected), "{text:?}");
    }

    #[test]
    fn tokens_are_the_library_s() {
        let mut random = Random::new(1, Purpose::Synthetic, 0, 0);
        let letters: Vec<char> = "aab▁é北x".chars().collect();
        let mut draw = |longest: u64| -> String {
            let length = random.below(longest + 1);
            (0..length).map(|_| letters[random.below(letters.len() as u64) as usize]).collect()
        };
        for round in 0..200 {
            let special = ["<pad>", "</s>", "<unk>"].map(|piece| (piece.to_owned(), 0.0));
            let mut pieces = special.to_vec();
            // Few different scores, so that sums are equal; some pieces are there twice, some empty.
            pieces.extend((0..40).map(|n| (draw(4), -f64::from(n % 5))));
            if round % 2 == 0 {
                pieces.extend(
                    "é北z".bytes().map(|byte| (format!("<0x{byte:02X}>"), -f64::from(byte % 7))),
                );
            }
            let (ours, library) = both(&pieces, round % 2 == 0);
            for _ in 0..20 {
                let text = format!("{}{}z<unk>{}", draw(30), draw(3), draw(9));
                same(&ours, &library, &text);
            }
            for (id, (piece, _)) in pieces.iter().enumerate() {
                assert_eq!(ours.token_to_id(piece), library.token_to_id(piece));
                assert_eq!(ours.id_to_token(id as u32).as_ref(), Some(piece));
            }
            assert_eq!(ours.get_vocab(), library.get_vocab());
        }
    }

    #[test]
    fn tokens_of_flan_are_the_library_s() {
        let file: serde_json::Value = serde_json::from_slice(&fixture("tokenizer.json")).unwrap();
        let pieces: Vec<(String, f64)> =
            serde_json::from_value(file["model"]["vocab"].clone()).unwrap();
        let (ours, library) = both(&pieces, false);
        let mut random = Random::new(2, Purpose::Synthetic, 0, 0);
        let mut any = || pieces[random.below(pieces.len() as u64) as usize].0.as_str();
        for _ in 0..3_000 {
            let text: String = (0..6).map(|_| any()).collect();
            same(&ours, &library, &text);
            same(&ours, &library, &text.chars().rev().collect::<String>());
        }
        same(&ours, &library, "");
        assert_eq!(ours.id_to_token(32_100), None);
    }
}
