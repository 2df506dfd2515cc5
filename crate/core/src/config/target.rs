//! Which linear maps of a model something is trained beside.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::setting::{Setting, ValueKind};

/// T5's linear maps: attention's queries, keys, values and output; the gate and the linear input of a
/// gated feed-forward layer, the input of one without a gate (T5 v1.0), and the output of both.
const MAPS: &[&str] = &["q", "k", "v", "o", "wi_0", "wi_1", "wi", "wo"];

/// A linear map of T5 by the last part of its path, such as `q`, or by the last parts, such as
/// `EncDecAttention.q` or `decoder.block.0.layer.1.EncDecAttention.q`: as peft names them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TargetModule(String);

impl TargetModule {
    /// The names without a path.
    pub const NAMES: &'static [&'static str] = MAPS;

    /// None where the last part is none of [`TargetModule::NAMES`].
    pub fn new(name: &str) -> Option<Self> {
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let last = name.rsplit('.').next();
        let known = last.is_some_and(|last| MAPS.contains(&last));
        (known && name.split('.').all(part)).then(|| TargetModule(name.to_owned()))
    }

    /// The name, or the end of the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names the map at `module`, such as `decoder.block.0.layer.1.EncDecAttention.v`: by
    /// whole parts from the end, as peft does it.
    pub fn names(&self, module: &str) -> bool {
        let rest = module.strip_suffix(self.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for TargetModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<TargetModule> for String {
    fn from(module: TargetModule) -> Self {
        module.0
    }
}

impl TryFrom<String> for TargetModule {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        TargetModule::new(&name).ok_or(name)
    }
}

impl Setting for Vec<TargetModule> {
    const KIND: ValueKind = ValueKind::List(TargetModule::NAMES);

    fn expected() -> String {
        format!("{}; or of ends of their paths, such as EncDecAttention.q", Self::KIND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_whole_parts_from_the_end() {
        let named = |name: &str, module: &str| TargetModule::new(name).unwrap().names(module);
        let block = "encoder.block.0.layer.0.SelfAttention";
        assert!(named("q", &format!("{block}.q")));
        assert!(named(&format!("{block}.o"), &format!("{block}.o")));
        assert!(named("EncDecAttention.v", "decoder.block.1.layer.1.EncDecAttention.v"));
        assert!(!named("EncDecAttention.v", &format!("{block}.v")));
        assert!(!named(&format!("{block}.o"), "encoder.block.1.layer.0.SelfAttention.o"));
        let dense = "encoder.block.0.layer.1.DenseReluDense";
        assert!(named("wi", &format!("{dense}.wi")));
        assert!(!named("wi", &format!("{dense}.wi_0")));
        assert!(!named("wi", &format!("{dense}.xwi")));
    }

    #[test]
    fn other_modules_are_none() {
        for name in ["lm_head", "shared", "", ".", "q.", ".q.", "q*", "SelfAttention", "../q", "Q"]
        {
            assert_eq!(TargetModule::new(name), None, "{name}");
        }
    }
}
