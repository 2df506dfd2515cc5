//! Which module may use which: each only those before it in [`LAYERS`], and no file one that uses it in
//! turn.

mod uses;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
};

use uses::uses;

/// From what knows of nothing to what knows of all.
const LAYERS: [&str; 23] = [
    "named",
    "error",
    "bounded",
    "encoding",
    "rng",
    "exact",
    "storage",
    "output",
    "host",
    "device",
    "ops",
    "optimizer",
    "metric",
    "config",
    "text",
    "model",
    "adapter",
    "generate",
    "train",
    "proof",
    "session",
    "lab",
    "",
];

fn of_this_crate() -> BTreeMap<String, BTreeSet<String>> {
    let files = uses(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(files.len() > 100, "{} files", files.len());
    files
}

/// The files of the shortest way from a file back to itself, if there is one.
fn circle(uses: &BTreeMap<String, BTreeSet<String>>, file: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses.get(*way.last()?)? {
            let way = || way.iter().copied().chain([next.as_str()]);
            if next == file {
                return Some(way().map(str::to_owned).collect());
            }
            if seen.insert(next) {
                ways.push_back(way().collect());
            }
        }
    }
    None
}

#[test]
fn each_module_uses_those_below_it() {
    let mut upward = Vec::new();
    for (file, used) in of_this_crate() {
        let place = |name: &str| {
            let module = name.split("::").next();
            let place = LAYERS.iter().position(|layer| Some(*layer) == module);
            place.unwrap_or_else(|| panic!("{name} has no layer"))
        };
        let above = used.iter().filter(|other| place(other) > place(&file));
        upward.extend(above.map(|other| format!("{file} uses {other}")));
    }
    assert_eq!(upward, [""; 0]);
}

#[test]
fn no_file_uses_what_uses_it() {
    let uses = of_this_crate();
    let circles: Vec<_> = uses.keys().filter_map(|file| circle(&uses, file)).collect();
    assert_eq!(circles, [[""; 0]; 0]);
}

#[test]
fn a_circle_of_files_is_found() {
    let mut uses = BTreeMap::new();
    for (file, used) in [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")] {
        uses.insert(file.to_owned(), BTreeSet::from([used.to_owned()]));
    }
    assert_eq!(circle(&uses, "b").unwrap(), ["b", "c", "b"]);
    assert_eq!((circle(&uses, "a"), circle(&uses, "d")), (None, None));
}
