//! What is in a file of rows, before anything is made of it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    reader::{Reader, reading},
    rows::{Index, Skipped},
};
use crate::{config::DataConfig, error::Result};

/// A file of rows at a glance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// How many rows it has, bad ones not counted.
    pub rows: usize,
    /// The fields of the first rows, in the order in which they appear.
    pub fields: Vec<String>,
    /// The first rows, as they stand in the file.
    pub records: Vec<Map<String, Value>>,
    /// Rows that cannot be read.
    pub skipped: Skipped,
}

impl Reader {
    /// Looks at a file of rows: its first `count` are read.
    ///
    /// # Errors
    /// Those of the file; [`Error::Row`](crate::Error::Row) for one that cannot be read, unless they
    /// may be skipped.
    pub async fn inspect(
        &self,
        path: &str,
        config: &DataConfig,
        count: usize,
    ) -> Result<Inspection> {
        let index = Index::read(&*self.storage, path, reading(config)).await?;
        let mut fields: Vec<String> = Vec::new();
        let mut records = Vec::new();
        for place in index.places.iter().take(count) {
            let range = place.at..place.at + u64::from(place.length);
            let bytes = self.storage.read(path, range).await?;
            let Ok(record) = index.layout.fields(&bytes) else { continue };
            for name in record.keys() {
                if !fields.contains(name) {
                    fields.push(name.clone());
                }
            }
            records.push(record);
        }
        Ok(Inspection { rows: index.places.len(), fields, records, skipped: index.skipped })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;

    use super::*;
    use crate::{error::Error, storage::MemoryStorage};

    #[test]
    fn a_file_is_seen_at_a_glance() {
        let storage = MemoryStorage::new();
        storage.insert("a.csv", "text,stars\ngood,5\nbad,1\nso so,3\n");
        storage.insert("b.jsonl", "{\"a\": 1}\n{\"a\": \n{\"b\": [2]}\n");
        let reader = Reader { storage: Rc::new(storage), tokenizer: None };
        let look = |path, skip_bad_rows, count| {
            let config = DataConfig { skip_bad_rows, ..DataConfig::default() };
            pollster::block_on(reader.inspect(path, &config, count))
        };
        let table = look("a.csv", false, 2).unwrap();
        assert_eq!((table.rows, table.fields.join(" ")), (3, "text stars".to_owned()));
        assert_eq!(json!(table.records[1]), json!({"text": "bad", "stars": 1}));
        assert_eq!(table.records.len(), 2);
        let lines = look("b.jsonl", true, 9).unwrap();
        assert_eq!((lines.rows, lines.fields.join(" ")), (2, "a b".to_owned()));
        assert_eq!(lines.skipped.count, 1);
        assert!(lines.skipped.first[0].contains("b.jsonl, line 2"));
        assert!(matches!(look("b.jsonl", false, 9), Err(Error::Row { line: 2, .. })));
    }
}
