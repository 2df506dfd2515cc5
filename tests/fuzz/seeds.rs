//! What targets start from: fixtures of the tests, and files written for this.

use std::{fs, path::Path};

use crate::{MAX_INPUT, Target};

/// The seeds of a target, by name.
pub(crate) fn read(target: &Target) -> Vec<(String, Vec<u8>)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = here.join("seeds").join(target.name);
    let fixture = |path: &&str| (path.replace('/', "-"), here.join("..").join(path));
    let mut seeds: Vec<_> = target.fixtures.iter().map(fixture).collect();
    let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
    seeds.extend(entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())));
    seeds.sort();
    let bytes = |path: &Path| {
        let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(bytes.len() <= MAX_INPUT, "{} is too long for a seed", path.display());
        bytes
    };
    seeds.into_iter().map(|(name, path)| (name, bytes(&path))).collect()
}
