//! Which file of a crate uses which, read from its code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What a file's code names, by paths from the crate's root.
#[derive(Debug, Default)]
struct Named {
    used: Vec<String>,
    /// What it passes on as its own (`pub use`), by the name that it has here.
    passed_on: BTreeMap<String, String>,
}

/// The modules that the module of each file uses, `text::rows` for `text/rows.rs`.
///
/// A module and those below it are one in parts, in Rust's ordinary way: a file may use what the modules
/// around it define, such as the trait whose implementations these list. So a use of one's own parents
/// does not count. Nor does a parent come between who uses a thing and the file that defines it, only
/// because it passes the thing on.
pub(super) fn uses(root: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut codes = BTreeMap::new();
    walk(root, &mut |path| {
        let module = path.strip_prefix(root).unwrap().with_extension("");
        let parts: Vec<&str> = module.iter().map(|part| part.to_str().unwrap()).collect();
        if parts[0] != "layers" && parts.last() != Some(&"tests") {
            let own = |part: &&str| !matches!(*part, "mod" | "lib");
            let module = parts.into_iter().filter(own).collect::<Vec<_>>().join("::");
            codes.insert(module, code(&fs::read_to_string(path).unwrap()));
        }
    });
    let names: BTreeSet<&str> = codes.keys().map(String::as_str).collect();
    let named: BTreeMap<&str, Named> = codes
        .iter()
        .map(|(module, code)| (module.as_str(), names_in(code, module, &names)))
        .collect();
    let of = |module: &str, named_here: &Named| {
        let defined = named_here.used.iter().chain(named_here.passed_on.values());
        let defined = defined.map(|path| definer(path, &named, 8));
        defined.filter(|other| !within(module, other)).map(str::to_owned).collect()
    };
    named.iter().map(|(module, here)| ((*module).to_owned(), of(module, here))).collect()
}

fn walk(path: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, visit) } else { visit(&path) }
    }
}

/// A file without its tests and comments.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn names_in(code: &str, module: &str, modules: &BTreeSet<&str>) -> Named {
    let (mut named, mut rest) = (Named::default(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let statement = line.trim_start().split_once("use ");
        let is_use = |(before, _): &(&str, &str)| before.is_empty() || before.starts_with("pub");
        let Some((before, tree)) = statement.filter(is_use) else {
            rest += line;
            rest.push('\n');
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree += lines.next().map_or(";", str::trim);
        }
        for path in branches(tree.split(';').next().unwrap_or_default()) {
            let Some(path) = from_root(&path, module, modules) else { continue };
            match path.rsplit("::").next().filter(|_| !before.is_empty()) {
                Some(name) => drop(named.passed_on.insert(name.to_owned(), path.clone())),
                None => named.used.push(path),
            }
        }
    }
    let words = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    let paths = words.filter(|word| word.contains("::"));
    named.used.extend(paths.filter_map(|path| from_root(path, module, modules)));
    named
}

/// The paths of a `use`: `a::{b, c::d}` has `a::b` and `a::c::d`.
fn branches(tree: &str) -> Vec<String> {
    let Some((stem, group)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let mut depth = 0;
    let between = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let parts = group.split(between).filter(|part| !part.trim().is_empty());
    parts.flat_map(branches).map(|path| format!("{}{path}", stem.trim())).collect()
}

/// A path as it is from the crate's root; none of what is not of this crate.
fn from_root(path: &str, module: &str, modules: &BTreeSet<&str>) -> Option<String> {
    let mut around: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    match *parts.peek()? {
        "crate" => around.clear(),
        "self" | "super" => {}
        child => {
            let child = around.iter().copied().chain([child]).collect::<Vec<_>>().join("::");
            modules.get(child.as_str())?;
        }
    }
    for part in parts {
        match part {
            "super" => drop(around.pop()),
            "crate" | "self" | "" => {}
            part => around.push(part),
        }
    }
    Some(around.join("::"))
}

/// The module whose file defines what a path names.
fn definer<'a>(path: &str, named: &BTreeMap<&'a str, Named>, most: usize) -> &'a str {
    let mut end = path.len();
    let (module, here) = loop {
        match named.get_key_value(&path[..end]) {
            Some(found) => break found,
            None => end = path[..end].rfind("::").unwrap_or(0),
        }
    };
    let further = path[end..].trim_start_matches("::");
    let (name, further) = further.split_once("::").unwrap_or((further, ""));
    match here.passed_on.get(name) {
        Some(from) if most > 0 => definer(&format!("{from}::{further}"), named, most - 1),
        _ => module,
    }
}

/// Whether a module is another, or lies in it.
fn within(module: &str, other: &str) -> bool {
    let below = module.strip_prefix(other);
    below.is_some_and(|below| below.is_empty() || other.is_empty() || below.starts_with("::"))
}

#[test]
fn every_way_to_name_a_module_is_read() {
    let modules = BTreeSet::from(["", "a", "a::b", "a::b::c", "d"]);
    let code = "use crate::{d::{X, Y as Z}, a};\nuse std::fmt;\npub(crate) use self::c::{C,\n  D};\n\
                fn f() { super::g(c::h(), crate::d::i(), fmt::x()) }";
    let Named { used, passed_on } = names_in(code, "a::b", &modules);
    assert_eq!(used, ["d::X", "d::Y", "a", "a::g", "a::b::c::h", "d::i"]);
    let expected = ["C", "D"].map(|name| (name.to_owned(), format!("a::b::c::{name}")));
    assert_eq!(passed_on, expected.into());
    let named = BTreeMap::from([
        ("", Named::default()),
        ("a::b", Named { used, passed_on }),
        ("a::b::c", Named::default()),
    ]);
    for (path, file) in [("a::b::C::new", "a::b::c"), ("a::b::E", "a::b"), ("a", "")] {
        assert_eq!(definer(path, &named, 8), file);
    }
    assert!(within("a::b", "a") && within("a", "") && !within("ab", "a") && !within("a", "a::b"));
}
