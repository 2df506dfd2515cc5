//! Where each row of a file lies, so that rows are read when they are due.

use super::{Layout, Reading, Skipped, scan::Scan};
use crate::{
    error::{Error, Result},
    storage::Storage,
};

/// Bytes that are read at a time.
const PIECE: u64 = 1 << 20;
/// The longest row, in bytes. A quote that is not closed would make one of the rest of its file.
const LONGEST: u64 = 1 << 28;

/// Where the rows of a file lie.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// How a row is to be read.
    pub(crate) layout: Layout,
    /// The rows, in the file's order.
    pub(crate) places: Vec<Place>,
    /// Those that could not be used, where that was allowed.
    pub(crate) skipped: Skipped,
}

/// Where a row lies. A data set has one of these for each of its rows: they are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its first byte.
    pub(crate) at: u64,
    /// Its bytes.
    pub(crate) length: u32,
    /// Its line, from 1.
    pub(crate) line: u32,
}

impl Index {
    /// Goes through a file, piece by piece.
    ///
    /// # Errors
    /// As [`super::Rows::read`], and [`Error::Format`] for a file without any row.
    pub(crate) async fn read(storage: &dyn Storage, path: &str, reading: Reading) -> Result<Self> {
        let name = storage.shown(path);
        let mut scan = Scan::new(&name, reading.separator)?;
        let length = storage.length(path).await?;
        let (mut places, mut skipped) = (Vec::new(), Skipped::default());
        let (mut piece, mut start, mut wanted) = (Vec::new(), 0, PIECE);
        loop {
            let (have, end) = (start + piece.len() as u64, length.min(start + wanted));
            if end > have {
                piece.extend(storage.read(path, have..end).await?);
            }
            let at_end = end == length;
            let taken = scan.take(&piece, at_end, |record| {
                let fields =
                    skipped.pass(&name, record.line, record.fields, reading.skip_bad_rows)?;
                if fields.is_some() {
                    places.push(Place {
                        at: start + record.bytes.start as u64,
                        length: record.bytes.len() as u32,
                        line: u32::try_from(record.line).unwrap_or(u32::MAX),
                    });
                }
                Ok(())
            })?;
            if at_end {
                break;
            }
            wanted = if taken == 0 { 2 * wanted } else { PIECE };
            if wanted > LONGEST {
                let message = format!(
                    "the row has more than {} bytes; is a quote or a bracket not closed?",
                    LONGEST / 2
                );
                return Err(Error::Row { path: name, line: scan.line(), message });
            }
            piece.drain(..taken);
            start += taken as u64;
        }
        if places.is_empty() && skipped.count == 0 {
            return Err(Error::format(name, "it has no rows"));
        }
        places.shrink_to_fit();
        Ok(Self { layout: scan.layout(), places, skipped })
    }
}
