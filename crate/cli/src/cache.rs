//! Where the command line keeps what it found out about this machine.

use std::{env, path::PathBuf};

/// The directory of what is known of devices; none where there is no place for it.
pub(crate) fn devices() -> Option<String> {
    let directory = directory(&|name| env::var(name).ok(), env::home_dir())?;
    Some(directory.join("flantune").join("devices").to_str()?.to_owned())
}

/// The user's cache, where the system has it.
fn directory(variable: &dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Option<PathBuf> {
    let set = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = |below: &str| home.filter(|home| home.is_absolute()).map(|home| home.join(below));
    set("XDG_CACHE_HOME").or_else(|| match () {
        () if cfg!(windows) => set("LOCALAPPDATA"),
        () if cfg!(target_vendor = "apple") => home("Library/Caches"),
        () => home(".cache"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn it_is_where_the_user_has_it() {
        let place = |variable: Option<&str>, home: Option<&str>| {
            let variable = variable.map(str::to_owned);
            directory(
                &|name| variable.clone().filter(|_| name == "XDG_CACHE_HOME"),
                home.map(PathBuf::from),
            )
        };
        assert_eq!(place(Some("/c"), Some("/h")), Some("/c".into()));
        assert_eq!(place(None, Some("/h")), Some("/h/.cache".into()));
        // A relative path is to be ignored, by the specification.
        assert_eq!(place(Some("c"), Some("/h")), Some("/h/.cache".into()));
        assert_eq!(place(None, None), None);
    }
}
