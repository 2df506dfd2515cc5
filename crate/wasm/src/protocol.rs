//! What JavaScript asks for and is answered. `web/src/engine.ts` has the same for TypeScript, and a test
//! holds one against the other (`contract.rs`).

use flantune::{
    adapter::Summary,
    config::Dtype,
    lab::bench::Report,
    metric::Metrics,
    proof::Proof,
    text::{inspect::Inspection, lengths::Lengths, preview::Preview},
    train::{Event, memory::Estimate, plan::Plan},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Keys of the configuration, in camelCase, with their values.
pub type Options = Map<String, Value>;

/// Which of the rows are to be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Split {
    /// Every row.
    All,
    /// Those that a run with these options holds out.
    Validation,
}

/// Which of the devices is to be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// The GPU that the browser prefers.
    Webgpu,
}

/// How many rows there are to train on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// To learn from, and to judge by where there is no file for that.
    pub train: usize,
    /// In a file of their own.
    pub validation: Option<usize>,
}

/// A hub's id and commit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// `OWNER/NAME`.
    pub id: String,
    /// A commit.
    pub revision: Option<String>,
}

/// A request. Each is described in `web/src/engine.ts`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "request", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[allow(missing_docs)] // In one place, and there the answers are too.
pub enum Request {
    Keys {},
    Demos {},
    Plan {
        options: Options,
        model: Option<String>,
        rows: Option<Rows>,
    },
    OpenDevice {
        device: DeviceName,
    },
    ProveDevice {
        name: String,
        driver: String,
    },
    Estimate {
        directory: String,
        options: Options,
    },
    LoadModel {
        model: String,
        directory: String,
        base: Option<Base>,
        dtype: Dtype,
    },
    DropModel {
        model: String,
    },
    Inspect {
        path: String,
        options: Options,
        count: usize,
    },
    Preview {
        model: Option<String>,
        path: String,
        options: Options,
        first: usize,
        count: usize,
    },
    Lengths {
        model: String,
        path: String,
        options: Options,
    },
    OpenRun {
        run: String,
        model: String,
        output: String,
        options: Options,
        resume: bool,
    },
    Step {
        run: String,
    },
    Checkpoint {
        run: String,
    },
    WriteAdapter {
        run: String,
    },
    SplitBatches {
        run: String,
        rows: usize,
    },
    CloseRun {
        run: String,
    },
    HoldAdapter {
        model: String,
        adapter: String,
        directory: String,
    },
    DropAdapter {
        model: String,
        adapter: String,
    },
    DescribeAdapter {
        directory: String,
    },
    Fits {
        model: String,
        bases: Vec<String>,
    },
    Generate {
        model: String,
        adapter: Option<String>,
        prompts: Vec<String>,
        options: Options,
    },
    Evaluate {
        model: String,
        adapter: Option<String>,
        path: String,
        options: Options,
        split: Split,
        rows: Option<usize>,
    },
    Score {
        predictions: Vec<String>,
        references: Vec<Vec<String>>,
        options: Options,
    },
    Bench {
        cases: Vec<String>,
        dtypes: Vec<Dtype>,
        shape: String,
        source: usize,
        target: usize,
        steps: usize,
        options: Options,
    },
    Merge {
        model: String,
        adapter: String,
        output: String,
    },
    HubModel {
        id: String,
        endpoint: String,
    },
    HubFiles {
        id: String,
        endpoint: String,
        listing: String,
    },
    HubShards {
        id: String,
        endpoint: String,
        commit: String,
        directory: String,
    },
}

/// The answer to a request. Each is described in `web/src/engine.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)] // In one place, and there the requests are too.
pub enum Answer {
    Keys(Vec<Key>),
    Demos(Vec<DemoSet>),
    Plan(Box<Planned>),
    Device(Device),
    Proof(Box<Proof>),
    Estimated(Estimated),
    Model(ModelInfo),
    Inspection(Inspection),
    Previews(Vec<Preview>),
    Lengths(Box<DataLengths>),
    Opened(Opened),
    Stepped(Stepped),
    Events(Vec<Event>),
    Adapter(Summary),
    Held(Box<HeldAdapter>),
    Fits(Vec<Fit>),
    Texts(Vec<Texts>),
    Evaluated(Evaluated),
    Metrics(Metrics),
    Bench(Report),
    HubModel(HubModel),
    HubFiles(HubFiles),
    HubShards(Vec<HubFile>),
    /// There is nothing to say: `null`.
    Done(()),
}

/// A key of the configuration, as a form offers it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // As flantune::config::Key and Row.
pub struct Key {
    pub section: &'static str,
    pub name: String,
    pub kind: Kind,
    pub default: String,
    /// Whether the default is in words.
    pub words: bool,
    pub summary: String,
    pub details: String,
    /// `listed`, `own` or `hidden`.
    pub place: &'static str,
    /// Those that it is for; none where it is for all.
    pub methods: Vec<&'static str>,
    pub optimizers: Vec<&'static str>,
    pub range: Range,
}

/// The values of a key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kind {
    /// `flag`, `integer`, `number`, `text`, `choice` or `list`.
    #[serde(rename = "type")]
    pub name: &'static str,
    /// The names that a choice or a list takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<&'static str>>,
}

/// The numbers of a key: bounds that belong to it, and bounds that do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // Their names say it.
pub struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
}

/// A set of our own, with the options that suit each method.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // As flantune::lab::demo.
pub struct DemoSet {
    pub name: &'static str,
    pub about: &'static str,
    pub data: Options,
    pub lora: Options,
    pub prompt: Options,
}

/// A run before it begins, with its configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planned {
    /// By section, its keys in camelCase, every default written out.
    pub config: Value,
    /// As a file.
    pub toml: String,
    /// What it would be.
    #[serde(flatten)]
    pub plan: Plan,
}

/// A device that was started.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // As flantune::device::Device.
pub struct Device {
    pub kind: &'static str,
    pub name: String,
    pub software: bool,
    /// By their names in WebGPU's style, those that there are.
    pub limits: Map<String, Value>,
}

/// A model's shape.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // As flantune::model::T5Config.
pub struct Architecture {
    pub parameters: u64,
    pub d_model: usize,
    pub d_kv: usize,
    pub d_ff: usize,
    pub num_heads: usize,
    pub num_layers: usize,
    pub num_decoder_layers: usize,
    pub vocab_size: usize,
    pub gated: bool,
}

/// What a run would take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimated {
    /// The model's shape.
    pub architecture: Architecture,
    /// Its memory.
    pub memory: Estimate,
    /// What it fails at: `memory` or `binding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<&'static str>,
}

/// A model that was loaded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelInfo {
    /// Its shape.
    pub architecture: Architecture,
    /// By which adapters know it.
    pub hash: String,
    /// What its matrices rest as.
    pub dtype: Dtype,
    /// Bytes of its weights in memory.
    pub bytes: u64,
}

/// How long rows are, and what there is to know of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataLengths {
    /// Of all of them.
    #[serde(flatten)]
    pub lengths: Option<Lengths>,
    /// [`Event::Warning`] each.
    pub warnings: Vec<Event>,
}

/// A run that was opened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opened {
    /// Steps of the whole run.
    pub steps: usize,
    /// Steps made.
    pub step: usize,
    /// Trainable parameters.
    pub parameters: usize,
}

/// What came of a piece of a run's work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stepped {
    /// What happened.
    pub events: Vec<Event>,
    /// Steps made.
    pub step: usize,
    /// Steps of the whole run.
    pub steps: usize,
    /// Whether all is done and written.
    pub done: bool,
}

/// An adapter that is held beside a base, and what there is to know of it there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldAdapter {
    /// The adapter.
    #[serde(flatten)]
    pub adapter: Summary,
    /// [`Event::Warning`] each.
    pub warnings: Vec<Event>,
}

/// Whether an adapter belongs to a base.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fit {
    /// Whether it does.
    pub fits: bool,
    /// Where that is the same base in another precision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_precision: Option<OtherPrecision>,
}

/// The precisions of one base.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OtherPrecision {
    /// The one that the adapter was trained beside.
    pub was: String,
    /// That of the model.
    pub is: String,
}

/// What a model wrote for a prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Texts {
    /// Best first.
    pub texts: Vec<String>,
    /// By which beam search ranks them.
    pub scores: Vec<f64>,
}

/// What rows scored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluated {
    /// Of all of them.
    pub metrics: Metrics,
    /// Of each.
    pub rows: Vec<Metrics>,
}

/// A hub's id, read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // As flantune::model::hub::HubModel.
pub struct HubModel {
    pub repository: String,
    pub revision: String,
    pub pinned: bool,
    pub folder: String,
    /// The address of its listing.
    pub listing: String,
}

/// The files that are needed of a hub's revision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HubFiles {
    /// The revision's commit.
    pub commit: String,
    /// Where the hub has them.
    pub files: Vec<HubFile>,
    /// Whether the last is an index of shards.
    pub shards: bool,
}

/// A file of a hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // Their names say it.
pub struct HubFile {
    pub name: String,
    pub address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_refused() {
        for text in [
            r#"{"request": "fly"}"#,
            r#"{"request": "step"}"#,
            r#"{"request": "step", "run": 1}"#,
            r#"{"run": "r"}"#,
            "[]",
            "",
        ] {
            assert!(serde_json::from_str::<Request>(text).is_err(), "{text}");
        }
    }
}
