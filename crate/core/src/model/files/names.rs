//! The names that tensors have in files: transformers' own, or what another program makes of them.

use std::collections::BTreeMap;

/// What programs put before every name: torch.compile, and PyTorch's parallel wrappers.
const PREFIXES: [&str; 2] = ["_orig_mod.", "module."];

/// The embedding, which encoder, decoder and a tied head share.
pub(super) const SHARED: &str = "shared.weight";
/// A head of its own; a model without it uses the embedding.
pub(super) const HEAD: &str = "lm_head.weight";
/// Other names of the embedding. Programs that keep one of several shared tensors keep the first.
pub(super) const ALIASES: [&str; 2] =
    ["decoder.embed_tokens.weight", "encoder.embed_tokens.weight"];

/// Names as a model has them, and those that the file has for them: without what stands before all.
pub(super) fn without_prefix<'a>(
    names: impl Iterator<Item = &'a String> + Clone,
) -> BTreeMap<String, &'a String> {
    let mut plain: BTreeMap<String, &String> = names.map(|name| (name.clone(), name)).collect();
    loop {
        let prefix = PREFIXES.iter().find(|prefix| {
            !plain.is_empty() && plain.keys().all(|name| name.starts_with(**prefix))
        });
        let Some(prefix) = prefix else { return plain };
        plain =
            plain.into_iter().map(|(name, held)| (name[prefix.len()..].to_owned(), held)).collect();
    }
}

/// What a model is that lacks tensors of a text-to-text model, as its tensors tell.
pub(super) fn other_kind<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let has = |start: &str| names.clone().any(|name| name.starts_with(start));
    if has("classification_head.") || has("classifier.") {
        return Some("a classifier, which writes no texts");
    }
    if has("encoder.") && !has("decoder.") {
        return Some("an encoder alone, which writes no texts");
    }
    if has("lm_head.qweight") || names.clone().any(|name| name.ends_with(".qweight")) {
        return Some("quantised by another program, whose form is not read");
    }
    None
}

/// The name of the file's that is most like one that is missing: it ends with the same parts.
pub(super) fn most_like<'a>(
    missing: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let same = |name: &str| {
        let parts = name.rsplit('.').zip(missing.rsplit('.'));
        parts.take_while(|(a, b)| a == b).count()
    };
    names.max_by_key(|name| (same(name), std::cmp::Reverse(name.len().abs_diff(missing.len()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_all_names_is_left_away() {
        let plain = |names: &[&str]| -> Vec<String> {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            without_prefix(names.iter()).into_keys().collect()
        };
        assert_eq!(plain(&["_orig_mod.a", "_orig_mod.b.c"]), ["a", "b.c"]);
        assert_eq!(plain(&["module._orig_mod.a", "module._orig_mod.b"]), ["a", "b"]);
        assert_eq!(plain(&["_orig_mod.a", "b"]), ["_orig_mod.a", "b"]);
        assert_eq!(plain(&[]), [""; 0]);
    }

    #[test]
    fn other_models_are_known() {
        let kind = |names: &[&'static str]| other_kind(names.iter().copied());
        assert!(kind(&["shared.weight", "encoder.a"]).unwrap().contains("encoder"));
        assert!(
            kind(&["transformer.encoder.a", "classification_head.b"])
                .unwrap()
                .contains("classifier")
        );
        assert_eq!(kind(&["shared.weight", "encoder.a", "decoder.a"]), None);
        let names = ["model.encoder.q.weight", "decoder.k.weight"];
        assert_eq!(most_like("encoder.q.weight", names.into_iter()), Some(names[0]));
    }
}
