//! The file tokenizer.json, as T5's tokenizers have it.
//!
//! The tokenizers crate reads files of its own making, and panics, hangs or overflows its stack on
//! others. So the file is read into the types below, checked, and the tokenizer built from them.

use serde::Deserialize;
use tokenizers::{
    AddedToken, PostProcessorWrapper, TokenizerImpl,
    decoders::{self, DecoderWrapper, byte_fallback::ByteFallback, fuse::Fuse},
    normalizers::{self, NormalizerWrapper, replace::ReplacePattern},
    pre_tokenizers::{
        self, PreTokenizerWrapper,
        metaspace::{Metaspace, PrependScheme},
        whitespace::WhitespaceSplit,
    },
};

use super::{
    charsmap,
    pieces::{Pieces, Vocabulary},
};
use crate::{encoding, error::short};

/// The library's tokenizer, around our own model.
pub(super) type Tokenizer = TokenizerImpl<
    Pieces,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// The longest piece or added token, in bytes: so far a text is searched from each of its characters.
const MAX_PIECE: usize = 512;
/// The most tokens that are added to the model's.
const MAX_ADDED: usize = 10_000;
/// The most rules in a sequence.
const MAX_RULES: usize = 8;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Option<Normalizer>,
    pre_tokenizer: PreTokenizer,
    post_processor: PostProcessor,
    decoder: Decoder,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Normalizer {
    Sequence {
        normalizers: Vec<Normalizer>,
    },
    Precompiled {
        precompiled_charsmap: String,
    },
    Replace {
        pattern: Pattern,
        content: String,
    },
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
    Lowercase,
    #[serde(rename = "NFC")]
    Nfc,
    #[serde(rename = "NFKC")]
    Nfkc,
}

#[derive(Deserialize)]
enum Pattern {
    String(String),
    Regex(String),
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PreTokenizer {
    Sequence { pretokenizers: Vec<PreTokenizer> },
    Metaspace(Space),
    WhitespaceSplit,
}

#[derive(Deserialize)]
struct Space {
    replacement: char,
    add_prefix_space: Option<bool>,
    prepend_scheme: Option<PrependScheme>,
    split: Option<bool>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessor {
    TemplateProcessing {
        single: Vec<Piece>,
        special_tokens: serde_json::Map<String, serde_json::Value>,
    },
}

#[derive(Deserialize)]
enum Piece {
    Sequence { id: String },
    SpecialToken { id: String },
}

#[derive(Deserialize)]
struct Special {
    ids: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Decoder {
    Sequence { decoders: Vec<Decoder> },
    Metaspace(Space),
    ByteFallback,
    Fuse,
}

#[derive(Deserialize)]
struct Model {
    /// Files of early versions do not say it.
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: Vocabulary,
    unk_id: Option<usize>,
    #[serde(default)]
    byte_fallback: bool,
}

/// What a file is made into.
pub(super) struct Parts {
    /// The tokenizer, without its post-processor.
    pub(super) inner: Tokenizer,
    /// The id of the token that closes a text.
    pub(super) eos: u32,
    /// The texts of special tokens.
    pub(super) special: Vec<String>,
}

/// The tokenizer that a file describes.
pub(super) fn read(bytes: &[u8]) -> Result<Parts, String> {
    if let Some(problem) = encoding::problem(bytes) {
        return Err(problem);
    }
    let bytes = bytes.strip_prefix(encoding::MARK).unwrap_or(bytes);
    let file: File = serde_json::from_slice(bytes)
        .map_err(|error| format!("not a tokenizer.json of a T5: {error}"))?;
    let eos = closing_token(&file.post_processor)?;
    let mut tokenizer = Tokenizer::new(model(file.model)?);
    let normalizer = file.normalizer.map(normalizer).transpose()?;
    tokenizer.with_normalizer(normalizer).map_err(|error| error.to_string())?;
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer(file.pre_tokenizer)?));
    tokenizer.with_decoder(Some(decoder(file.decoder)?));
    let special = file.added_tokens.iter().filter(|added| added.token.special);
    let special = special.map(|added| added.token.content.clone()).collect();
    add_tokens(&mut tokenizer, file.added_tokens)?;
    if tokenizer.id_to_token(eos).is_none() {
        return Err(format!("post_processor: id {eos} is not in the vocabulary"));
    }
    Ok(Parts { inner: tokenizer, eos, special })
}

fn model(model: Model) -> Result<Pieces, String> {
    let Model { kind, vocab, unk_id, byte_fallback } = model;
    if let Some(kind) = kind.filter(|kind| kind != "Unigram") {
        return Err(format!("model: found `{}`, expected `Unigram`", short(&kind)));
    }
    if let Some(piece) = vocab.pieces().find(|piece| piece.len() > MAX_PIECE) {
        return Err(format!("model: a piece of {} bytes is too long", piece.len()));
    }
    let unk_id = unk_id.ok_or("model: `unk_id` is missing")?;
    Pieces::new(vocab, unk_id, byte_fallback).map_err(|error| format!("model: {error}"))
}

/// T5's template is the text and one special token.
fn closing_token(processor: &PostProcessor) -> Result<u32, String> {
    let PostProcessor::TemplateProcessing { single, special_tokens } = processor;
    let id = match single.as_slice() {
        [Piece::Sequence { id: text }, Piece::SpecialToken { id }] if text == "A" => id,
        _ => return Err("post_processor: expected a text and `</s>`".to_owned()),
    };
    let special = special_tokens.get(id).and_then(|token| Special::deserialize(token).ok());
    match special.as_ref().map(|special| special.ids.as_slice()) {
        Some(&[eos]) => Ok(eos),
        _ => Err(format!("post_processor: `{id}` is not one token of special_tokens")),
    }
}

fn normalizer(normalizer: Normalizer) -> Result<NormalizerWrapper, String> {
    match normalizer {
        Normalizer::Sequence { normalizers } => {
            let is_table = |rule: &&Normalizer| matches!(rule, Normalizer::Precompiled { .. });
            // Each one may make text a hundred times as long.
            if normalizers.iter().filter(is_table).count() > 1 {
                return Err("normalizer: expected one precompiled_charsmap".to_owned());
            }
            Ok(normalizers::Sequence::new(rules(normalizers, normalizing_rule)?).into())
        }
        rule => normalizing_rule(rule),
    }
}

fn normalizing_rule(rule: Normalizer) -> Result<NormalizerWrapper, String> {
    Ok(match rule {
        Normalizer::Sequence { .. } => return Err(nested()),
        Normalizer::Precompiled { precompiled_charsmap } => {
            let table = charsmap::from_base64(&precompiled_charsmap)
                .filter(|table| charsmap::is_sound(table))
                .ok_or("normalizer: precompiled_charsmap is damaged")?;
            let table = normalizers::Precompiled::from(&table);
            table.map_err(|error| format!("normalizer: {error}"))?.into()
        }
        Normalizer::Replace { pattern, content } => replacement(pattern, content)?.into(),
        Normalizer::Strip { strip_left, strip_right } => {
            normalizers::Strip::new(strip_left, strip_right).into()
        }
        Normalizer::Lowercase => normalizers::Lowercase.into(),
        Normalizer::Nfc => normalizers::NFC.into(),
        Normalizer::Nfkc => normalizers::NFKC.into(),
    })
}

/// Text for text, or for a run of one character: other patterns may take very long, or match nothing
/// at all places. It may not grow: rules after each other would make it as long as they like.
fn replacement(pattern: Pattern, content: String) -> Result<normalizers::Replace, String> {
    let shortest = match &pattern {
        Pattern::String(text) if text.len() <= MAX_PIECE => text.chars().count(),
        Pattern::Regex(regex) => match regex.as_str() {
            " +" | r"\s+" => 1,
            " {2,}" | r"\s{2,}" => 2,
            _ => 0,
        },
        Pattern::String(_) => 0,
    };
    if shortest == 0 || content.chars().count() > shortest {
        let (Pattern::String(text) | Pattern::Regex(text)) = pattern;
        let start = |text: &str| text.chars().take(40).collect::<String>();
        let (text, content) = (start(&text), start(&content));
        return Err(format!("normalizer: cannot replace {text:?} by {content:?}"));
    }
    let pattern = match pattern {
        Pattern::String(text) => ReplacePattern::String(text),
        Pattern::Regex(regex) => ReplacePattern::Regex(regex),
    };
    normalizers::Replace::new(pattern, content).map_err(|error| format!("normalizer: {error}"))
}

fn pre_tokenizer(pre_tokenizer: PreTokenizer) -> Result<PreTokenizerWrapper, String> {
    match pre_tokenizer {
        PreTokenizer::Sequence { pretokenizers } => {
            let all = rules(pretokenizers, splitting_rule)?;
            Ok(pre_tokenizers::sequence::Sequence::new(all).into())
        }
        rule => splitting_rule(rule),
    }
}

fn splitting_rule(rule: PreTokenizer) -> Result<PreTokenizerWrapper, String> {
    match rule {
        PreTokenizer::Sequence { .. } => Err(nested()),
        PreTokenizer::Metaspace(space) => Ok(metaspace(&space).into()),
        PreTokenizer::WhitespaceSplit => Ok(WhitespaceSplit.into()),
    }
}

fn decoder(decoder: Decoder) -> Result<DecoderWrapper, String> {
    match decoder {
        Decoder::Sequence { decoders } => {
            Ok(decoders::sequence::Sequence::new(rules(decoders, decoding_rule)?).into())
        }
        rule => decoding_rule(rule),
    }
}

fn decoding_rule(rule: Decoder) -> Result<DecoderWrapper, String> {
    match rule {
        Decoder::Sequence { .. } => Err(nested()),
        Decoder::Metaspace(space) => Ok(metaspace(&space).into()),
        Decoder::ByteFallback => Ok(ByteFallback::new().into()),
        Decoder::Fuse => Ok(Fuse::new().into()),
    }
}

fn nested() -> String {
    "a sequence of rules holds another".to_owned()
}

fn metaspace(space: &Space) -> Metaspace {
    let scheme = match (space.prepend_scheme, space.add_prefix_space) {
        (_, Some(false)) => PrependScheme::Never,
        (scheme, _) => scheme.unwrap_or(PrependScheme::Always),
    };
    Metaspace::new(space.replacement, scheme, space.split.unwrap_or(true))
}

fn rules<T, W>(rules: Vec<T>, build: fn(T) -> Result<W, String>) -> Result<Vec<W>, String> {
    if rules.len() > MAX_RULES {
        return Err(format!("a sequence of {} rules is too long", rules.len()));
    }
    rules.into_iter().map(build).collect()
}

/// Adds the tokens. The library numbers new ones upwards from the model's last, whatever the file
/// says.
fn add_tokens(tokenizer: &mut Tokenizer, mut added: Vec<Added>) -> Result<(), String> {
    if added.len() > MAX_ADDED {
        return Err(format!("{} added_tokens are too many", added.len()));
    }
    added.sort_by_key(|added| added.id);
    let expected: Vec<(u32, String)> =
        added.iter().map(|added| (added.id, added.token.content.clone())).collect();
    for Added { id, token } in &added {
        let content = &token.content;
        if content.is_empty() || content.len() > MAX_PIECE {
            return Err(format!("added_tokens: the text of id {id} is empty or too long"));
        }
        if content.trim() != content && (token.lstrip || token.rstrip) {
            return Err(format!(
                "added_tokens: {content:?} begins or ends with white space, and takes what is around \
                 it as well (`lstrip` or `rstrip`)"
            ));
        }
    }
    let tokens = added.into_iter().map(|added| added.token);
    tokenizer.add_tokens(tokens).map_err(|error| format!("added_tokens: {error}"))?;
    for (id, content) in expected {
        match tokenizer.token_to_id(&content) {
            Some(found) if found == id => (),
            found => {
                let found = found.map_or("none".to_owned(), |found| found.to_string());
                return Err(format!("added_tokens: `{content}` says id {id}, and has {found}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        error::Error,
        text::tokenizer::{
            Tokenizer,
            tests::{FLAN, fixture},
        },
    };

    fn small() -> Value {
        json!({
            "version": "1.0",
            "truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
            "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": 0, "pad_type_id": 0, "pad_token": "<pad>"},
            "added_tokens": [{"id": 5, "content": "<x>", "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true}],
            "normalizer": null,
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
            "post_processor": {"type": "TemplateProcessing",
                "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
                "pair": [], "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
            "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
            "model": {"type": "Unigram", "unk_id": 2,
                "vocab": [["<pad>", 0], ["</s>", 0], ["<unk>", 0], ["▁", -1.5], ["▁a", -1]]},
        })
    }

    fn read(bytes: &[u8]) -> crate::error::Result<Tokenizer> {
        Tokenizer::from_bytes("tokenizer.json", bytes)
    }

    #[test]
    fn truncation_and_padding_are_ignored() {
        let tokenizer = read(small().to_string().as_bytes()).unwrap();
        assert_eq!(tokenizer.encode("a a a a").unwrap(), [4, 4, 4, 4, 1]);
        assert_eq!(tokenizer.encode("").unwrap(), [1]);
        assert_eq!(tokenizer.vocabulary_size(), 6);
    }

    #[test]
    fn what_is_not_a_t5_s_is_refused() {
        let charsmap = |text: &str| json!({"type": "Precompiled", "precompiled_charsmap": text});
        let replace = |pattern: Value, content: &str| json!({"type": "Replace", "pattern": pattern, "content": content});
        let nested = (0..2).fold(
            json!({"type": "Fuse"}),
            |inner, _| json!({"type": "Sequence", "decoders": [inner]}),
        );
        let added = |id: u64, content: &str| {
            json!([{"id": id, "content": content, "single_word": false, "lstrip": true,
                "rstrip": true, "normalized": true, "special": false}])
        };
        let vocab = |vocab: Value| json!({"type": "Unigram", "unk_id": 0, "vocab": vocab});
        for (place, value, expected) in [
            (
                "/model",
                json!({"type": "BPE", "vocab": {"a": 1}, "merges": []}),
                "found `BPE`, expected",
            ),
            ("/model", json!({"type": "Unigram", "vocab": []}), "unk_id"),
            ("/model", vocab(json!([])), "vocabulary is empty"),
            ("/model", vocab(json!([["a", "b"]])), "invalid type"),
            ("/model", vocab(json!([["a"]])), "invalid length"),
            ("/model", vocab(json!([["x".repeat(1 << 20), 0]])), "1048576 bytes is too long"),
            ("/model/unk_id", json!(5), "unk_id"),
            ("/model/unk_id", json!(-1), "invalid value"),
            ("/model", json!([]), "invalid length 0"),
            ("/added_tokens", added(4_000_000_000, "<y>"), "says id 4000000000, and has 5"),
            ("/added_tokens", added(1 << 40, "<y>"), "invalid value"),
            ("/added_tokens", added(5, ""), "is empty or too long"),
            ("/added_tokens", json!({}), "invalid type"),
            ("/normalizer", charsmap("*"), "charsmap is damaged"),
            ("/normalizer", charsmap(""), "charsmap is damaged"),
            ("/normalizer", charsmap("/////w=="), "charsmap is damaged"),
            ("/normalizer", replace(json!({"Regex": "(a+)+$"}), ""), "cannot replace \"(a+)+$\""),
            ("/normalizer", replace(json!({"Regex": ""}), "x"), "cannot replace"),
            ("/normalizer", replace(json!({"Regex": "("}), "x"), "cannot replace"),
            ("/normalizer", replace(json!({"String": ""}), "x"), "cannot replace"),
            (
                "/normalizer",
                replace(json!({"String": "a"}), "xx"),
                "cannot replace \"a\" by \"xx\"",
            ),
            (
                "/normalizer",
                json!({"type": "Sequence", "normalizers": [charsmap(""), charsmap("")]}),
                "expected one",
            ),
            (
                "/normalizer",
                json!({"type": "Sequence", "normalizers": vec![json!({"type": "NFC"}); 9]}),
                "9 rules is too long",
            ),
            ("/normalizer", json!({"type": "Nmt"}), "unknown variant"),
            ("/pre_tokenizer", Value::Null, "expected internally tagged enum PreTokenizer"),
            ("/pre_tokenizer", json!({"type": "Metaspace", "replacement": "ab"}), "invalid value"),
            ("/pre_tokenizer", json!({"type": "ByteLevel"}), "unknown variant"),
            ("/decoder", nested, "a sequence of rules holds another"),
            ("/decoder", json!({"type": "CTC"}), "unknown variant"),
            ("/post_processor", Value::Null, "not a tokenizer.json of a T5"),
            ("/post_processor/single", json!([]), "expected a text and `</s>`"),
            ("/post_processor/single/0", json!({"Sequence": {"id": "B"}}), "expected a text"),
            ("/post_processor/special_tokens", json!({}), "`</s>` is not one token"),
            ("/post_processor/special_tokens/<~1s>/ids", json!([]), "`</s>` is not one token"),
            ("/post_processor/special_tokens/<~1s>/ids", json!([9]), "id 9 is not in"),
        ] {
            let mut file = small();
            *file.pointer_mut(place).unwrap() = value;
            let error = read(file.to_string().as_bytes()).expect_err(place);
            assert!(matches!(error, Error::Format { .. }));
            let message = error.to_string();
            assert!(message.starts_with("tokenizer.json: "), "{message}");
            assert!(message.contains(expected) && message.len() < 400, "{place}: {message}");
        }
    }

    #[test]
    fn what_is_cut_short_or_deep_is_refused() {
        let whole = fixture("tokenizer.json");
        for length in (0..whole.len()).step_by(whole.len() / 50).chain([1, whole.len() - 2]) {
            assert!(read(&whole[..length]).is_err(), "{length} bytes");
        }
        let deep = |open: &str| open.repeat(100_000);
        for bytes in [
            "null".to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            deep("["),
            deep("{\"a\":"),
            deep("{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["),
        ] {
            assert!(read(bytes.as_bytes()).is_err());
        }
        assert!(read(b"\xff\xfe\0\0").is_err());
    }

    /// A damaged file is refused or gives other tokens; it never panics.
    #[test]
    fn no_damage_to_the_character_table_makes_it_panic() {
        let file: Value = serde_json::from_slice(&fixture("tokenizer.json")).unwrap();
        let table = "/normalizer/normalizers/0/precompiled_charsmap";
        let whole = file.pointer(table).unwrap().as_str().unwrap();
        let text = "“naïve” ﬁ ½ \u{200b}\u{fdfa} Ａ １ 北京 e\u{301} \u{1} ™ ℃ ﷺ";
        assert!(FLAN.encode(text).is_ok());
        let mut random = crate::rng::Random::new(3, crate::rng::Purpose::Synthetic, 0, 0);
        let (mut refused, mut taken) = (0, 0);
        for _ in 0..100 {
            let mut letters = whole.as_bytes().to_vec();
            let place = random.below(letters.len() as u64 - 2) as usize;
            letters[place] = b"ABPg"[random.below(4) as usize];
            let mut damaged = small();
            let letters = String::from_utf8(letters).unwrap();
            damaged["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": letters});
            match read(damaged.to_string().as_bytes()) {
                Ok(tokenizer) => {
                    tokenizer.encode(text).unwrap();
                    taken += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0 && taken > 0, "{refused} refused, {taken} taken");
    }
}
