//! A record of a file, as each format finds it.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::error::Result;

/// A record that was found.
pub(super) struct Record {
    /// Its line in the file, from 1.
    pub(super) line: usize,
    /// Where it lies in the piece, without what ends or separates it.
    pub(super) bytes: Range<usize>,
    /// Its fields, those of a table all texts; or what is wrong with it.
    pub(super) fields: Result<Map<String, Value>, String>,
}

/// What is done with each record.
pub(super) type Each<'a> = &'a mut dyn FnMut(Record) -> Result<()>;
