//! peft's rules for which modules of a model an adapter stands beside, as a configuration gives them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::pattern::{NUMBER, Pattern, PatternBudget};
use crate::{
    config::TargetModule,
    error::short,
    model::{
        T5,
        linear::Linear,
        parameter::{Parameter, Parameters},
    },
};

/// What of a model an adapter stands beside (peft's `target_modules` and what goes with it).
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// Which modules (`target_modules`).
    pub names: Names,
    /// Which of them not (`exclude_modules`).
    pub excluded: Option<Names>,
    /// In which layers only (`layers_to_transform`, `layers_pattern`).
    pub layers: Option<Layers>,
}

/// Modules by their paths, such as `encoder.block.0.layer.0.SelfAttention.q`.
#[derive(Clone, Debug, PartialEq)]
pub enum Names {
    /// Those that end with one of these, by whole parts: `q`, `SelfAttention.q`.
    List(Vec<String>),
    /// Those whose whole path the regular expression matches.
    Pattern(String),
    /// All linear maps but the head.
    AllLinear,
}

/// Layers by their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Layers {
    /// Those that count; a list of none means all.
    pub numbers: Vec<i64>,
    /// What stands before the number in a path, as regular expressions; the first number of all where
    /// there is none.
    pub patterns: Vec<String>,
}

/// The maps of a model that the rules choose.
#[derive(Debug)]
pub(in crate::adapter) struct Chosen {
    /// In the order of the walk.
    pub(in crate::adapter) maps: Vec<Linear>,
    /// The names that no map of the model has.
    pub(in crate::adapter) unmatched: Vec<String>,
}

impl Names {
    /// Whether it is a list of none.
    pub(in crate::adapter) fn is_empty(&self) -> bool {
        matches!(self, Names::List(names) if names.is_empty())
            || matches!(self, Names::Pattern(pattern) if pattern.is_empty())
    }

    /// As the file has them.
    pub(in crate::adapter) fn value(&self) -> Value {
        match self {
            Names::List(names) => json!(names),
            Names::Pattern(pattern) => json!(pattern),
            Names::AllLinear => json!("all-linear"),
        }
    }
}

impl From<Vec<TargetModule>> for Targets {
    fn from(names: Vec<TargetModule>) -> Self {
        let names = Names::List(names.into_iter().map(String::from).collect());
        Targets { names, excluded: None, layers: None }
    }
}

impl Targets {
    /// As a run's configuration has them: the names of a list, once it is that of a model.
    pub(in crate::adapter) fn modules(&self) -> Vec<TargetModule> {
        match &self.names {
            Names::List(names) => names.iter().filter_map(|name| TargetModule::new(name)).collect(),
            Names::Pattern(_) | Names::AllLinear => Vec::new(),
        }
    }

    /// The maps of this model that are meant.
    ///
    /// # Errors
    /// What is meant beside linear maps, that nothing is, or what is wrong with a pattern.
    pub(in crate::adapter) fn choose(
        &self,
        model: &T5,
        budget: &mut PatternBudget,
    ) -> Result<Chosen, String> {
        let modules = Modules::of(model);
        let rules = Rules {
            names: Matcher::new(&self.names, budget).map_err(at("target_modules"))?,
            excluded: match &self.excluded {
                Some(names) => Some(Matcher::new(names, budget).map_err(at("exclude_modules"))?),
                None => None,
            },
            layers: match &self.layers {
                Some(layers) => {
                    Some(LayerMatcher::new(layers, budget).map_err(at("layers_pattern"))?)
                }
                None => None,
            },
        };
        if self.names != Names::AllLinear {
            for other in &modules.others {
                if rules.choose(other)? {
                    return Err(format!(
                        "`target_modules` names `{other}`, beside which nothing can stand here; expected \
                         linear maps of T5: {}",
                        TargetModule::NAMES.join(", ")
                    ));
                }
            }
        }
        let mut maps = Vec::new();
        for map in &modules.maps {
            if rules.choose(&map.name)? {
                maps.push(map.clone());
            }
        }
        let known = |name: &String| {
            let one = std::slice::from_ref(name);
            let names = modules.maps.iter().map(|map| map.name.as_str());
            names.chain(modules.others.iter().map(String::as_str)).any(|path| ends(one, path))
        };
        let unmatched = match &self.names {
            Names::List(names) => names.iter().filter(|name| !known(name)).cloned().collect(),
            Names::Pattern(_) | Names::AllLinear => Vec::new(),
        };
        if maps.is_empty() {
            return Err(self.nothing(&modules));
        }
        Ok(Chosen { maps, unmatched })
    }

    /// That no map is meant, by which keys, and what there is.
    fn nothing(&self, modules: &Modules) -> String {
        let mut keys = vec![format!("`target_modules` ({})", short(&self.names.value()))];
        if let Some(excluded) = &self.excluded {
            keys.push(format!("`exclude_modules` ({})", short(&excluded.value())));
        }
        if let Some(layers) = &self.layers {
            keys.push(format!("`layers_to_transform` ({})", short(&json!(layers.numbers))));
        }
        let there = last_parts(&modules.maps);
        format!("{}: no linear map of the model is meant; it has {there}", keys.join(" with "))
    }

    /// The same of this model alone, as a list of names: those given, or as few as mean these maps.
    pub(in crate::adapter) fn settled(&self, model: &T5, chosen: &Chosen) -> Self {
        let names = match (&self.names, &self.excluded, &self.layers) {
            (Names::List(names), None, None) => {
                names.iter().filter(|name| !chosen.unmatched.contains(name)).cloned().collect()
            }
            _ => fewest(model, chosen),
        };
        Targets { names: Names::List(names), excluded: None, layers: None }
    }

    /// The same of this model alone, as the paths of all maps.
    pub(in crate::adapter) fn paths(chosen: &Chosen) -> Self {
        let names = chosen.maps.iter().map(|map| map.name.clone()).collect();
        Targets { names: Names::List(names), excluded: None, layers: None }
    }
}

/// The shortest ends of paths that mean these maps and no others: of one part where all maps with that
/// end are meant, else of two, else whole paths.
fn fewest(model: &T5, chosen: &Chosen) -> Vec<String> {
    let all = Modules::of(model).maps;
    let mut names: Vec<String> = Vec::new();
    for map in &chosen.maps {
        if ends(&names, &map.name) {
            continue;
        }
        let parts: Vec<&str> = map.name.split('.').collect();
        let shortest = [1, 2].into_iter().map(|count| parts[parts.len() - count..].join("."));
        let means_only = |end: &String| {
            let one = std::slice::from_ref(end);
            all.iter()
                .filter(|other| ends(one, &other.name))
                .all(|other| chosen.maps.iter().any(|map| map.name == other.name))
        };
        names.push(shortest.into_iter().find(means_only).unwrap_or_else(|| map.name.clone()));
    }
    names
}

/// The last parts of the maps' paths, for people.
pub(super) fn last_parts(maps: &[Linear]) -> String {
    let last: BTreeSet<&str> = maps.iter().filter_map(|map| map.name.rsplit('.').next()).collect();
    last.into_iter().collect::<Vec<_>>().join(", ")
}

/// Whether a path ends with one of the names, by whole parts.
fn ends(names: &[String], path: &str) -> bool {
    names.iter().any(|name| {
        let rest = path.strip_suffix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// What is wrong, with the key that it stands under.
pub(in crate::adapter) fn at(key: &str) -> impl Fn(String) -> String + '_ {
    move |message| format!("`{key}`: {message}")
}

/// The modules of a T5 as peft sees them.
pub(super) struct Modules {
    /// Its linear maps, in the order of the walk.
    pub(super) maps: Vec<Linear>,
    /// The head, embeddings, norms, and what holds others.
    others: BTreeSet<String>,
}

impl Modules {
    pub(super) fn of(model: &T5) -> Self {
        let mut maps = Vec::new();
        let own = ["lm_head", "encoder.embed_tokens", "decoder.embed_tokens"];
        let mut others: BTreeSet<String> = own.into_iter().map(str::to_owned).collect();
        model.clone().visit(&mut |name, parameter| {
            let module = name.strip_suffix(".weight").unwrap_or(name);
            for (at, _) in module.match_indices('.') {
                let holder = &module[..at];
                let last = holder.rsplit('.').next().unwrap_or("");
                let number = last.chars().all(|c| c.is_ascii_digit());
                let of_layer = number && holder.rsplit('.').nth(1) == Some("layer");
                if of_layer || matches!(last, "encoder" | "decoder" | "DenseReluDense") {
                    others.insert(format!("{holder}.dropout"));
                }
                if last == "DenseReluDense" {
                    others.insert(format!("{holder}.act"));
                }
                others.insert(holder.to_owned());
            }
            match (TargetModule::new(module), parameter) {
                (Some(_), Parameter::Weight(weight)) => {
                    maps.push(Linear { name: module.to_owned(), weight: weight.clone() });
                }
                _ => drop(others.insert(module.to_owned())),
            }
        });
        Modules { maps, others }
    }
}

/// The rules, ready to be asked.
struct Rules {
    names: Matcher,
    excluded: Option<Matcher>,
    layers: Option<LayerMatcher>,
}

impl Rules {
    /// Whether a module is meant.
    fn choose(&self, path: &str) -> Result<bool, String> {
        if let Some(excluded) = &self.excluded
            && excluded.matches(path).map_err(at("exclude_modules"))?
        {
            return Ok(false);
        }
        if !self.names.matches(path).map_err(at("target_modules"))? {
            return Ok(false);
        }
        match &self.layers {
            // A whole path in the list is meant whatever its layer.
            Some(_) if self.names.lists(path) => Ok(true),
            Some(layers) => layers.matches(path).map_err(at("layers_pattern")),
            None => Ok(true),
        }
    }
}

/// Names, ready to be asked.
#[derive(Debug)]
pub(in crate::adapter) enum Matcher {
    List(Vec<String>),
    Pattern(Pattern),
    AllLinear,
}

impl Matcher {
    /// # Errors
    /// What is wrong with a pattern.
    pub(in crate::adapter) fn new(
        names: &Names,
        budget: &mut PatternBudget,
    ) -> Result<Self, String> {
        Ok(match names {
            Names::List(names) => Matcher::List(names.clone()),
            Names::Pattern(pattern) => Matcher::Pattern(Pattern::whole(pattern, budget)?),
            Names::AllLinear => Matcher::AllLinear,
        })
    }

    /// # Errors
    /// Where a pattern takes too long to tell.
    pub(in crate::adapter) fn matches(&self, path: &str) -> Result<bool, String> {
        match self {
            Matcher::List(names) => Ok(ends(names, path)),
            Matcher::Pattern(pattern) => pattern.matches(path),
            Matcher::AllLinear => Ok(TargetModule::new(path).is_some()),
        }
    }

    /// Whether the whole path is in a list.
    fn lists(&self, path: &str) -> bool {
        matches!(self, Matcher::List(names) if names.iter().any(|name| name == path))
    }
}

struct LayerMatcher {
    numbers: Vec<i64>,
    patterns: Vec<Pattern>,
}

impl LayerMatcher {
    fn new(layers: &Layers, budget: &mut PatternBudget) -> Result<Self, String> {
        let of = |pattern: &String| {
            let wrap = |given: &str| format!(r"^(?:(?:^|.*?\.){given}\.(?P<{NUMBER}>\d+)\.)");
            Pattern::new(pattern, wrap, budget)
        };
        let mut patterns = layers.patterns.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        if patterns.is_empty() {
            let wrap = |given: &str| format!(r"^.*?\.{given}\.(?P<{NUMBER}>\d+)\.");
            patterns.push(Pattern::new("[^.]*", wrap, budget)?);
        }
        Ok(LayerMatcher { numbers: layers.numbers.clone(), patterns })
    }

    fn matches(&self, path: &str) -> Result<bool, String> {
        for pattern in &self.patterns {
            if let Some(number) = pattern.number(path)? {
                return Ok(self.numbers.contains(&number));
            }
        }
        Ok(false)
    }
}
