//! The WGSL kernels, one file each, and how a variant of one is written out.

mod expand;
#[cfg(test)]
mod lint;
mod variant;

pub use expand::{Constants, expand};
pub use variant::Variant;

/// A kernel: a file, of which there may be variants.
#[derive(Debug)]
pub struct Shader {
    /// The file's name, without its ending.
    pub name: &'static str,
    /// Its text, before it is written out.
    pub source: &'static str,
    /// For each of its constants, all values that are used.
    pub constants: &'static [(&'static str, &'static [u32])],
    /// Whether the values of its constants go together.
    pub goes: fn(&Constants) -> bool,
}

/// That a right side is of one kind; that what is packed goes four at a time, where it is rows that are read.
fn is_embedding(constants: &Constants) -> bool {
    is_right(constants) && (constants.contains(&("FLOATS", 1)) || constants.contains(&("VEC", 1)))
}

/// How a right side is packed: `right.wgsl`.
fn is_right(constants: &Constants) -> bool {
    let kinds = ["FLOATS", "INT8", "INT4", "F16"].into_iter();
    kinds.filter(|name| constants.contains(&(*name, 1))).count() == 1
}

/// That a product has one layout; that a weight's gradient stands alone; that only products of fours have
/// several planes; that a residual is what one plane is added to, beside as many low-rank products as there are
/// buffers for; and that a gate is passed backwards only.
fn is_product(constants: &Constants) -> bool {
    let value =
        |name: &str| constants.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
    let is = |name: &str| value(name).is_some_and(|value| value != 0);
    let layouts = ["NT", "NN", "TN"].into_iter().filter(|name| is(name)).count();
    let low = value("LOW").unwrap_or(0);
    layouts == 1
        && is_right(constants)
        && !(is("TN") && (!is("FLOATS") || low > 0 || is("RESIDUAL")))
        && !(low > 1 && (value("VEC") == Some(0) || is("GATE")))
        && !(is("RESIDUAL") && low > if is("NN") { 2 } else { 1 })
        && !(is("GATE") && (!is("NN") || value("VEC") == Some(0) || is("RESIDUAL")))
}

/// That maps have inputs, each at least one.
fn has_an_input(constants: &Constants) -> bool {
    let value = |name: &str| {
        constants.iter().find(|(other, _)| *other == name).map_or(0, |(_, value)| *value)
    };
    let inputs = value("NORM") + value("OTHER") + value("BACK");
    inputs > 0 && inputs <= value("LOW")
}

/// That a norm's result is not in memory for a low-rank product; that a gate and a value have one each or none;
/// and that a residual is beside one plane only.
fn is_product_of_few(constants: &Constants) -> bool {
    let value = |name: &str| {
        constants.iter().find(|(other, _)| *other == name).map_or(0, |(_, value)| *value)
    };
    let (low, norm, gate, residual) =
        (value("LOW"), value("NORM"), value("GATE"), value("RESIDUAL"));
    is_right(constants)
        && !(norm > 0 && (low > 0 || residual > 0))
        && !(gate > 0 && (residual > 0 || !matches!(low, 0 | 2)))
        && !(residual > 0 && low > 1)
}

/// `NAME: "file" { CONSTANT: values, ... } if rule` for each kernel, `"file" + "other"` where another file goes
/// with it.
macro_rules! shaders {
    ($($(#[$about:meta])+ $name:ident: $file:literal $(+ $other:literal)? { $($constant:ident: $values:expr),* $(,)? } $(if $goes:path)?;)+) => {
        $(
            $(#[$about])+
            pub static $name: Shader = Shader {
                name: $file,
                source: concat!(
                    include_str!(concat!($file, ".wgsl")),
                    $("\n", include_str!(concat!($other, ".wgsl")))?
                ),
                constants: &[$((stringify!($constant), &$values)),*],
                goes: shaders!(@goes $($goes)?),
            };
        )+

        /// All of them.
        pub static ALL: &[&Shader] = &[$(&$name),+];
    };
    (@goes) => { |_| true };
    (@goes $goes:path) => { $goes };
}

/// A head's width over four: T5's is 64 in all published sizes but the largest of the first T5; the others
/// are those of tests, and of the block that is timed.
pub const DEPTHS: [u32; 7] = [1, 2, 3, 4, 8, 16, 32];

shaders! {
    /// A step of AdamW.
    ADAMW: "adamw" {};
    /// The places of the greatest numbers.
    ARGMAX: "argmax" {};
    /// Attention's result.
    ATTENTION: "attention" { DEPTH4: DEPTHS };
    /// The gradients of attention's keys and values.
    ATTENTION_KEYS: "attention_keys" { DEPTH4: DEPTHS };
    /// The gradient of attention's bias by position.
    ATTENTION_POSITION: "attention_position" { DEPTH4: DEPTHS };
    /// The gradient of attention's queries.
    ATTENTION_QUERIES: "attention_queries" { DEPTH4: DEPTHS };
    /// Attention of one query for each row, over keys that grow.
    ATTENTION_STEP: "attention_step" { APPEND: [0, 1], DEPTH4: DEPTHS };
    /// The loss of each token.
    CROSS_ENTROPY: "cross_entropy" {};
    /// The gradient of the logits.
    CROSS_ENTROPY_BACKWARD: "cross_entropy_backward" { SHARED: [0, 1] };
    /// What dropout multiplies by.
    DROPOUT: "dropout" {};
    /// Rows of a matrix, such as the embedding's.
    EMBED: "embed" + "right" {
        FLOATS: [0, 1], INT8: [0, 1], INT4: [0, 1], F16: [0, 1], VEC: [0, 1],
    } if is_embedding;
    /// Rows of numbers one after the other.
    GATHER: "gather" {};
    /// The gated GELU and its gradients.
    GATED_GELU: "gated_gelu" { BACKWARD: [0, 1], VEC: [0, 1] };
    /// The inner numbers of low-rank products.
    LOW_RANK: "low_rank" { LOW: [1, 2, 3] };
    /// Their gradients.
    LOW_RANK_BACKWARD: "low_rank_backward" { LOW: [1, 2, 3] };
    /// The gradients of the matrices of low-rank products.
    LOW_RANK_GRADIENTS: "low_rank_gradients" {
        LOW: [1, 2, 3, 4], NORM: [0, 1], OTHER: [0, 1], BACK: [0, 1],
    } if has_an_input;
    /// The bias by position.
    POSITION_BIAS: "position_bias" {};
    /// Products of matrices, straight from memory.
    PRODUCT: "product" + "right" {
        NT: [0, 1], NN: [0, 1], TN: [0, 1], VEC: [0, 1], FLOATS: [0, 1], INT8: [0, 1], INT4: [0, 1], F16: [0, 1],
        LOW: [0, 1, 2, 3], RESIDUAL: [0, 1], GATE: [0, 1],
    } if is_product;
    /// Products of few rows with a frozen weight.
    PRODUCT_FEW: "product_few" + "right" {
        VEC: [1], FLOATS: [0, 1], INT8: [0, 1], INT4: [0, 1], F16: [0, 1], NORM: [0, 1], GATE: [0, 1], LOW: [0, 1, 2, 3], RESIDUAL: [0, 1],
    } if is_product_of_few;
    /// Products of matrices by tiles in workgroup memory.
    PRODUCT_TILED: "product_tiled" + "right" {
        NT: [0, 1], NN: [0, 1], TN: [0, 1], VEC: [1], FLOATS: [0, 1], INT8: [0, 1], INT4: [0, 1], F16: [0, 1],
        LOW: [0, 1, 2, 3], RESIDUAL: [0, 1], GATE: [0, 1],
    } if is_product;
    /// The gradient of RMS norm's input.
    RMS_BACKWARD: "rms_backward" + "row_sum" { ALONE: [0, 1], RESIDUAL: [0, 1] };
    /// RMS norm.
    RMS_NORM: "rms_norm" + "row_sum" { ALONE: [0, 1], LOW: [0, 1, 2, 3] };
    /// The gradient of RMS norm's weight.
    RMS_WEIGHT: "rms_weight" {};
    /// What a step comes to, before anything is changed.
    SETTLE: "settle" {};
    /// Sums of squares of parts.
    SQUARE_SUMS: "square_sums" {};
    /// The sum of numbers.
    SUM: "sum" {};
    /// The sum of parts.
    SUM_PARTS: "sum_parts" {};
}
