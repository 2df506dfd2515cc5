use pollster::block_on;
use safetensors::{SafeTensors, tensor::TensorView};

use super::*;
use crate::storage::{MemoryStorage, Writer};

const PATH: &str = "base/model.safetensors";
const LIMIT: u64 = MODEL_HEADER_LIMIT;

fn fixture(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/");
    std::fs::read(format!("{root}{path}")).expect("a fixture")
}

fn stored(bytes: impl Into<Vec<u8>>) -> MemoryStorage {
    let storage = MemoryStorage::new();
    storage.insert(PATH, bytes);
    storage
}

fn open(bytes: impl Into<Vec<u8>>) -> Result<SafetensorsFile> {
    block_on(SafetensorsFile::open(&stored(bytes), PATH, LIMIT))
}

/// A file of this header and these bytes behind it.
fn file(header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// A file of one tensor `x`.
fn one(dtype: &str, shape: &str, offsets: &str, data: &[u8]) -> Vec<u8> {
    let entry = format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#);
    file(format!(r#"{{"x":{entry}}}"#), data)
}

#[track_caller]
fn refused(bytes: impl Into<Vec<u8>>, parts: &[&str]) {
    let error = open(bytes).expect_err("a fault");
    assert!(matches!(&error, Error::Format { path, .. } if path == PATH), "{error:?}");
    let message = error.to_string();
    assert!(message.len() < 1000, "{message}");
    for part in parts {
        assert!(message.contains(part), "`{message}` does not name {part}");
    }
}

#[track_caller]
fn refused_tensor<T: fmt::Debug>(result: Result<T>, name: &str, part: &str) {
    let error = result.expect_err("a fault");
    let named =
        matches!(&error, Error::Tensor { path, tensor, .. } if path == PATH && tensor == name);
    assert!(named && error.to_string().contains(part), "{error:?} does not name {part}");
}

fn read(dtype: &str, count: usize, data: &[u8]) -> Result<Vec<f32>> {
    let bytes = one(dtype, &format!("[{count}]"), &format!("[0,{}]", data.len()), data);
    let storage = stored(bytes);
    block_on(async {
        SafetensorsFile::open(&storage, PATH, LIMIT).await?.read_f32(&storage, "x").await
    })
}

#[test]
fn reads_as_the_safetensors_crate_does() {
    for name in ["gated/model", "gated/as/f16/model", "gated/as/bf16/model", "relu/forward"] {
        let bytes = fixture(&format!("{name}.safetensors"));
        let storage = stored(bytes.clone());
        let file = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap();
        let theirs = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensors().len(), theirs.len());
        for (tensor, view) in theirs.iter() {
            let info = file.info(tensor).unwrap();
            assert_eq!(info.dtype.to_string(), view.dtype().to_string());
            assert_eq!(info.shape, view.shape());
            assert_eq!(info.elements(), view.shape().iter().product::<usize>());
            let range = info.range.start as usize..info.range.end as usize;
            assert_eq!(&bytes[range], view.data());
            if info.dtype.is_float() {
                let values = block_on(file.read_f32(&storage, tensor)).unwrap();
                assert_eq!(values.len(), info.elements());
            }
        }
    }
}

#[test]
fn narrow_weights_are_near_the_wide_ones() {
    let read = |path: &str| {
        let storage = stored(fixture(path));
        let file = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap();
        (storage, file)
    };
    let (storage, file) = read("gated/model.safetensors");
    for (path, step) in [("f16", 1.0 / 2048.0), ("bf16", 1.0 / 256.0)] {
        let (narrow_storage, narrow_file) = read(&format!("gated/as/{path}/model.safetensors"));
        for name in file.tensors().keys() {
            let wide = block_on(file.read_f32(&storage, name)).unwrap();
            let narrow = block_on(narrow_file.read_f32(&narrow_storage, name)).unwrap();
            assert_eq!(narrow.len(), wide.len());
            for (narrow, wide) in narrow.iter().zip(&wide) {
                assert!((narrow - wide).abs() <= wide.abs() * step + 1e-7, "{narrow} for {wide}");
            }
        }
    }
}

#[test]
fn metadata() {
    let file = open(fixture("gated/model.safetensors")).unwrap();
    assert_eq!(file.path(), PATH);
    assert_eq!(file.metadata()["format"], "pt");
}

#[test]
fn integers() {
    let storage = stored(one("I64", "[2]", "[0,16]", &[[1; 8], [255; 8]].concat()));
    let file = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap();
    let values = block_on(file.read_i64(&storage, "x")).unwrap();
    assert_eq!(values, [0x0101010101010101, -1]);
    refused_tensor(block_on(file.read_f32(&storage, "x")), "x", "I64; expected F32");
    refused_tensor(block_on(file.read_i64(&storage, "y")), "y", "not in the file");
    refused_tensor(block_on(file.read_f32(&storage, "y")), "y", "not in the file");

    let storage = stored(one("I32", "[1,1]", "[0,4]", &(-7i32).to_le_bytes()));
    let file = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap();
    assert_eq!(block_on(file.read_i64(&storage, "x")).unwrap(), [-7]);
    let storage = stored(one("F32", "[1]", "[0,4]", &[0; 4]));
    let file = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap();
    refused_tensor(block_on(file.read_i64(&storage, "x")), "x", "F32; expected I64");
}

/// Half precision from its definition: sign, 5 bits of exponent, 10 of fraction.
fn from_f16(bits: u16) -> f32 {
    let (exponent, fraction) = ((bits >> 10 & 31) as i32, (bits & 1023) as f32 / 1024.0);
    let size = match exponent {
        0 => fraction * 2f32.powi(-14),
        _ => (1.0 + fraction) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[test]
fn every_half_and_every_bfloat() {
    let f16s: Vec<u16> = (0..=u16::MAX).filter(|bits| bits >> 10 & 31 != 31).collect();
    let bytes: Vec<u8> = f16s.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    for (value, bits) in read("F16", f16s.len(), &bytes).unwrap().iter().zip(&f16s) {
        assert_eq!(value.to_bits(), from_f16(*bits).to_bits());
        assert_eq!(value.to_bits(), f16::from_bits(*bits).to_f32().to_bits());
    }
    let bf16s: Vec<u16> = (0..=u16::MAX).filter(|bits| bits >> 7 & 255 != 255).collect();
    let bytes: Vec<u8> = bf16s.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    for (value, bits) in read("BF16", bf16s.len(), &bytes).unwrap().iter().zip(&bf16s) {
        assert_eq!(value.to_bits(), (*bits as u32) << 16);
        assert_eq!(value.to_bits(), bf16::from_bits(*bits).to_f32().to_bits());
    }
}

#[test]
fn not_finite() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let values = [1.0, 2.0, bad, f32::NAN];
        let bytes = |encode: &dyn Fn(f32) -> Vec<u8>| values.map(encode).concat();
        let part = format!("element 2 is {bad}");
        let wide = bytes(&|value| value.to_le_bytes().to_vec());
        refused_tensor(read("F32", 4, &wide), "x", &part);
        let half = bytes(&|value| f16::from_f32(value).to_le_bytes().to_vec());
        refused_tensor(read("F16", 4, &half), "x", &part);
        let brain = bytes(&|value| bf16::from_f32(value).to_le_bytes().to_vec());
        refused_tensor(read("BF16", 4, &brain), "x", &part);
        let double = bytes(&|value| f64::from(value).to_le_bytes().to_vec());
        refused_tensor(read("F64", 4, &double), "x", &part);
    }
    // Finite, but not as f32.
    refused_tensor(read("F64", 1, &1e300f64.to_le_bytes()), "x", "element 0 is inf");
}

#[test]
fn longer_than_a_chunk() {
    let count = CHUNK / 2 + 12_345;
    let mut bytes: Vec<u8> =
        (0..count).flat_map(|i| f16::from_f32((i % 1000) as f32).to_le_bytes()).collect();
    let values = read("F16", count, &bytes).unwrap();
    assert!(values.iter().enumerate().all(|(i, value)| *value == (i % 1000) as f32));

    let bad = CHUNK / 2 + 7;
    bytes[2 * bad + 1] = 0x7c;
    bytes[2 * bad] = 0;
    refused_tensor(read("F16", count, &bytes), "x", &format!("element {bad} is inf"));
}

#[test]
fn truncated() {
    let whole = fixture("gated/adapters/prompt/trained/adapter_model.safetensors");
    assert!(open(whole.clone()).is_ok());
    for length in 0..whole.len() {
        refused(&whole[..length], &[]);
    }
    refused(&whole[..7], &["7 bytes", "too few"]);
    refused(&whole[..8], &["112 bytes", "cut off"]);
    refused(&whole[..119], &["112 bytes", "cut off"]);
    refused(&whole[..whole.len() - 1], &["take 1792 bytes, but 1791 follow"]);
    refused([&whole[..], b"\0"].concat(), &["take 1792 bytes, but 1793 follow"]);

    let whole = fixture("gated/model.safetensors");
    for length in (0..whole.len()).step_by(97) {
        refused(&whole[..length], &[]);
    }
}

/// A file of any length, which holds a length and then nothing but spaces, and which no reader may
/// ask for more than a few bytes.
struct Sparse {
    length: u64,
    header: u64,
    most: u64,
}

#[async_trait::async_trait(?Send)]
impl Storage for Sparse {
    async fn length(&self, _: &str) -> Result<u64> {
        Ok(self.length)
    }

    async fn read(&self, _: &str, range: Range<u64>) -> Result<Vec<u8>> {
        assert!(range.start <= range.end && range.end <= self.length, "beyond the file: {range:?}");
        assert!(range.end - range.start <= self.most, "more than allowed: {range:?}");
        Ok(match range.start {
            0 => self.header.to_le_bytes()[..range.end as usize].to_vec(),
            _ => vec![b' '; (range.end - range.start) as usize],
        })
    }

    async fn create(&self, _: &str) -> Result<Box<dyn Writer>> {
        unreachable!()
    }

    async fn append(&self, _: &str, _: &[u8]) -> Result<()> {
        unreachable!()
    }

    async fn sync(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn list(&self, _: &str) -> Result<Vec<String>> {
        unreachable!()
    }

    async fn remove(&self, _: &str) -> Result<()> {
        unreachable!()
    }
}

#[test]
fn header_lengths() {
    for length in [8, 9, 1000, 1 << 20, 1 << 40, u64::MAX] {
        for header in [0, 1, 1000, 4096, 4097, 1 << 32, 1 << 62, u64::MAX - 8, u64::MAX] {
            let storage = Sparse { length, header, most: 4096 };
            let error = block_on(SafetensorsFile::open(&storage, PATH, 4096)).unwrap_err();
            assert!(matches!(error, Error::Format { .. }), "{error:?}");
            let message = error.to_string();
            let part = match header {
                _ if header > length - 8 => "cut off, or no safetensors file",
                0..=4096 => "its header: EOF",
                _ => "more than the 4096 allowed",
            };
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn a_storage_that_reads_too_little() {
    struct Short(MemoryStorage);

    #[async_trait::async_trait(?Send)]
    impl Storage for Short {
        async fn length(&self, path: &str) -> Result<u64> {
            self.0.length(path).await
        }

        async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
            self.0.read(path, range.start..range.end - 1).await
        }

        async fn create(&self, path: &str) -> Result<Box<dyn Writer>> {
            self.0.create(path).await
        }

        async fn append(&self, path: &str, bytes: &[u8]) -> Result<()> {
            self.0.append(path, bytes).await
        }

        async fn sync(&self, _: &str) -> Result<()> {
            Ok(())
        }

        async fn list(&self, directory: &str) -> Result<Vec<String>> {
            self.0.list(directory).await
        }

        async fn remove(&self, path: &str) -> Result<()> {
            self.0.remove(path).await
        }
    }

    let storage = Short(stored(file("{}", b"")));
    let error = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap_err();
    assert!(matches!(error, Error::Storage { .. }), "{error:?}");
}

#[test]
fn headers_that_are_no_headers() {
    refused(file("", b""), &["EOF"]);
    refused(file("{", b""), &["EOF"]);
    refused(file("[]", b""), &["expected an object of tensors"]);
    refused(file("null", b""), &["expected an object of tensors"]);
    refused(file("{}x", b""), &["trailing characters"]);
    refused(file(b"{\"\xff\":1}", b""), &["utf-8"]);
    refused(file(b"\xef\xbb\xbf{}", b""), &["expected value"]);
    refused(file(r#"{"x":1}"#, b""), &["tensor `x`"]);
    refused(file(r#"{"x":{}}"#, b""), &["tensor `x`", "missing field `dtype`"]);
    refused(file(r#"{"__metadata__":1}"#, b""), &["1"]);
    refused(file(r#"{"__metadata__":{"a":1}}"#, b""), &["expected a string"]);
    refused(file(r#"{"__metadata__":{},"__metadata__":{}}"#, b""), &["twice"]);
    let deep = "[".repeat(100_000);
    refused(file(&deep, b""), &["expected an object of tensors"]);
    let nested = format!(r#"{{"x":{{"dtype":"F32","shape":{deep}"#);
    refused(file(nested, b""), &["tensor `x`"]);
    let unknown = format!(r#"{{"x":{{"dtype":"F32","y":{deep}"#);
    refused(file(unknown, b""), &["tensor `x`", "EOF"]);
    assert!(open(file("{}", b"")).unwrap().tensors().is_empty());
    assert!(open(file("{}     ", b"")).is_ok());
}

#[test]
fn tensors_that_are_no_tensors() {
    let f32s = |shape: &str, offsets: &str| one("F32", shape, offsets, &[0; 8]);
    assert!(open(f32s("[2]", "[0,8]")).is_ok());
    assert!(open(f32s("[1,2,1]", "[0,8]")).is_ok());

    for dtype in ["F8", "f32", "", "C64", "F32 "] {
        refused(one(dtype, "[2]", "[0,8]", &[0; 8]), &["tensor `x`", "unknown variant"]);
    }
    for shape in ["[-2]", "[2.0]", "[\"2\"]", "2", "{}", "null", "[null]", "[1e1]"] {
        refused(f32s(shape, "[0,8]"), &["tensor `x`"]);
    }
    refused(f32s("[1,1,1,1,1,1,1,1,2]", "[0,8]"), &["tensor `x`", "more than 8 dimensions"]);
    let long = format!("[{}2]", "1,".repeat(1 << 20));
    refused(f32s(&long, "[0,8]"), &["tensor `x`", "more than 8 dimensions"]);
    refused(f32s("[3]", "[0,8]"), &["tensor `x`", "0..8", "F32 [3] takes 12"]);
    refused(f32s("[]", "[0,8]"), &["tensor `x`", "takes 4"]);
    refused(f32s("[0]", "[0,8]"), &["tensor `x`", "takes 0"]);
    refused(one("F16", "[2]", "[0,8]", &[0; 8]), &["tensor `x`", "takes 4"]);

    let most = usize::MAX;
    refused(f32s(&format!("[{most}]"), "[0,8]"), &["tensor `x`", "overflows"]);
    refused(f32s("[4294967296,4294967296]", "[0,8]"), &["tensor `x`"]);
    refused(f32s("[4611686018427387904,4,2]", "[0,8]"), &["tensor `x`"]);
    refused(f32s("[18446744073709551616]", "[0,8]"), &["tensor `x`"]);
    refused(f32s(&format!("[0,{most},{most}]"), "[0,8]"), &["tensor `x`"]);

    for offsets in ["[0]", "[0,8,9]", "[]", "8", "[-1,7]", "[0,8.0]", "{}", "[0,\"8\"]"] {
        refused(f32s("[2]", offsets), &["tensor `x`"]);
    }
    refused(f32s("[2]", "[8,0]"), &["tensor `x` starts at 8"]);
    refused(f32s("[2]", "[0,7]"), &["tensor `x`", "0..7"]);
    refused(f32s("[2]", "[1,9]"), &["tensor `x` starts at 1", "a gap"]);
    refused(f32s("[2]", "[18446744073709551608,18446744073709551615]"), &["a gap"]);
    refused(f32s("[4]", "[0,16]"), &["take 16 bytes, but 8 follow"]);
    refused(f32s("[1]", "[0,4]"), &["take 4 bytes, but 8 follow"]);
    refused(file(r#"{}"#, &[0; 8]), &["take 0 bytes, but 8 follow"]);
}

#[test]
fn tensors_beside_each_other() {
    let two = |first: &str, second: &str, names: [&str; 2]| {
        let entry = |name: &str, offsets: &str| {
            format!(r#""{name}":{{"dtype":"F32","shape":[1],"data_offsets":{offsets}}}"#)
        };
        let entries = [entry(names[0], first), entry(names[1], second)].join(",");
        file(format!("{{{entries}}}"), &[0; 8])
    };
    assert!(open(two("[0,4]", "[4,8]", ["a", "b"])).is_ok());
    assert!(open(two("[4,8]", "[0,4]", ["a", "b"])).is_ok());
    refused(two("[0,4]", "[0,4]", ["a", "b"]), &["tensor `b` starts at 0", "an overlap"]);
    refused(two("[0,4]", "[2,6]", ["a", "b"]), &["tensor `b` starts at 2", "an overlap"]);
    refused(two("[0,4]", "[5,9]", ["a", "b"]), &["tensor `b` starts at 5", "a gap"]);
    refused(two("[0,4]", "[4,8]", ["a", "a"]), &["tensor `a` is there twice"]);
    refused(two("[0,4]", "[4,8]", ["a", "\\u0061"]), &["tensor `a` is there twice"]);
    refused(two("[0,4]", "[4,8]", ["a", "\\u001b[2J"]), &["control", "\u{fffd}[2J"]);
    let long = "n".repeat(MAX_NAME + 1);
    refused(two("[0,4]", "[4,8]", ["a", &long]), &["nnn…", "longer than 512"]);
    let twice = r#"{"x":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#;
    refused(file(twice, b""), &["tensor `x`", "duplicate"]);
}

#[test]
fn thousands_of_tensors() {
    let many = |count: usize| {
        let entry = |i| format!(r#""{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#);
        let entries: Vec<String> = (0..count).map(entry).collect();
        file(format!("{{{}}}", entries.join(",")), b"")
    };
    assert_eq!(open(many(MAX_TENSORS)).unwrap().tensors().len(), MAX_TENSORS);
    refused(many(MAX_TENSORS + 1), &["more than 65536 tensors"]);
}

#[test]
fn every_changed_byte() {
    // What is accepted, the safetensors crate accepts too, and can be read to its end.
    let whole = fixture("gated/adapters/prompt/trained/adapter_model.safetensors");
    for at in 0..8 + 112 {
        for byte in 0..=255 {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            let storage = stored(bytes.clone());
            let Ok(file) = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)) else {
                continue;
            };
            assert!(SafeTensors::deserialize(&bytes).is_ok(), "byte {at} as {byte}");
            for name in file.tensors().keys() {
                let _ = block_on(file.read_f32(&storage, name));
            }
        }
    }
}

fn spec(name: &str, shape: &[usize], dtype: Dtype) -> TensorSpec {
    TensorSpec { name: name.to_owned(), shape: shape.to_vec(), dtype }
}

/// What `write` makes of tensors that all hold the same elements.
fn written(specs: &[TensorSpec], values: &[f32]) -> Result<Vec<u8>> {
    let storage = MemoryStorage::new();
    let result = block_on(write(&storage, PATH, &BTreeMap::new(), specs, async |_: &str| {
        Ok(Cow::Borrowed(values))
    }));
    assert_eq!(block_on(storage.exists(PATH)).unwrap(), result.is_ok());
    result.and_then(|()| block_on(storage.read_all(PATH, 1 << 30)))
}

#[test]
fn written_again_to_the_byte() {
    for path in [
        "gated/model.safetensors",
        "odd/model.safetensors",
        "gated/as/f16/model.safetensors",
        "gated/as/bf16/model.safetensors",
        "gated/adapters/dora/trained/adapter_model.safetensors",
        "gated/adapters/prompt/trained/adapter_model.safetensors",
    ] {
        let bytes = fixture(path);
        let storage = stored(bytes.clone());
        let file = block_on(SafetensorsFile::open(&storage, PATH, LIMIT)).unwrap();
        // The reverse order: the order must not matter.
        let specs: Vec<TensorSpec> = (file.tensors().iter().rev())
            .map(|(name, info)| spec(name, &info.shape, info.dtype))
            .collect();
        let copy = "copy/model.safetensors";
        block_on(write(&storage, copy, file.metadata(), &specs, async |name: &str| {
            Ok(Cow::Owned(file.read_f32(&storage, name).await?))
        }))
        .unwrap();
        assert!(block_on(storage.read_all(copy, 1 << 30)).unwrap() == bytes, "{path}");
    }
}

#[test]
fn mixed_types_as_the_safetensors_crate_writes_them() {
    let values = [0.5f32, -1.0, 3.25];
    let specs = [
        spec("a", &[3], Dtype::F16),
        spec("b", &[3, 1], Dtype::F32),
        spec("c", &[1, 3], Dtype::BF16),
        spec("d\"\\ü", &[3], Dtype::F32),
        spec("e", &[3], Dtype::F16),
    ];
    let mine = written(&specs, &values).unwrap();

    let wide: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let half: Vec<u8> = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
    let brain: Vec<u8> = values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect();
    let views = specs.iter().map(|spec| {
        let (dtype, data) = match spec.dtype {
            Dtype::F16 => (safetensors::Dtype::F16, &half),
            Dtype::BF16 => (safetensors::Dtype::BF16, &brain),
            _ => (safetensors::Dtype::F32, &wide),
        };
        (&spec.name, TensorView::new(dtype, spec.shape.clone(), data).unwrap())
    });
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let theirs = safetensors::serialize(views, Some(metadata)).unwrap();
    assert_eq!(mine, theirs);
    assert_eq!(open(mine).unwrap().tensors().len(), 5);
}

#[test]
fn metadata_is_kept_in_order() {
    let storage = MemoryStorage::new();
    let metadata: BTreeMap<String, String> =
        [("z", "1"), ("format", "np"), ("a", "2")].map(|(k, v)| (k.into(), v.into())).into();
    let nothing = async |_: &str| Ok(Cow::Borrowed(&[][..]));
    block_on(write(&storage, PATH, &metadata, &[], nothing)).unwrap();
    let bytes = block_on(storage.read_all(PATH, 1000)).unwrap();
    assert_eq!(bytes.len() % 8, 0);
    let header = br#"{"__metadata__":{"a":"2","format":"np","z":"1"}}"#;
    assert_eq!(bytes[8..], header[..]);
    assert_eq!(open(bytes).unwrap().metadata(), &metadata);
}

#[test]
fn empty_and_single() {
    let bytes = written(&[spec("none", &[0, 4], Dtype::F32)], &[]).unwrap();
    assert_eq!(open(bytes).unwrap().info("none").unwrap().elements(), 0);
    let bytes = written(&[spec("one", &[], Dtype::F32)], &[2.0]).unwrap();
    assert_eq!(open(bytes).unwrap().info("one").unwrap().shape, [0; 0]);
}

#[test]
fn parts_are_whole_rows() {
    // Of rows that fill a part unevenly, and of one row that is longer than a part.
    for shape in [[3001, 331], [3, 400_001], [0, 5], [5, 1]] {
        let count = shape.iter().product();
        let bytes: Vec<u8> = (0..count).map(|place: usize| (place % 251) as u8).collect();
        let floats: Vec<f32> = bytes.iter().map(|&value| f32::from(value)).collect();
        let storage = MemoryStorage::new();
        let specs = [spec("f", &shape, Dtype::F16), spec("i", &shape, Dtype::I8)];
        block_on(async {
            write_parts(&storage, PATH, &BTreeMap::new(), &specs, async |tensor, out| {
                for row in 0..shape[0] {
                    let row = row * shape[1]..(row + 1) * shape[1];
                    match tensor.dtype {
                        Dtype::I8 => out.bytes(&bytes[row]).await?,
                        _ => out.floats(&floats[row]).await?,
                    }
                }
                Ok(())
            })
            .await
            .unwrap();
            let file = SafetensorsFile::open(&storage, PATH, LIMIT).await.unwrap();
            let (mut found, mut parts) = (Vec::new(), file.parts(&storage, "f").unwrap());
            while let Some(part) = parts.floats().await.unwrap() {
                assert_eq!(part.len() % shape[1], 0);
                assert!(part.len() <= shape[1] || part.len() * 2 <= PART as usize);
                found.extend(part);
            }
            assert_eq!(found, floats);
            let (mut found, mut parts) = (Vec::new(), file.parts(&storage, "i").unwrap());
            while let Some(part) = parts.bytes().await.unwrap() {
                assert_eq!(part.len() % shape[1], 0);
                found.extend(part);
            }
            assert_eq!(found, bytes);
            let error = file.parts(&storage, "f").unwrap().bytes().await;
            refused_tensor(error, "f", "F16; expected I8");
            if count > 0 {
                let error = file.parts(&storage, "i").unwrap().floats().await;
                refused_tensor(error, "i", "I8; expected F32");
            }
        });
    }
}

#[test]
fn a_part_names_the_element_that_is_not_finite() {
    let mut data = vec![0; 4 * 300_000];
    data[4 * 290_000..][..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let storage = stored(one("F32", "[300000,1]", "[0,1200000]", &data));
    let error = block_on(async {
        let file = SafetensorsFile::open(&storage, PATH, LIMIT).await?;
        let mut parts = file.parts(&storage, "x")?;
        while parts.floats().await?.is_some() {}
        Ok(())
    });
    refused_tensor(error, "x", "element 290000 is inf");
}

#[test]
fn not_to_be_written() {
    let x = |shape: &[usize], dtype| [spec("x", shape, dtype)];
    refused_tensor(written(&x(&[1], Dtype::I8), &[1.0]), "x", "floats for the type I8");
    refused_tensor(written(&x(&[2], Dtype::F32), &[1.0]), "x", "1 elements for the shape [2]");
    refused_tensor(written(&x(&[1], Dtype::I64), &[1.0]), "x", "I64 cannot be written");
    refused_tensor(written(&x(&[1], Dtype::F64), &[1.0]), "x", "F64 cannot be written");
    refused_tensor(written(&x(&[usize::MAX, 2], Dtype::F32), &[1.0]), "x", "overflows");
    let twice = [spec("x", &[1], Dtype::F32), spec("x", &[1], Dtype::F32)];
    refused_tensor(written(&twice, &[1.0]), "x", "twice");

    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        for bad in [f32::NAN, f32::INFINITY] {
            let part = format!("element 1, {bad}, is not finite as {dtype}");
            refused_tensor(written(&x(&[2], dtype), &[1.0, bad]), "x", &part);
        }
    }
    refused_tensor(written(&x(&[1], Dtype::F16), &[66246.0]), "x", "element 0, 66246");
    refused_tensor(written(&x(&[1], Dtype::BF16), &[f32::MAX]), "x", "element 0");
    assert!(written(&x(&[1], Dtype::F16), &[65504.0]).is_ok());

    let mut values = vec![1.0; CHUNK / 4 + 10];
    values[CHUNK / 4 + 3] = f32::NAN;
    let part = format!("element {}, NaN", CHUNK / 4 + 3);
    refused_tensor(written(&x(&[values.len()], Dtype::F16), &values), "x", &part);

    let storage = MemoryStorage::new();
    let fails = async |_: &str| Err(Error::setting("device", "is lost"));
    let specs = x(&[1], Dtype::F32);
    let error = block_on(write(&storage, PATH, &BTreeMap::new(), &specs, fails)).unwrap_err();
    assert!(matches!(error, Error::Setting { .. }), "{error:?}");
    assert!(!block_on(storage.exists(PATH)).unwrap());
}
