//! Safetensors files with other names or copies of tensors, made of a model's own.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A tensor: its entry of the header, without its place, and its bytes.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) dtype: Value,
    pub(crate) shape: Value,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) type Tensors = BTreeMap<String, Tensor>;

pub(crate) fn read(file: &[u8]) -> Tensors {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: Map<String, Value> = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let data = &file[8 + length..];
    let entries = header.into_iter().filter(|(name, _)| name != "__metadata__");
    entries
        .map(|(name, entry)| {
            let at = |place: usize| entry["data_offsets"][place].as_u64().unwrap() as usize;
            let bytes = data[at(0)..at(1)].to_vec();
            (name, Tensor { dtype: entry["dtype"].clone(), shape: entry["shape"].clone(), bytes })
        })
        .collect()
}

pub(crate) fn write(tensors: &Tensors) -> Vec<u8> {
    let (mut header, mut data) = (Map::new(), Vec::new());
    for (name, tensor) in tensors {
        let begin = data.len();
        data.extend_from_slice(&tensor.bytes);
        let offsets = [begin, data.len()];
        let entry = json!({"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": offsets});
        header.insert(name.clone(), entry);
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}
