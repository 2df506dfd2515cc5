//! Which module may use which: each only those before it in [`LAYERS`].

use std::{collections::BTreeSet, fs, path::Path};

/// From what knows of nothing to what knows of all.
const LAYERS: [&str; 22] = [
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
    "session",
    "lab",
    "lib",
];

/// The modules of this crate that a file's code names, tests left out.
fn used(code: &str) -> BTreeSet<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or(code);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let word = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("").to_owned()
    };
    let mut used = BTreeSet::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            used.insert(word(path));
            continue;
        };
        let mut depth = 0;
        let first = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (c == ',' && depth == 0) || depth < 0
        };
        let end = group.find("};").unwrap_or(group.len());
        used.extend(group[..end].split(first).map(|part| word(part.trim())));
    }
    used
}

fn walk(path: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}

#[test]
fn each_module_uses_those_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let place = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let (mut files, mut upward) = (0, Vec::new());
    walk(&root, &mut |path| {
        let module = path.strip_prefix(&root).unwrap().with_extension("");
        let module = module.iter().next().unwrap().to_str().unwrap();
        if module == "layers" || path.ends_with("tests.rs") {
            return;
        }
        let own = place(module).unwrap_or_else(|| panic!("{module} has no layer"));
        for name in used(&fs::read_to_string(path).unwrap()) {
            if place(&name).is_some_and(|other| other > own) {
                upward.push(format!("{}: {name}", path.display()));
            }
        }
        files += 1;
    });
    assert!(files > 100, "{files} files");
    assert_eq!(upward, [""; 0]);
}
