//! What Hugging Face's tools read from the environment, with the same names and meanings.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use flantune::model::hub::ENDPOINT;

/// Where the hub and its cache are, and who asks.
#[derive(Debug)]
pub(super) struct Environment {
    /// The hub's address, without a slash at its end: `HF_ENDPOINT`.
    pub(super) endpoint: String,
    /// The directory of the cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`.
    pub(super) cache: PathBuf,
    /// `HF_TOKEN`, else what the file of `hf auth login` holds.
    pub(super) token: Option<String>,
    /// Whether nothing may be asked of the network: `HF_HUB_OFFLINE`.
    pub(super) offline: bool,
}

impl Environment {
    pub(super) fn new(offline: bool) -> Self {
        Self::from(&|name| env::var(name).ok(), env::home_dir().unwrap_or_default(), offline)
    }

    fn from(variable: &dyn Fn(&str) -> Option<String>, user: PathBuf, offline: bool) -> Self {
        let set = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| variable(name));
            values.find(|value| !value.trim().is_empty())
        };
        let on = |names: &[&str]| {
            let value = set(names).map(|value| value.to_uppercase());
            matches!(value.as_deref(), Some("1" | "ON" | "YES" | "TRUE"))
        };
        let path = |names: &[&str]| set(names).map(|path| expanded(&path, variable, &user));
        let home = path(&["HF_HOME"]).unwrap_or_else(|| {
            path(&["XDG_CACHE_HOME"]).unwrap_or_else(|| user.join(".cache")).join("huggingface")
        });
        let file = path(&["HF_TOKEN_PATH"]).unwrap_or_else(|| home.join("token"));
        let token = || {
            set(&["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]).or_else(|| fs::read_to_string(file).ok())
        };
        let token = if on(&["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) { None } else { token() };
        Environment {
            endpoint: set(&["HF_ENDPOINT"])
                .map_or_else(|| ENDPOINT.to_owned(), |it| it.trim_end_matches('/').to_owned()),
            cache: path(&["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"])
                .unwrap_or_else(|| home.join("hub")),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline: offline || on(&["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]),
        }
    }
}

/// A path as huggingface_hub reads it: with the user's directory for `~`, and variables' values for
/// `$NAME` and `${NAME}`. One that is not set stays as it is.
fn expanded(path: &str, variable: &dyn Fn(&str) -> Option<String>, user: &Path) -> PathBuf {
    let (mut found, mut rest) = (String::new(), path);
    while let Some((before, after)) = rest.split_once('$') {
        found += before;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, written) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}'))
        {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match variable(name).filter(|_| !name.is_empty()) {
            Some(value) => found += &value,
            None => found = found + "$" + &after[..written],
        }
        rest = &after[written..];
    }
    found += rest;
    match found.strip_prefix('~') {
        Some("") => user.to_owned(),
        Some(below) if below.starts_with(['/', '\\']) => user.join(&below[1..]),
        _ => PathBuf::from(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment::from(&variable, PathBuf::from("/no/home"), false)
    }

    #[test]
    fn the_cache_is_where_hugging_face_has_it() {
        let cache = |variables: &[(&str, &str)]| environment(variables).cache;
        assert_eq!(cache(&[]), PathBuf::from("/no/home/.cache/huggingface/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x")]), PathBuf::from("/x/huggingface/hub"));
        let home = ("HF_HOME", "~/h");
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x"), home]), PathBuf::from("/no/home/h/hub"));
        assert_eq!(cache(&[home, ("HF_HUB_CACHE", "/c")]), PathBuf::from("/c"));
        for (written, expected) in [
            ("$HOME/h", "/me/h"),
            ("${HOME}/h", "/me/h"),
            ("/a/$HOME$HOME", "/a//me/me"),
            ("~", "/no/home"),
            ("$NONE/h", "$NONE/h"),
            ("${NONE}/$", "${NONE}/$"),
            ("~other/h", "~other/h"),
        ] {
            for name in ["HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME"] {
                let end = match name {
                    "HF_HOME" => "/hub",
                    "HF_HUB_CACHE" => "",
                    _ => "/huggingface/hub",
                };
                let found = cache(&[("HOME", "/me"), (name, written)]);
                assert_eq!(found, PathBuf::from(format!("{expected}{end}")), "{name}={written}");
            }
        }
        assert_eq!(
            cache(&[("HF_HUB_CACHE", "")]),
            PathBuf::from("/no/home/.cache/huggingface/hub")
        );
    }

    #[test]
    fn a_token_is_in_the_environment_or_in_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap();
        fs::write(directory.path().join("token"), "from-file\n").unwrap();
        let token = |variables: &[(&str, &str)]| environment(variables).token;
        assert_eq!(token(&[]), None);
        assert_eq!(token(&[("HF_HOME", home)]).as_deref(), Some("from-file"));
        let both = [("HF_HOME", home), ("HF_TOKEN", " given ")];
        assert_eq!(token(&both).as_deref(), Some("given"));
        assert_eq!(token(&[both[0], both[1], ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
    }

    #[test]
    fn the_hub_and_whether_to_ask_it() {
        let found = environment(&[("HF_ENDPOINT", "http://mirror/hf/"), ("HF_HUB_OFFLINE", "0")]);
        assert_eq!((found.endpoint.as_str(), found.offline), ("http://mirror/hf", false));
        assert_eq!(environment(&[]).endpoint, ENDPOINT);
        assert!(environment(&[("HF_HUB_OFFLINE", "yes")]).offline);
        assert!(environment(&[("TRANSFORMERS_OFFLINE", "1")]).offline);
    }
}
