//! Directories: made so that they last, and compared whatever way their names are written.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where a file lies, or is to lie.
pub(super) fn parent(path: &str) -> &Path {
    match Path::new(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the directories on the way to a file.
pub(super) fn make_parent(path: &str) -> io::Result<&Path> {
    let parent = parent(path);
    make(parent)?;
    Ok(parent)
}

/// Makes a directory with those on the way to it, each of which lasts through a power cut. Returns
/// those that were not there, the outermost first.
pub(super) fn make(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(Vec::new());
    }
    let outer = path.parent().unwrap_or(Path::new(""));
    let mut made = make(outer)?;
    match fs::create_dir(path) {
        Ok(()) => made.push(path.to_owned()),
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(error) => return Err(error),
    }
    sync_directory(if outer.as_os_str().is_empty() { Path::new(".") } else { outer })?;
    Ok(made)
}

/// Returns when the names in a directory last through a power cut.
#[cfg(unix)]
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

/// Elsewhere a directory cannot be opened to be synchronised.
#[cfg(not(unix))]
pub(super) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The whole path, without links and detours, of what may not be there yet.
pub(super) fn canonical(path: &str) -> io::Result<PathBuf> {
    let mut there = std::path::absolute(if path.is_empty() { "." } else { path })?;
    let mut missing = Vec::new();
    loop {
        match there.canonicalize() {
            Ok(mut whole) => {
                whole.extend(missing.iter().rev());
                return Ok(whole);
            }
            Err(error) => {
                let name = there.file_name().map(ToOwned::to_owned);
                match name {
                    Some(name) if there.pop() => missing.push(name),
                    _ => return Err(error),
                }
            }
        }
    }
}
