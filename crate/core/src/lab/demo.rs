//! The first minute: a base, LoRA and prompt tuning beside each other on a small set of our own.

use serde::Serialize;
use serde_json::json;

use crate::{
    adapter::Adapter,
    config::{EvalConfig, Method, RunConfig},
    error::{Error, Result},
    host::Host,
    metric::{Metric, Metrics},
    optimizer::OptimizerKind,
    output,
    session::Session,
    storage::join,
    text::dataset::Dataset,
    train::event::{Event, Sample},
};

/// A set of `data/`, with the settings that suit it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demo {
    /// Its folder's name.
    pub name: &'static str,
    /// What is to be learnt, in a few words.
    pub about: &'static str,
    /// Its template, as in its folder.
    pub template: &'static str,
    paces: Paces,
}

/// How each method learns a set.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Paces {
    lora: Pace,
    prompt: Pace,
}

/// How fast a set is learnt.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pace {
    /// Rows of a batch.
    batch_size: usize,
    length: Length,
    learning_rate: f64,
    /// Steps from one loss of held-out rows to the next; none for one after each epoch.
    eval_every: Option<usize>,
}

/// The length of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Epochs(usize),
    Steps(usize),
}

/// What sets of some 200 rows take that are learnt from several looks at each row.
const STEADY: Paces = Paces {
    lora: Pace { batch_size: 8, length: Length::Epochs(3), learning_rate: 5e-3, eval_every: None },
    prompt: Pace { batch_size: 8, length: Length::Epochs(4), learning_rate: 0.5, eval_every: None },
};

/// The same ROUGE-L from fewer rows, where it is mostly a form that is learnt
/// (docs/performance.md).
const QUICK: Paces = Paces {
    lora: Pace {
        batch_size: 8,
        length: Length::Steps(60),
        learning_rate: 5e-3,
        eval_every: Some(20),
    },
    prompt: Pace {
        batch_size: 4,
        length: Length::Steps(100),
        learning_rate: 1.0,
        eval_every: Some(20),
    },
};

/// All there are; the first is the one that is meant unless another is named.
pub const DEMOS: [Demo; 3] = [
    Demo {
        name: "reviews",
        about: "a title in the shop's own form for a review",
        template: include_str!("../../../../data/reviews/template.txt"),
        paces: QUICK,
    },
    Demo {
        name: "dialogues",
        about: "a dialogue in one line",
        template: include_str!("../../../../data/dialogues/template.txt"),
        paces: STEADY,
    },
    Demo {
        name: "casual",
        about: "formal sentences in casual words",
        template: include_str!("../../../../data/casual/template.txt"),
        paces: STEADY,
    },
];

/// The methods that are compared with the base, in their order.
pub const METHODS: [Method; 2] = [Method::Lora, Method::Prompt];

/// What the base, or an adapter beside it, made of the rows that no training has seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// `base`, `lora` or `prompt`.
    pub name: &'static str,
    /// The loss and ROUGE.
    pub metrics: Metrics,
    /// Numbers that were trained.
    pub trainable_parameters: u64,
    /// Seconds that training and scoring took.
    pub seconds: f64,
    /// The most memory in use so far, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// The rows with what was written for them.
    #[serde(skip)]
    pub samples: Vec<Sample>,
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum DemoEvent<'a> {
    /// Work on the base or a method begins.
    Begun(&'static str),
    /// What a run tells.
    Event(&'a Event),
    /// So many of so many rows are scored.
    Scoring(usize, usize),
    /// Its work is done.
    Scored(&'a Scored),
}

impl Demo {
    /// The set of this name.
    ///
    /// # Errors
    /// [`Error::Setting`] for another, with the names that there are.
    pub fn named(name: &str) -> Result<&'static Self> {
        DEMOS.iter().find(|demo| demo.name == name).ok_or_else(|| {
            let names: Vec<&str> = DEMOS.iter().map(|demo| demo.name).collect();
            Error::setting("data", format!("found `{name}`, expected one of {}", names.join(", ")))
        })
    }

    /// How one of [`METHODS`] is trained on it, with its files in `data`: in seconds, on one core.
    pub fn config(&self, method: Method, data: &str, seed: u64) -> RunConfig {
        let mut config = RunConfig::default();
        config.data.train = Some(join(data, "train.jsonl"));
        config.data.validation = Some(join(data, "validation.jsonl"));
        config.data.template = Some(self.template.trim().to_owned());
        config.data.max_source_tokens = 128;
        config.data.max_target_tokens = 48;
        config.method.method = method;
        config.train.seed = seed;
        // Nobody resumes what takes half a minute.
        config.train.checkpoint_every = 1_000_000;
        config.eval.eval_samples = 0;
        config.eval.max_new_tokens = Some(48);
        let pace = match method {
            Method::Prompt => {
                config.method.num_virtual_tokens = 20;
                config.train.optimizer = Some(OptimizerKind::Adamw);
                self.paces.prompt
            }
            Method::Lora | Method::Ia3 | Method::Full => {
                config.method.rank = 8;
                self.paces.lora
            }
        };
        config.train.batch_size = pace.batch_size;
        match pace.length {
            Length::Epochs(epochs) => config.train.epochs = epochs,
            Length::Steps(steps) => config.train.max_steps = Some(steps),
        }
        config.train.learning_rate = Some(pace.learning_rate);
        config.eval.eval_every = pace.eval_every;
        config
    }

    /// Scores the base, then trains and scores each method, with the set's files in `data` and what
    /// is written below `into`.
    ///
    /// # Errors
    /// As [`Session::train`] and [`Session::evaluate`].
    pub async fn run(
        &self,
        host: &Host,
        session: &Session,
        data: &str,
        into: &str,
        seed: u64,
        tell: &mut dyn FnMut(DemoEvent<'_>) -> Result<()>,
    ) -> Result<Vec<Scored>> {
        for method in METHODS {
            // Before anything is computed, which would be lost.
            let directory = join(into, method.name());
            output::check_directory(&*host.storage, &directory, &[]).await?;
        }
        let config = self.config(METHODS[0], data, seed);
        let rows = session.dataset(&join(data, "test.jsonl"), &config.data, seed).await?;
        let mut all = Vec::new();
        for method in std::iter::once(None).chain(METHODS.map(Some)) {
            let begun = host.clock.seconds();
            let name = method.map_or("base", Method::name);
            tell(DemoEvent::Begun(name))?;
            let adapter = match method {
                Some(method) => Some(self.train(session, method, data, into, seed, tell).await?),
                None => None,
            };
            let (adapter, trainable_parameters) = adapter.map_or((None, 0), |(a, n)| (Some(a), n));
            let (metrics, samples) = score(session, adapter.as_ref(), &rows, &config, tell).await?;
            let seconds = host.clock.seconds() - begun;
            let peak_bytes = host.clock.peak_bytes();
            let scored =
                Scored { name, metrics, trainable_parameters, seconds, peak_bytes, samples };
            tell(DemoEvent::Scored(&scored))?;
            all.push(scored);
        }
        Ok(all)
    }

    async fn train(
        &self,
        session: &Session,
        method: Method,
        data: &str,
        into: &str,
        seed: u64,
        tell: &mut dyn FnMut(DemoEvent<'_>) -> Result<()>,
    ) -> Result<(Adapter, u64)> {
        let config = self.config(method, data, seed);
        let output = join(into, method.name());
        let (train, validation) = session.datasets(&config).await?;
        let mut run = session.train(&config, train, validation, &output, false).await?;
        while !run.is_done() {
            for event in run.step().await? {
                tell(DemoEvent::Event(&event))?;
            }
        }
        let parameters = run.parameters() as u64;
        Ok((session.load_adapter(&output).await?, parameters))
    }
}

/// The closing event of a demo's or a comparison's runs.
pub fn done(runs: &[Scored]) -> serde_json::Value {
    json!({ "event": "done", "runs": runs })
}

async fn score(
    session: &Session,
    adapter: Option<&Adapter>,
    rows: &Dataset,
    config: &RunConfig,
    tell: &mut dyn FnMut(DemoEvent<'_>) -> Result<()>,
) -> Result<(Metrics, Vec<Sample>)> {
    let eval = EvalConfig {
        metrics: vec![Metric::Loss, Metric::Rouge1, Metric::Rouge2, Metric::RougeL],
        ..config.eval.clone()
    };
    let mut told = Ok(());
    let mut progress = |done| told = tell(DemoEvent::Scoring(done, rows.len()));
    // Of like length together, and many at once: the rows are short.
    let (metrics, results) = session.evaluate(rows, adapter, &eval, 32, &mut progress).await?;
    told?;
    let mut samples = Vec::with_capacity(results.len());
    for (place, result) in results.into_iter().enumerate() {
        let example = rows.example(place).await?;
        samples.push(Sample {
            source: example.source_text,
            reference: example.target_text,
            prediction: result.prediction.unwrap_or_default(),
        });
    }
    Ok((metrics, samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demo_has_sound_settings() {
        for demo in DEMOS {
            assert_eq!(Demo::named(demo.name).unwrap(), &demo);
            for method in METHODS {
                demo.config(method, "data", 1).resolve().unwrap();
            }
        }
        let error = Demo::named("review").unwrap_err().to_string();
        assert_eq!(error, "data: found `review`, expected one of reviews, dialogues, casual");
    }
}
