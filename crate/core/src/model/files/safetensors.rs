//! The safetensors format, read tensor by tensor through [`Storage`] and written as a stream.
//!
//! A file is 8 bytes of length, that many bytes of JSON header, then the tensors' bytes without
//! gaps. The `safetensors` crate wants the whole file in memory to check it; here the header is
//! checked against the file's length alone, so that 308 MB are never held twice. What is accepted
//! and what is written, to the byte, is what that crate accepts and writes.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    ops::Range,
};

use half::{bf16, f16};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::json;

use crate::{
    encoding,
    error::{Error, Result, short},
    storage::{Storage, Writer},
};

/// The longest header of a model's file; T5-XXL's has 80 kB.
pub const MODEL_HEADER_LIMIT: u64 = 16 << 20;
/// The longest header of an adapter's file.
pub const ADAPTER_HEADER_LIMIT: u64 = 4 << 20;

const MAX_TENSORS: usize = 1 << 16;
const MAX_RANK: usize = 8;
const MAX_NAME: usize = 512;
/// Bytes read or written at once.
const CHUNK: usize = 8 << 20;
/// Bytes of a part, where a tensor is never there as a whole.
const PART: u64 = 1 << 20;

/// The type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
// The order counts: a file's tensors are sorted by it, from the last to the first.
pub enum Dtype {
    Bool,
    U8,
    I8,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Dtype {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Dtype::Bool | Dtype::U8 | Dtype::I8 => 1,
            Dtype::I16 | Dtype::U16 | Dtype::F16 | Dtype::BF16 => 2,
            Dtype::I32 | Dtype::U32 | Dtype::F32 => 4,
            Dtype::F64 | Dtype::I64 | Dtype::U64 => 8,
        }
    }

    /// Whether [`SafetensorsFile::read_f32`] reads it.
    pub fn is_float(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_uppercase())
    }
}

/// Where a tensor lies in its file, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its sizes, outermost first; none for a single number.
    pub shape: Vec<usize>,
    /// Its bytes, counted from the start of the file.
    pub range: Range<u64>,
}

impl TensorInfo {
    /// How many elements it has; `usize::MAX` for more than this platform can count.
    pub fn elements(&self) -> usize {
        let elements = (self.range.end - self.range.start) / self.dtype.size() as u64;
        usize::try_from(elements).unwrap_or(usize::MAX)
    }
}

/// A file whose header has been read and found to fit its length.
#[derive(Clone, Debug)]
pub struct SafetensorsFile {
    path: String,
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, TensorInfo>,
}

impl SafetensorsFile {
    /// Reads and checks a file's header, of at most `header_limit` bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Format`] for every fault of the header: its length, its
    /// JSON, a name that is there twice, a type that is not known, a size that does not fit the
    /// bytes, bytes that overlap, are left out, or go beyond the file.
    pub async fn open(storage: &dyn Storage, path: &str, header_limit: u64) -> Result<Self> {
        let length = storage.length(path).await?;
        if length < 8 {
            let message = format!("it has {length} bytes, too few for a safetensors file");
            return Err(Error::format(path, message));
        }
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&read_exactly(storage, path, 0..8).await?);
        if prefix[..4].iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
            // A header of such a length there is not.
            let start = length.min(encoding::START as u64 + 1);
            let start = read_exactly(storage, path, 0..start).await?;
            if let Some(what) = encoding::stand_in(&start) {
                return Err(Error::format(path, what));
            }
        }
        let header_length = u64::from_le_bytes(prefix);
        if header_length > length - 8 {
            let message = format!(
                "it says that its header has {header_length} bytes, but the file has {length}: it is \
                 cut off, or no safetensors file"
            );
            return Err(Error::format(path, message));
        }
        if header_length > header_limit {
            let message = format!(
                "its header has {header_length} bytes, more than the {header_limit} allowed"
            );
            return Err(Error::format(path, message));
        }

        let start = 8 + header_length;
        let bytes = read_exactly(storage, path, 8..start).await?;
        let wrong = |message: String| Error::format(path, format!("its header: {message}"));
        let text = std::str::from_utf8(&bytes).map_err(|error| wrong(error.to_string()))?;
        let header: Header =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let tensors = place(header.tensors, start, length).map_err(wrong)?;
        Ok(SafetensorsFile { path: path.to_owned(), metadata: header.metadata, tensors })
    }

    /// The file's path, as it was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the header says about the file as a whole.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// All tensors by name.
    pub fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// What the header says about a tensor.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the file has none of that name.
    pub fn info(&self, name: &str) -> Result<&TensorInfo> {
        let missing = || Error::tensor(&self.path, name, "it is not in the file");
        self.tensors.get(name).ok_or_else(missing)
    }

    /// The tensor's elements, row by row, as f32.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name, if it is not of a float type, or if an
    /// element is not finite.
    pub async fn read_f32(&self, storage: &dyn Storage, name: &str) -> Result<Vec<f32>> {
        let dtype = self.info(name)?.dtype;
        let values: Vec<f32> = match dtype {
            Dtype::F32 => self.read(storage, name, f32::from_le_bytes).await?,
            Dtype::F16 => self.read(storage, name, |b| f16::from_le_bytes(b).to_f32()).await?,
            Dtype::BF16 => self.read(storage, name, |b| bf16::from_le_bytes(b).to_f32()).await?,
            Dtype::F64 => self.read(storage, name, |b| f64::from_le_bytes(b) as f32).await?,
            _ => return Err(self.mistyped(name, dtype, FLOATS)),
        };
        self.check_finite(name, 0, &values)?;
        Ok(values)
    }

    /// The first elements of a tensor, this many or all, as f32. Of other types than float there are
    /// the bytes as numbers.
    pub(crate) async fn head(
        &self,
        storage: &dyn Storage,
        name: &str,
        count: usize,
    ) -> Result<Vec<f32>> {
        fn all<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|element| convert(*element)).collect()
        }
        let info = self.info(name)?;
        let most = (count * info.dtype.size()) as u64;
        let range = info.range.start..info.range.end.min(info.range.start + most);
        let bytes = read_exactly(storage, &self.path, range).await?;
        Ok(match info.dtype {
            Dtype::F32 => all(&bytes, f32::from_le_bytes),
            Dtype::F16 => all(&bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => all(&bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => all(&bytes, |b| f64::from_le_bytes(b) as f32),
            _ => bytes.into_iter().map(f32::from).collect(),
        })
    }

    /// The tensor in parts of whole rows, the last of its sizes being a row's.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name.
    pub fn parts<'a>(&'a self, storage: &'a dyn Storage, name: &'a str) -> Result<Parts<'a>> {
        let info = self.info(name)?;
        let row = info.shape.last().copied().unwrap_or(1).max(1) * info.dtype.size();
        let step = (PART / row as u64).max(1) * row as u64;
        Ok(Parts { storage, file: self, name, info, at: info.range.start, step })
    }

    /// `first` is the place of the first of these values in the tensor.
    fn check_finite(&self, name: &str, first: usize, values: &[f32]) -> Result<()> {
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                let (value, at) = (values[at], first + at);
                let message = format!("element {at} is {value}; expected a finite number");
                Err(Error::tensor(&self.path, name, message))
            }
            None => Ok(()),
        }
    }

    /// The tensor's elements, row by row, of a type I64 or I32.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name, or if it is of another type.
    pub async fn read_i64(&self, storage: &dyn Storage, name: &str) -> Result<Vec<i64>> {
        match self.info(name)?.dtype {
            Dtype::I64 => self.read(storage, name, i64::from_le_bytes).await,
            Dtype::I32 => self.read(storage, name, |b| i32::from_le_bytes(b).into()).await,
            dtype => Err(self.mistyped(name, dtype, "I64 or I32")),
        }
    }

    fn mistyped(&self, name: &str, dtype: Dtype, expected: &str) -> Error {
        Error::tensor(&self.path, name, format!("it is of type {dtype}; expected {expected}"))
    }

    /// Reads a tensor of elements of `N` bytes in chunks, so that beside the result only one chunk
    /// of the file is in memory.
    async fn read<T, const N: usize>(
        &self,
        storage: &dyn Storage,
        name: &str,
        convert: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let info = self.info(name)?;
        let mut values = Vec::new();
        if values.try_reserve_exact(info.elements()).is_err() {
            let message = format!("there is no memory for its {} elements", info.elements());
            return Err(Error::tensor(&self.path, name, message));
        }
        let Range { mut start, end } = info.range;
        while start < end {
            let chunk = start..end.min(start + CHUNK as u64);
            start = chunk.end;
            let bytes = read_exactly(storage, &self.path, chunk).await?;
            values.extend(bytes.as_chunks::<N>().0.iter().map(|element| convert(*element)));
        }
        Ok(values)
    }
}

/// What is read as f32, for messages.
const FLOATS: &str = "F32, F16, BF16 or F64";

/// A tensor that is read in parts of whole rows, so that it is never there as a whole.
pub struct Parts<'a> {
    storage: &'a dyn Storage,
    file: &'a SafetensorsFile,
    name: &'a str,
    info: &'a TensorInfo,
    at: u64,
    step: u64,
}

impl Parts<'_> {
    /// The next rows as f32; none after the last.
    ///
    /// # Errors
    /// Those of [`SafetensorsFile::read_f32`].
    pub async fn floats(&mut self) -> Result<Option<Vec<f32>>> {
        fn all<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
            bytes.as_chunks::<N>().0.iter().map(|element| convert(*element)).collect()
        }

        let first = (self.at - self.info.range.start) as usize / self.info.dtype.size();
        let Some(bytes) = self.next().await? else { return Ok(None) };
        let values = match self.info.dtype {
            Dtype::F32 => all(&bytes, f32::from_le_bytes),
            Dtype::F16 => all(&bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => all(&bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::F64 => all(&bytes, |b| f64::from_le_bytes(b) as f32),
            dtype => return Err(self.file.mistyped(self.name, dtype, FLOATS)),
        };
        self.file.check_finite(self.name, first, &values)?;
        Ok(Some(values))
    }

    /// The next rows of a tensor of type I8 or U8; none after the last.
    ///
    /// # Errors
    /// [`Error::Tensor`] if it is of another type.
    pub async fn bytes(&mut self) -> Result<Option<Vec<u8>>> {
        match self.info.dtype {
            Dtype::I8 | Dtype::U8 => self.next().await,
            dtype => Err(self.file.mistyped(self.name, dtype, "I8 or U8")),
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let end = self.info.range.end.min(self.at + self.step);
        if self.at == end {
            return Ok(None);
        }
        let bytes = read_exactly(self.storage, &self.file.path, self.at..end).await?;
        self.at = end;
        Ok(Some(bytes))
    }
}

/// A tensor to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name.
    pub name: String,
    /// Its sizes, outermost first.
    pub shape: Vec<usize>,
    /// What its elements are written as: F32, F16, BF16, I8 or U8.
    pub dtype: Dtype,
}

/// Writes a file whose bytes depend on nothing but what it is given; the order of `tensors` does
/// not matter. `data` is called once for each, by name, when its turn comes, and gives the elements
/// row by row: borrowed, or made for the occasion and dropped after it.
///
/// The metadata `format` is `pt` where it is not given: transformers loads no file without it.
///
/// # Errors
/// [`Error::Tensor`] for a name that is there twice, a type that cannot be written, data that does
/// not fill the shape, or an element that is not finite (in the type it is written as). Nothing
/// appears under `path` then.
pub async fn write<'data>(
    storage: &dyn Storage,
    path: &str,
    metadata: &BTreeMap<String, String>,
    tensors: &[TensorSpec],
    mut data: impl AsyncFnMut(&str) -> Result<Cow<'data, [f32]>>,
) -> Result<()> {
    write_parts(storage, path, metadata, tensors, async |tensor, out: &mut Out<'_>| {
        let values = data(&tensor.name).await?;
        // Before anything is written, so that the message tells how many there are.
        if tensor.shape.iter().product::<usize>() != values.len() {
            let message = format!("{} elements for the shape {:?}", values.len(), tensor.shape);
            return Err(Error::tensor(path, &tensor.name, message));
        }
        out.floats(&values).await
    })
    .await
}

/// As [`write()`], but `data` is given a place to which it writes a tensor's elements, row by row, in
/// as many parts as it likes.
pub async fn write_parts(
    storage: &dyn Storage,
    path: &str,
    metadata: &BTreeMap<String, String>,
    tensors: &[TensorSpec],
    mut data: impl AsyncFnMut(&TensorSpec, &mut Out<'_>) -> Result<()>,
) -> Result<()> {
    let mut tensors: Vec<&TensorSpec> = tensors.iter().collect();
    // Wide elements first, so that all stay aligned.
    tensors.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));

    let mut writer = storage.create(path).await?;
    writer.write(&header(path, metadata, &tensors)?).await?;
    for tensor in tensors {
        let mut out = Out { writer: &mut *writer, path, tensor, written: 0 };
        data(tensor, &mut out).await?;
        let written = out.written;
        if bytes_of(&tensor.shape, tensor.dtype) != Some((written * tensor.dtype.size()) as u64) {
            let message = format!("{written} elements for the shape {:?}", tensor.shape);
            return Err(Error::tensor(path, &tensor.name, message));
        }
    }
    writer.finish().await
}

/// Where a tensor's elements go.
pub struct Out<'a> {
    writer: &'a mut dyn Writer,
    path: &'a str,
    tensor: &'a TensorSpec,
    /// Elements so far.
    written: usize,
}

impl Out<'_> {
    /// The next elements of a float tensor, in the type it is written as.
    ///
    /// # Errors
    /// [`Error::Tensor`] for one that is not finite in that type; those of the storage.
    pub async fn floats(&mut self, values: &[f32]) -> Result<()> {
        if !self.tensor.dtype.is_float() {
            return Err(self.wrong(format!("floats for the type {}", self.tensor.dtype)));
        }
        for values in values.chunks(CHUNK / 4) {
            let bytes = encode(self.tensor.dtype, values).map_err(|at| {
                let (index, value, dtype) = (self.written + at, values[at], self.tensor.dtype);
                self.wrong(format!("element {index}, {value}, is not finite as {dtype}"))
            })?;
            self.writer.write(&bytes).await?;
            self.written += values.len();
        }
        Ok(())
    }

    /// The next elements of a tensor of type I8 or U8.
    ///
    /// # Errors
    /// [`Error::Tensor`] where it is of another type; those of the storage.
    pub async fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if !matches!(self.tensor.dtype, Dtype::I8 | Dtype::U8) {
            return Err(self.wrong(format!("bytes for the type {}", self.tensor.dtype)));
        }
        self.writer.write(bytes).await?;
        self.written += bytes.len();
        Ok(())
    }

    fn wrong(&self, message: String) -> Error {
        Error::tensor(self.path, &self.tensor.name, message)
    }
}

/// The length and the header of a file with these tensors, in this order.
fn header(
    path: &str,
    metadata: &BTreeMap<String, String>,
    tensors: &[&TensorSpec],
) -> Result<Vec<u8>> {
    let mut metadata = metadata.clone();
    metadata.entry("format".to_owned()).or_insert_with(|| "pt".to_owned());
    let mut entries = serde_json::Map::new();
    entries.insert("__metadata__".to_owned(), json!(metadata));
    let mut offset: u64 = 0;
    for TensorSpec { name, shape, dtype } in tensors {
        let wrong = |message: &str| Err(Error::tensor(path, name, message));
        if !matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::I8 | Dtype::U8) {
            return wrong(&format!("{dtype} cannot be written"));
        }
        let end = bytes_of(shape, *dtype).and_then(|bytes| bytes.checked_add(offset));
        let Some(end) = end else {
            return wrong("its shape overflows");
        };
        let entry = json!({
            "dtype": dtype.to_string(),
            "shape": shape,
            "data_offsets": [offset, end],
        });
        if entries.insert(name.clone(), entry).is_some() {
            return wrong("it is there twice");
        }
        offset = end;
    }
    let mut text = serde_json::Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut text);
    Ok(bytes)
}

/// The elements' bytes as a float type, or the index of the first that is not finite in it.
fn encode(dtype: Dtype, values: &[f32]) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::with_capacity(values.len() * dtype.size());
    for (at, &value) in values.iter().enumerate() {
        let (finite, [a, b, c, d]) = match dtype {
            Dtype::F16 => {
                let ([a, b], finite) = (f16::from_f32(value).to_le_bytes(), f16::from_f32(value));
                (finite.is_finite(), [a, b, 0, 0])
            }
            Dtype::BF16 => {
                let ([a, b], finite) = (bf16::from_f32(value).to_le_bytes(), bf16::from_f32(value));
                (finite.is_finite(), [a, b, 0, 0])
            }
            _ => (value.is_finite(), value.to_le_bytes()),
        };
        if !finite {
            return Err(at);
        }
        bytes.extend_from_slice(&[a, b, c, d][..dtype.size()]);
    }
    Ok(bytes)
}

/// Bytes of a tensor, if they can be counted.
fn bytes_of(shape: &[usize], dtype: Dtype) -> Option<u64> {
    shape.iter().try_fold(dtype.size() as u64, |bytes, &size| bytes.checked_mul(size as u64))
}

/// Checks that the tensors fill the file from `start` to `end` without gap or overlap.
fn place(
    raw: BTreeMap<String, RawInfo>,
    start: u64,
    end: u64,
) -> Result<BTreeMap<String, TensorInfo>, String> {
    let mut order: Vec<(&String, &RawInfo)> = raw.iter().collect();
    order.sort_by_key(|(_, info)| info.data_offsets);
    let mut position = 0;
    for (name, RawInfo { dtype, shape, data_offsets: (from, to) }) in order {
        if *from != position {
            let what = if *from > position { "a gap" } else { "an overlap" };
            return Err(format!(
                "tensor `{name}` starts at {from}, but the one before it ends at {position}: {what}"
            ));
        }
        let Some(bytes) = bytes_of(&shape.0, *dtype) else {
            return Err(format!("tensor `{name}`: the size of its shape {:?} overflows", shape.0));
        };
        if from.checked_add(bytes) != Some(*to) {
            return Err(format!(
                "tensor `{name}` has the bytes {from}..{to}, but {dtype} {:?} takes {bytes}",
                shape.0
            ));
        }
        position = *to;
    }
    if position != end - start {
        let there = end - start;
        return Err(format!("its tensors take {position} bytes, but {there} follow the header"));
    }
    let place = |(name, RawInfo { dtype, shape, data_offsets: (from, to) }): (_, RawInfo)| {
        (name, TensorInfo { dtype, shape: shape.0, range: start + from..start + to })
    };
    Ok(raw.into_iter().map(place).collect())
}

/// Reads a range, and makes sure that it is all there.
async fn read_exactly(storage: &dyn Storage, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
    let expected = range.end - range.start;
    let bytes = storage.read(path, range).await?;
    if bytes.len() as u64 != expected {
        let message = format!("read {} bytes of {expected}", bytes.len());
        return Err(Error::Storage { path: path.to_owned(), message });
    }
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The header as its JSON has it.
struct Header {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, RawInfo>,
}

#[derive(Deserialize)]
struct RawInfo {
    dtype: Dtype,
    shape: Shape,
    data_offsets: (u64, u64),
}

/// Refuses a long shape while it is read, so that none takes memory.
struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sizes;

        impl<'de> Visitor<'de> for Sizes {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of sizes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(size) = sizes.next_element()? {
                    if shape.len() == MAX_RANK {
                        let message = format!("its shape has more than {MAX_RANK} dimensions");
                        return Err(de::Error::custom(message));
                    }
                    shape.push(size);
                }
                Ok(Shape(shape))
            }
        }

        deserializer.deserialize_seq(Sizes)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut metadata = None;
                let mut tensors = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        if metadata.replace(map.next_value()?).is_some() {
                            return Err(de::Error::custom("`__metadata__` is there twice"));
                        }
                        continue;
                    }
                    // Names stand in messages, and so on terminals.
                    if name.len() > MAX_NAME || name.chars().any(char::is_control) {
                        let message = format!(
                            "tensor `{}`: its name is longer than {MAX_NAME} bytes, or has control \
                             characters",
                            short(&name)
                        );
                        return Err(de::Error::custom(message));
                    }
                    if tensors.len() == MAX_TENSORS {
                        let message = format!("there are more than {MAX_TENSORS} tensors");
                        return Err(de::Error::custom(message));
                    }
                    match tensors.entry(name) {
                        Entry::Occupied(entry) => {
                            let message = format!("tensor `{}` is there twice", entry.key());
                            return Err(de::Error::custom(message));
                        }
                        Entry::Vacant(entry) => {
                            let info = map.next_value().map_err(|error| {
                                de::Error::custom(format!("tensor `{}`: {error}", entry.key()))
                            })?;
                            entry.insert(info);
                        }
                    }
                }
                Ok(Header { metadata: metadata.unwrap_or_default(), tensors })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests;
