//! Families of kernels, and which of them this program leaves out because its GPU computes wrong numbers
//! by them. A program has one GPU.

use std::sync::atomic::{AtomicU16, Ordering};

use serde::{Deserialize, Serialize};

/// Kernels that are right or wrong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// What only moves numbers: rows of the embedding, the bias by position, rows that are joined.
    Rows,
    /// Products of matrices.
    Product,
    /// Products by packed weights.
    Packed,
    /// RMS norm.
    Norm,
    /// The gated GELU.
    GatedGelu,
    /// Attention.
    Attention,
    /// The loss.
    CrossEntropy,
    /// What dropout multiplies by.
    Dropout,
    /// A part of a block at once, with its low-rank products.
    Block,
    /// A token of a text at once: products of few rows, attention of one query, the likeliest token.
    Generation,
    /// The norm of gradients, clipping, and the optimiser's step.
    Update,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 11] = [
        Family::Rows,
        Family::Product,
        Family::Packed,
        Family::Norm,
        Family::GatedGelu,
        Family::Attention,
        Family::CrossEntropy,
        Family::Dropout,
        Family::Block,
        Family::Generation,
        Family::Update,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Family::Rows => "rows of numbers",
            Family::Product => "products of matrices",
            Family::Packed => "products by packed weights",
            Family::Norm => "RMS norm",
            Family::GatedGelu => "gated GELU",
            Family::Attention => "attention",
            Family::CrossEntropy => "cross-entropy",
            Family::Dropout => "dropout",
            Family::Block => "blocks at once",
            Family::Generation => "a token at once",
            Family::Update => "the optimiser's step",
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }

    /// Itself, and those without which it is of no use. All move rows.
    fn with_needed(self) -> u16 {
        let needed = match self {
            Family::Packed | Family::Generation => Family::Product.bit(),
            Family::Block => Family::Product.bit() | Family::Norm.bit(),
            _ => 0,
        };
        self.bit() | Family::Rows.bit() | needed
    }
}

static LEFT_OUT: AtomicU16 = AtomicU16::new(0);

/// Leaves these out from now on, and no others: plain tensor operations do their work.
pub fn leave_out(families: &[Family]) {
    let bits = families.iter().fold(0, |bits, family| bits | family.bit());
    LEFT_OUT.store(bits, Ordering::Relaxed);
}

/// Whether a family is left out, or another that it needs.
pub fn is_left_out(family: Family) -> bool {
    LEFT_OUT.load(Ordering::Relaxed) & family.with_needed() != 0
}
