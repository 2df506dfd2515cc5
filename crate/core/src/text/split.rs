//! Parts a file of rows into files to train on, to validate with and to test with. Rows stay as they
//! are written.

use serde::Serialize;

use super::{
    dataset::parts,
    rows::{Index, Layout, Reading, Skipped},
};
use crate::{
    error::{Error, Result},
    output::check_new_files,
    storage::{Storage, join},
};

/// Bytes that are written at a time.
const PIECE: usize = 1 << 20;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How a file is to be parted.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The part of the rows to validate with.
    pub validation_fraction: f64,
    /// The part of the rows to test with.
    pub test_fraction: f64,
    /// From where the rows of each are drawn: training with the same seed and fraction holds out the
    /// same rows, as long as it leaves none out.
    pub seed: u64,
    /// Only the first rows.
    pub limit: Option<usize>,
    /// Whether bad rows are counted and left out, instead of being an error.
    pub reading: Reading,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Where it lies.
    pub path: String,
    /// How many rows it has.
    pub rows: usize,
}

impl Split {
    /// Writes `train`, `validation` and `test`, with the file's own ending, to a directory. A part of
    /// nothing has no file.
    ///
    /// # Errors
    /// [`Error::Setting`] for impossible fractions, too few rows, and where one of the files is there
    /// already: nothing is written then. [`Error::Row`] for a bad row.
    pub async fn write(
        &self,
        storage: &dyn Storage,
        path: &str,
        output: &str,
    ) -> Result<(Vec<Written>, Skipped)> {
        let fractions = [self.validation_fraction, self.test_fraction];
        for (key, fraction) in ["validation_fraction", "test_fraction"].into_iter().zip(fractions) {
            if !(0.0..1.0).contains(&fraction) {
                let message = format!("found {fraction}, expected a number from 0, less than 1");
                return Err(Error::setting(key, message));
            }
        }
        let sum: f64 = fractions.iter().sum();
        if !(sum > 0.0 && sum < 1.0) {
            let message = format!(
                "the fractions add up to {sum}, expected more than 0, and less than 1 for some to \
                 train on"
            );
            return Err(Error::setting("validation_fraction", message));
        }
        if super::mixture::is_mixture(path) {
            let message = "a mixture is several files; split each of them";
            return Err(Error::format(path, message));
        }
        let ending = path.rsplit(['/', '\\']).next().and_then(|name| name.rsplit_once('.'));
        let ending = ending.map_or("jsonl", |(_, ending)| ending);
        let names = ["train", "validation", "test"];
        let files = names.map(|name| join(output, &format!("{name}.{ending}")));
        check_new_files(storage, output, &files).await?;
        let mut index = Index::read(storage, path, self.reading).await?;
        index.places.truncate(self.limit.unwrap_or(usize::MAX));
        let drawn = parts(index.places.len(), &fractions, self.seed);
        let mut written = Vec::new();
        let [train, validation, test] = &files;
        for (file, part) in [(train, None), (validation, Some(0)), (test, Some(1))] {
            if part.is_some_and(|part| fractions[part] == 0.0) {
                continue;
            }
            let rows: Vec<usize> = (0..drawn.len()).filter(|row| drawn[*row] == part).collect();
            if rows.is_empty() {
                let message = format!("{} rows are too few for all parts", drawn.len());
                return Err(Error::format(path, message));
            }
            written.push((Written { path: file.clone(), rows: rows.len() }, rows));
        }
        let form = Form::of(storage, path, &index).await?;
        for (place, (Written { path: file, .. }, rows)) in written.iter().enumerate() {
            if let Err(error) = form.write(storage, path, &index, rows, file).await {
                // A part of the parts would stand in the way of another try. Why it is one says more
                // than why it cannot be removed.
                for (Written { path: file, .. }, _) in &written[..place] {
                    let _ = storage.remove(file).await;
                }
                return Err(error);
            }
        }
        Ok((written.into_iter().map(|(file, _)| file).collect(), index.skipped))
    }
}

/// How a file writes its rows.
struct Form {
    /// What comes before all rows.
    before: Vec<u8>,
    between: &'static [u8],
    after: &'static [u8],
}

impl Form {
    async fn of(storage: &dyn Storage, path: &str, index: &Index) -> Result<Self> {
        let length = storage.length(path).await?;
        let start = storage.read(path, 0..length.min(MARK.len() as u64)).await?;
        let mut before = if start == MARK { start } else { Vec::new() };
        let end = index.places.first().map_or(0, |place| place.at + u64::from(place.length));
        let ends_line = storage.read(path, end.min(length)..length.min(end + 1)).await?;
        let line_end: &[u8] = match &index.layout {
            // Of a line, it is in the row.
            Layout::Table(_) if ends_line == b"\r" => b"\r\n",
            _ => b"\n",
        };
        Ok(match &index.layout {
            Layout::Lines => Self { before, between: line_end, after: line_end },
            Layout::List => {
                before.extend(b"[\n");
                Self { before, between: b",\n", after: b"\n]\n" }
            }
            Layout::Table(columns) => {
                before.extend(columns.header()?);
                before.extend(line_end);
                Self { before, between: line_end, after: line_end }
            }
        })
    }

    /// Copies rows of a file into another.
    async fn write(
        &self,
        storage: &dyn Storage,
        path: &str,
        index: &Index,
        rows: &[usize],
        to: &str,
    ) -> Result<()> {
        let mut writer = storage.create(to).await?;
        let mut piece = self.before.clone();
        for (number, row) in rows.iter().enumerate() {
            let place = index.places[*row];
            if number > 0 {
                piece.extend(self.between);
            }
            piece.extend(storage.read(path, place.at..place.at + u64::from(place.length)).await?);
            if piece.len() >= PIECE {
                writer.write(&piece).await?;
                piece.clear();
            }
        }
        piece.extend(self.after);
        writer.write(&piece).await?;
        writer.finish().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{storage::MemoryStorage, text::rows::Rows};

    fn split(
        name: &str,
        text: &str,
        split: &Split,
    ) -> Result<(MemoryStorage, Vec<Written>, Skipped)> {
        let storage = MemoryStorage::new();
        storage.insert(name, text);
        let (files, skipped) = pollster::block_on(split.write(&storage, name, "out"))?;
        Ok((storage, files, skipped))
    }

    fn read(storage: &MemoryStorage, path: &str) -> String {
        String::from_utf8(pollster::block_on(storage.read_all(path, 1 << 20)).unwrap()).unwrap()
    }

    const THREE: Split = Split {
        validation_fraction: 0.2,
        test_fraction: 0.1,
        seed: 3,
        limit: None,
        reading: Reading { skip_bad_rows: false, separator: None },
    };

    #[test]
    fn rows_stay_as_they_are_written() {
        let table = "\u{feff}a,\"b, \"\"c\"\"\"\r\n".to_owned()
            + &(0..20).map(|n| format!("\"{n}\",\"x\r\ny\"\r\n")).collect::<String>();
        let lines: String = (0..20).map(|n| format!("{{ \"a\":{n}.0, \"é\": 1e2}}\n")).collect();
        let list = format!(" [{} ]", lines.trim_end().replace('\n', " ,\n"));
        for (name, text, start) in [
            ("rows.csv", &table, "\u{feff}a,\"b, \"\"c\"\"\"\r\n\""),
            ("a.b/rows", &lines, "{ \"a\":"),
            ("rows.json", &list, "[\n{ \"a\":"),
        ] {
            let (storage, files, _) = split(name, text, &THREE).unwrap();
            let counts: Vec<usize> = files.iter().map(|file| file.rows).collect();
            assert_eq!(counts, [14, 4, 2], "{name}");
            let mut found = Vec::new();
            for file in &files {
                let text = read(&storage, &file.path);
                assert!(text.starts_with(start), "{text}");
                let rows = Rows::from_bytes(file.path.as_str(), text.as_bytes()).unwrap().rows;
                assert_eq!(rows.len(), file.rows);
                let numbers: Vec<f64> =
                    rows.iter().map(|row| row.fields["a"].as_f64().unwrap()).collect();
                assert!(numbers.is_sorted());
                found.extend(rows.into_iter().map(|row| row.fields));
            }
            let mut expected = Rows::from_bytes(name, text.as_bytes()).unwrap().rows;
            assert_eq!(found.len(), expected.len());
            expected.retain(|row| !found.contains(&row.fields));
            assert!(expected.is_empty());
        }
        let (storage, ..) = split("rows.csv", &table, &THREE).unwrap();
        let rebuilt: usize = ["train", "validation", "test"]
            .map(|part| read(&storage, &format!("out/{part}.csv")).len())
            .iter()
            .sum();
        assert_eq!(rebuilt, table.len() + 2 * table.find('\n').map_or(0, |end| end + 1));
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let lines = "{}\n".repeat(10);
        let refused =
            |text: &str, how: Split| split("rows.jsonl", text, &how).unwrap_err().to_string();
        for (validation_fraction, test_fraction, expected) in [
            (0.0, 0.0, "the fractions add up to 0"),
            (0.5, 0.5, "the fractions add up to 1"),
            (1.0, 0.0, "validation_fraction: found 1"),
            (0.1, -0.5, "test_fraction: found -0.5"),
            (f64::NAN, 0.1, "validation_fraction: found NaN"),
        ] {
            let message = refused(&lines, Split { validation_fraction, test_fraction, ..THREE });
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(refused("{}\n{}", THREE), "rows.jsonl: 2 rows are too few for all parts");
        let bad = lines + "[]\n";
        assert!(refused(&bad, THREE).contains("line 11"));
        let (_, files, skipped) = split(
            "rows.jsonl",
            &bad,
            &Split { reading: Reading { skip_bad_rows: true, separator: None }, ..THREE },
        )
        .unwrap();
        assert_eq!((files.iter().map(|file| file.rows).sum::<usize>(), skipped.count), (10, 1));

        let storage = MemoryStorage::new();
        storage.insert("rows.jsonl", bad);
        storage.insert("out/test.jsonl", "mine");
        let error = pollster::block_on(THREE.write(&storage, "rows.jsonl", "out")).unwrap_err();
        assert!(error.to_string().starts_with("output: out/test.jsonl is there already"));
        assert_eq!(pollster::block_on(storage.list("out")).unwrap(), ["test.jsonl"]);
    }
}
