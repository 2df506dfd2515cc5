//! The modules of any T5 by their names in transformers, for what is asked before there is a model.

/// Those of a stack with one block, of every kind.
pub(super) fn of_any_t5() -> Vec<String> {
    let mut names: Vec<String> = ["shared", "lm_head"].map(str::to_owned).to_vec();
    let attention = ["q", "k", "v", "o", "relative_attention_bias"];
    let dense = ["wi", "wi_0", "wi_1", "wo", "dropout", "act"];
    for stack in ["encoder", "decoder"] {
        let block = format!("{stack}.block.0");
        let layer = format!("{block}.layer.0");
        names.push(stack.to_owned());
        for own in ["embed_tokens", "block", "block.0", "block.0.layer", "block.0.layer.0"] {
            names.push(format!("{stack}.{own}"));
        }
        names.extend(["final_layer_norm", "dropout"].map(|own| format!("{stack}.{own}")));
        names.extend(["layer_norm", "dropout"].map(|own| format!("{layer}.{own}")));
        for (part, maps) in [
            ("SelfAttention", &attention[..]),
            ("EncDecAttention", &attention),
            ("DenseReluDense", &dense),
        ] {
            names.push(format!("{layer}.{part}"));
            names.extend(maps.iter().map(|map| format!("{layer}.{part}.{map}")));
        }
    }
    names
}

/// A name with the number of every block and layer as 0.
pub(super) fn in_the_first_block(name: &str) -> String {
    let part = |part: &str| match !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()) {
        true => "0".to_owned(),
        false => part.to_owned(),
    };
    name.split('.').map(part).collect::<Vec<_>>().join(".")
}
