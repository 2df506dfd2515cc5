//! What a run tells whoever drives it: the same objects on the command line (`--json`), in
//! `events.jsonl` and in the page.

use serde::{Deserialize, Serialize};

use crate::{config::Method, error::Error, metric::Metrics, text::Warning};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins, or goes on from a checkpoint.
    Start(Start),
    /// The optimizer has made a step.
    Step(Step),
    /// The validation rows were scored.
    Eval {
        /// Steps made so far.
        step: usize,
        /// The scores.
        metrics: Metrics,
        /// The same few validation rows each time.
        samples: Vec<Sample>,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps made so far.
        step: usize,
        /// Its directory.
        path: String,
    },
    /// Something the user should know, which does not end the run.
    Warning {
        /// A short name for programs.
        code: String,
        /// What it is.
        message: String,
        /// How often it happened, where that counts.
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
    },
    /// The work is done. `eval` ends with this too, with nothing but `metrics`.
    Done(Done),
    /// The work has failed.
    Error {
        /// [`Error::code`].
        code: String,
        /// The error's message.
        message: String,
    },
}

/// How a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// What is trained.
    pub method: Method,
    /// Numbers that the optimizer changes.
    pub trainable_parameters: u64,
    /// All numbers of the model, with those beside it.
    pub total_parameters: u64,
    /// Optimizer steps of the whole run.
    pub steps: usize,
    /// Training examples.
    pub examples: usize,
    /// Validation examples.
    pub validation_examples: usize,
    /// The sets of a mixture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<MixedSet>,
    /// The device's kind: `cpu`, `webgpu`.
    pub device: String,
    /// The step of the checkpoint that the run goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_from: Option<usize>,
}

/// A set of a mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixedSet {
    /// What it goes by.
    pub name: String,
    /// Its training examples.
    pub examples: usize,
    /// Its validation examples.
    pub validation_examples: usize,
    /// Its part of the examples that are trained on.
    pub rate: f64,
}

/// A step of the optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Steps made so far, this one included.
    pub step: usize,
    /// How often the rows were gone through, as a fraction.
    pub epoch: f64,
    /// The mean over the batch's target tokens.
    pub loss: f64,
    /// The rate of this step.
    pub learning_rate: f64,
    /// The norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Tokens of the step's batches: source and target, without padding.
    pub tokens: u64,
    /// Seconds since the run began, without those before a resumption.
    pub seconds: f64,
    /// The speed over the last steps.
    pub tokens_per_second: f64,
    /// Seconds that remain at that speed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<f64>,
}

/// A validation row and what the model makes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The text that the model reads.
    pub source: String,
    /// The text that it should write.
    pub reference: String,
    /// The text that it writes.
    pub prediction: String,
}

/// How the work ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Steps made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Seconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The most memory in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// Where the result lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The last scores, or those of the best step where there is validation.
    pub metrics: Metrics,
}

impl From<Warning> for Event {
    fn from(Warning { code, message, count }: Warning) -> Self {
        Event::Warning { code: code.to_owned(), message, count: Some(count) }
    }
}

impl From<&Error> for Event {
    fn from(error: &Error) -> Self {
        Event::Error { code: error.code().to_owned(), message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The event's JSON is `expected`, and reads back as the same event.
    #[track_caller]
    fn check(event: Event, expected: Value) {
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Event>(&written).unwrap(), event);
    }

    fn metrics(value: Value) -> Metrics {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn start() {
        let start = Start {
            method: Method::Lora,
            trainable_parameters: 344_064,
            total_parameters: 77_305_216,
            steps: 126,
            examples: 500,
            validation_examples: 0,
            sets: Vec::new(),
            device: "cpu".to_owned(),
            resumed_from: None,
        };
        let mut expected = json!({
            "event": "start", "method": "lora", "trainable_parameters": 344064,
            "total_parameters": 77305216, "steps": 126, "examples": 500,
            "validation_examples": 0, "device": "cpu",
        });
        check(Event::Start(start.clone()), expected.clone());
        expected["resumed_from"] = json!(100);
        check(Event::Start(Start { resumed_from: Some(100), ..start.clone() }), expected.clone());
        let name = "a".to_owned();
        let sets = vec![MixedSet { name, examples: 5, validation_examples: 1, rate: 0.25 }];
        expected["sets"] =
            json!([{"name": "a", "examples": 5, "validation_examples": 1, "rate": 0.25}]);
        check(Event::Start(Start { resumed_from: Some(100), sets, ..start }), expected);
    }

    #[test]
    fn step() {
        let step = Step {
            step: 7,
            epoch: 0.056,
            loss: 2.25,
            learning_rate: 0.001,
            gradient_norm: 1.5,
            tokens: 1024,
            seconds: 3.5,
            tokens_per_second: 2048.0,
            eta_seconds: Some(60.0),
        };
        let mut expected = json!({
            "event": "step", "step": 7, "epoch": 0.056, "loss": 2.25, "learning_rate": 0.001,
            "gradient_norm": 1.5, "tokens": 1024, "seconds": 3.5, "tokens_per_second": 2048.0,
            "eta_seconds": 60.0,
        });
        check(Event::Step(step.clone()), expected.clone());
        expected.as_object_mut().unwrap().remove("eta_seconds");
        check(Event::Step(Step { eta_seconds: None, ..step }), expected);
    }

    #[test]
    fn eval() {
        let rouge = json!({"precision": 0.5, "recall": 0.25, "f1": 0.375});
        let sample = Sample {
            source: "a".to_owned(),
            reference: "b".to_owned(),
            prediction: "c".to_owned(),
        };
        check(
            Event::Eval {
                step: 100,
                metrics: metrics(json!({"loss": 1.5, "rougeL": rouge})),
                samples: vec![sample],
            },
            json!({
                "event": "eval", "step": 100, "metrics": {"loss": 1.5, "rougeL": rouge},
                "samples": [{"source": "a", "reference": "b", "prediction": "c"}],
            }),
        );
    }

    #[test]
    fn checkpoint() {
        check(
            Event::Checkpoint { step: 100, path: "out/checkpoints/000100".to_owned() },
            json!({"event": "checkpoint", "step": 100, "path": "out/checkpoints/000100"}),
        );
    }

    #[test]
    fn warning() {
        let warning = |count| Event::Warning {
            code: "truncated".to_owned(),
            message: "3 sources were cut".to_owned(),
            count,
        };
        check(
            warning(Some(3)),
            json!({"event": "warning", "code": "truncated", "message": "3 sources were cut", "count": 3}),
        );
        check(
            warning(None),
            json!({"event": "warning", "code": "truncated", "message": "3 sources were cut"}),
        );
    }

    #[test]
    fn done() {
        let scores = json!({"loss": 1.5});
        check(
            Event::Done(Done {
                steps: Some(126),
                seconds: Some(60.5),
                peak_bytes: Some(900_000_000),
                output: Some("out".to_owned()),
                metrics: metrics(scores.clone()),
            }),
            json!({
                "event": "done", "steps": 126, "seconds": 60.5, "peak_bytes": 900000000,
                "output": "out", "metrics": scores,
            }),
        );
        check(
            Event::Done(Done { metrics: metrics(scores.clone()), ..Done::default() }),
            json!({"event": "done", "metrics": scores}),
        );
    }

    #[test]
    fn error() {
        let error = Error::setting("rank", "found 0, expected a whole number from 1");
        check(
            Event::from(&error),
            json!({
                "event": "error", "code": "setting",
                "message": "rank: found 0, expected a whole number from 1",
            }),
        );
    }
}
