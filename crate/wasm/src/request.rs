//! What JavaScript asks for. `web/src/engine.ts` has the same list for TypeScript, with the answers.

use serde::Deserialize;
use serde_json::{Map, Value};

use flantune::config::Dtype;

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
    Resolve {
        options: Options,
    },
    OpenDevice {
        device: DeviceName,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One of each, with all it can have.
    fn samples() -> Vec<Value> {
        let options = json!({ "rank": 4, "learningRate": 0.001, "targetModules": ["q", "v"], "shuffle": false });
        let with = |name: &str, mut fields: Value| {
            let mut sample = json!({ "request": name });
            if let (Some(sample), Some(fields)) = (sample.as_object_mut(), fields.as_object_mut()) {
                sample.append(fields);
            }
            sample
        };
        vec![
            with("keys", json!({})),
            with("demos", json!({})),
            with("resolve", json!({ "options": options })),
            with("openDevice", json!({ "device": "webgpu" })),
            with("estimate", json!({ "directory": "models/a", "options": options })),
            with(
                "loadModel",
                json!({
                    "model": "m", "directory": "models/a", "dtype": "int8",
                    "base": { "id": "google/flan-t5-small", "revision": "main" },
                }),
            ),
            with("dropModel", json!({ "model": "m" })),
            with("inspect", json!({ "path": "files/1/a.csv", "options": options, "count": 5 })),
            with(
                "preview",
                json!({ "model": "m", "path": "files/1/a.csv", "options": options, "first": 0, "count": 3 }),
            ),
            with("lengths", json!({ "model": "m", "path": "files/1/a.csv", "options": options })),
            with(
                "openRun",
                json!({ "run": "r", "model": "m", "output": "runs/1", "options": options, "resume": false }),
            ),
            with("step", json!({ "run": "r" })),
            with("checkpoint", json!({ "run": "r" })),
            with("writeAdapter", json!({ "run": "r" })),
            with("splitBatches", json!({ "run": "r", "rows": 4 })),
            with("closeRun", json!({ "run": "r" })),
            with("holdAdapter", json!({ "model": "m", "adapter": "a", "directory": "adapters/1" })),
            with("dropAdapter", json!({ "model": "m", "adapter": "a" })),
            with("describeAdapter", json!({ "directory": "adapters/1" })),
            with(
                "generate",
                json!({ "model": "m", "adapter": "a", "prompts": ["Hello"], "options": options }),
            ),
            with(
                "evaluate",
                json!({
                    "model": "m", "adapter": "a", "path": "files/1/a.csv", "options": options,
                    "split": "validation", "rows": 20,
                }),
            ),
            with(
                "score",
                json!({ "predictions": ["a"], "references": [["a", "b"]], "options": options }),
            ),
            with("merge", json!({ "model": "m", "adapter": "adapters/1", "output": "merged/1" })),
            with(
                "hubModel",
                json!({ "id": "google/flan-t5-small@main", "endpoint": "https://a.b" }),
            ),
            with(
                "hubFiles",
                json!({ "id": "google/flan-t5-small", "endpoint": "https://a.b", "listing": "{}" }),
            ),
            with(
                "hubShards",
                json!({
                    "id": "google/flan-t5-small", "endpoint": "https://a.b", "commit": "0123",
                    "directory": "models/a",
                }),
            ),
        ]
    }

    /// How many requests there are: a new one does not compile until it is counted, and counts as
    /// missing until it has a sample.
    fn number(request: &Request) -> usize {
        match request {
            Request::Keys {} => 0,
            Request::Demos {} => 1,
            Request::Resolve { .. } => 2,
            Request::OpenDevice { .. } => 3,
            Request::Estimate { .. } => 4,
            Request::LoadModel { .. } => 5,
            Request::DropModel { .. } => 6,
            Request::Inspect { .. } => 7,
            Request::Preview { .. } => 8,
            Request::Lengths { .. } => 9,
            Request::OpenRun { .. } => 10,
            Request::Step { .. } => 11,
            Request::Checkpoint { .. } => 12,
            Request::WriteAdapter { .. } => 13,
            Request::SplitBatches { .. } => 14,
            Request::CloseRun { .. } => 15,
            Request::HoldAdapter { .. } => 16,
            Request::DropAdapter { .. } => 17,
            Request::DescribeAdapter { .. } => 18,
            Request::Generate { .. } => 19,
            Request::Evaluate { .. } => 20,
            Request::Score { .. } => 21,
            Request::Merge { .. } => 22,
            Request::HubModel { .. } => 23,
            Request::HubFiles { .. } => 24,
            Request::HubShards { .. } => 25,
        }
    }

    /// The samples are read by Rust here, and by TypeScript from the file that this writes: neither
    /// side can change a request alone.
    #[test]
    fn both_languages_know_the_same_requests() {
        let samples = samples();
        for (place, sample) in samples.iter().enumerate() {
            let request: Request = serde_json::from_value(sample.clone()).unwrap();
            assert_eq!(number(&request), place, "{sample}");
        }
        assert_eq!(samples.len(), 26);
        let text = format!(
            "// Written by crate/wasm/src/request.rs (cargo test, with FLANTUNE_WRITE set).\n\
             export const samples = {} as const;\n",
            serde_json::to_string_pretty(&samples).unwrap()
        );
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/test/requests.samples.ts");
        if std::env::var_os("FLANTUNE_WRITE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text, "write {path} anew");
    }

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
