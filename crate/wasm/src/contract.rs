//! Holds what is asked, answered and told here against `web/src/engine.ts` and `web/src/types.ts`: a
//! sample of each, with all that it can have, is written for TypeScript, whose compiler compares it with
//! its types (`web/test/contract.ts`). Neither language can change anything alone.

use flantune::{
    adapter::Summary,
    config::{Dtype, Method, RunConfig},
    lab::bench::{Case, Report, Shape},
    metric::{
        Metric, Metrics,
        score::{self, Scorer},
    },
    model::T5Config,
    ops::gpu::{family::Family, product::Tiles},
    proof::{Proof, Way},
    text::{
        inspect::Inspection,
        lengths::{Bar, Distribution, Lengths},
        preview::{Cut, Preview, Side, Token},
        rows::Skipped,
    },
    train::{
        Event,
        event::{Done, MixedSet, Sample, Start, Step},
        memory::Demand,
        plan::{Plan, Rows},
    },
};
use serde_json::{Map, Value, json};

use crate::{
    options,
    protocol::{
        Answer, Architecture, DataLengths, Device, Estimated, Evaluated, Fit, HeldAdapter, HubFile,
        HubFiles, HubModel, ModelInfo, Opened, OtherPrecision, Planned, Request, Stepped, Texts,
    },
};

/// One of each, with all it can have.
fn requests() -> Vec<Value> {
    let options =
        json!({ "rank": 4, "learningRate": 0.001, "targetModules": ["q", "v"], "shuffle": false });
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
        with(
            "plan",
            json!({ "options": options, "model": "m", "rows": { "train": 90, "validation": 10 } }),
        ),
        with("openDevice", json!({ "device": "webgpu" })),
        with("proveDevice", json!({ "name": "a GPU", "driver": "a browser" })),
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
        with("fits", json!({ "model": "m", "bases": ["0011-2233-4455-F32-6677"] })),
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
        with("hubModel", json!({ "id": "google/flan-t5-small@main", "endpoint": "https://a.b" })),
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
        with(
            "bench",
            json!({
                "cases": ["lora"], "dtypes": ["f32"], "shape": "small", "source": 128, "target": 32,
                "steps": 5, "options": options,
            }),
        ),
    ]
}

/// Which of the requests it is: a new one does not compile until it is counted, and counts as missing
/// until it has a sample.
fn place(request: &Request) -> usize {
    match request {
        Request::Keys {} => 0,
        Request::Demos {} => 1,
        Request::Plan { .. } => 2,
        Request::OpenDevice { .. } => 3,
        Request::ProveDevice { .. } => 4,
        Request::Estimate { .. } => 5,
        Request::LoadModel { .. } => 6,
        Request::DropModel { .. } => 7,
        Request::Inspect { .. } => 8,
        Request::Preview { .. } => 9,
        Request::Lengths { .. } => 10,
        Request::OpenRun { .. } => 11,
        Request::Step { .. } => 12,
        Request::Checkpoint { .. } => 13,
        Request::WriteAdapter { .. } => 14,
        Request::SplitBatches { .. } => 15,
        Request::CloseRun { .. } => 16,
        Request::HoldAdapter { .. } => 17,
        Request::DropAdapter { .. } => 18,
        Request::DescribeAdapter { .. } => 19,
        Request::Fits { .. } => 20,
        Request::Generate { .. } => 21,
        Request::Evaluate { .. } => 22,
        Request::Score { .. } => 23,
        Request::Merge { .. } => 24,
        Request::HubModel { .. } => 25,
        Request::HubFiles { .. } => 26,
        Request::HubShards { .. } => 27,
        Request::Bench { .. } => 28,
    }
}

/// One of each, with all it can have.
fn events() -> Vec<Event> {
    vec![
        Event::Start(Start {
            method: Method::Lora,
            trainable_parameters: 344_064,
            total_parameters: 77_305_216,
            steps: 126,
            examples: 500,
            validation_examples: 50,
            sets: vec![MixedSet {
                name: "a".to_owned(),
                examples: 5,
                validation_examples: 1,
                rate: 0.25,
            }],
            device: "cpu".to_owned(),
            resumed_from: Some(100),
        }),
        Event::Step(Step {
            step: 7,
            epoch: 0.056,
            loss: 2.25,
            learning_rate: 0.001,
            gradient_norm: 1.5,
            tokens: 1024,
            seconds: 3.5,
            tokens_per_second: 2048.0,
            eta_seconds: Some(60.0),
        }),
        Event::Eval {
            step: 100,
            metrics: metrics(),
            samples: vec![Sample {
                source: "a".to_owned(),
                reference: "b".to_owned(),
                prediction: "c".to_owned(),
            }],
        },
        Event::Checkpoint { step: 100, path: "out/checkpoints/000100".to_owned() },
        warning(),
        Event::Done(Done {
            steps: Some(126),
            seconds: Some(60.5),
            peak_bytes: Some(900_000_000),
            output: Some("out".to_owned()),
            metrics: metrics(),
        }),
        Event::Error { code: "setting".to_owned(), message: "rank: found 0".to_owned() },
    ]
}

fn warning() -> Event {
    Event::Warning {
        code: "truncated".to_owned(),
        message: "3 sources were cut".to_owned(),
        count: Some(3),
    }
}

/// Which of the events it is.
fn place_of(event: &Event) -> usize {
    match event {
        Event::Start(_) => 0,
        Event::Step(_) => 1,
        Event::Eval { .. } => 2,
        Event::Checkpoint { .. } => 3,
        Event::Warning { .. } => 4,
        Event::Done(_) => 5,
        Event::Error { .. } => 6,
    }
}

/// A value of each metric, of two rows.
fn metrics() -> Metrics {
    let mut scorer = Scorer::new(Metric::ALL, score::Options::default());
    for text in ["1", "0"] {
        scorer.add(text, &[text.to_owned()]);
    }
    let mut metrics = scorer.metrics();
    metrics.insert("loss".to_owned(), json!(1.5));
    metrics.insert("loss_per_token".to_owned(), json!(1.5));
    metrics.insert("a/loss".to_owned(), json!(1.5));
    metrics
}

fn architecture() -> Architecture {
    Architecture {
        parameters: 76_961_152,
        d_model: 512,
        d_kv: 64,
        d_ff: 1024,
        num_heads: 6,
        num_layers: 8,
        num_decoder_layers: 8,
        vocab_size: 32_128,
        gated: true,
    }
}

fn plan() -> Planned {
    let mut config = RunConfig::default();
    config.method.method = Method::Lora;
    let model = T5Config::flan("small").unwrap();
    let rows = Some(Rows { train: 100, validation: None });
    let demand = Demand::new(&config, true);
    let mut plan = Plan::of(&config, Some((&model, &demand)), rows).unwrap();
    config.method.method = Method::Prompt;
    let prompt = Plan::of(&config, Some((&model, &demand)), rows).unwrap();
    if let (Some(parameters), Some(of_prompt)) = (&mut plan.parameters, prompt.parameters) {
        parameters.prompt = of_prompt.prompt;
    }
    let toml = RunConfig::default().to_toml();
    Planned { config: options::sections(&plan.config), toml, plan }
}

fn distribution() -> Distribution {
    Distribution {
        min: 1,
        max: 9,
        mean: 4.5,
        p50: 4,
        p90: 8,
        p95: 9,
        p99: 9,
        tokens: 45,
        limit: 8,
        too_long: 1,
        cut_tokens: 1,
        histogram: vec![Bar { from: 0, to: 9, count: 10 }],
    }
}

fn report() -> Report {
    let case = Case {
        name: "lora".to_owned(),
        dtype: "f32".to_owned(),
        seconds: 0.5,
        first_seconds: 1.5,
        tokens_per_second: 2560.0,
        peak_bytes: Some(900_000_000),
        device_bytes: Some(700_000_000),
        dispatches: Some(445),
        pipelines: Some(40),
        new_pipelines: Some(0),
        kernels: [("product".to_owned(), 100)].into(),
    };
    let shape = Shape { d_model: 512, layers: 8, batch: 8, source: 128, target: 32 };
    Report { device: "cpu".to_owned(), threads: 1, shape, cases: vec![case] }
}

fn file() -> HubFile {
    HubFile { name: "config.json".to_owned(), address: "https://a.b/config.json".to_owned() }
}

fn summary() -> Summary {
    Summary {
        method: Method::Lora,
        parameters: 344_064,
        bytes: 1_376_256,
        base: Some("0123".to_owned()),
        config: json!({ "peft_type": "LORA" }),
    }
}

/// The answer to each request, with all it can have.
fn answer(request: &Request) -> Answer {
    let side = || Side {
        text: "a b".to_owned(),
        tokens: Some(vec![Token { id: 3, token: "▁a".to_owned() }]),
        cut: Some(Cut { tokens: 1, text: "b".to_owned() }),
    };
    let mut record = Map::new();
    record.insert("text".to_owned(), Value::from("a"));
    match request {
        Request::Keys {} => Answer::Keys(options::keys()),
        Request::Demos {} => Answer::Demos(options::demos()),
        Request::Plan { .. } => Answer::Plan(Box::new(plan())),
        Request::OpenDevice { .. } => {
            let mut limits = Map::new();
            limits.insert("maxBufferSize".to_owned(), 1.into());
            Answer::Device(Device { kind: "webgpu", name: "a".to_owned(), software: true, limits })
        }
        Request::ProveDevice { .. } => Answer::Proof(Box::new(Proof {
            device: "a".to_owned(),
            driver: "b".to_owned(),
            build: "0.1.0 0123".to_owned(),
            right: true,
            wrong: vec![Family::Attention],
            products: vec![Way { tiles: Tiles::Shared, right: true, seconds: Some(0.001) }],
            tiles: Tiles::Shared,
            seconds: 1.5,
        })),
        Request::Estimate { .. } => Answer::Estimated(Estimated {
            architecture: architecture(),
            memory: plan().plan.memory.unwrap(),
            obstacle: Some("memory"),
        }),
        Request::LoadModel { .. } => Answer::Model(ModelInfo {
            architecture: architecture(),
            hash: "0123".to_owned(),
            dtype: Dtype::Int8,
            bytes: 7_300_000,
        }),
        Request::Inspect { .. } => Answer::Inspection(Inspection {
            rows: 1,
            fields: vec!["text".to_owned()],
            records: vec![record],
            skipped: Skipped { count: 1, first: vec!["line 2".to_owned()] },
        }),
        Request::Preview { .. } => Answer::Previews(vec![Preview {
            set: Some("a".to_owned()),
            row: 0,
            line: 1,
            shortened: Some(1),
            left_out: Some("too long".to_owned()),
            source: Some(side()),
            target: Some(side()),
            references: vec!["b".to_owned()],
        }]),
        Request::Lengths { .. } => Answer::Lengths(Box::new(DataLengths {
            lengths: Some(Lengths {
                name: "a".to_owned(),
                rows: 10,
                too_long: 1,
                source: distribution(),
                target: distribution(),
            }),
            warnings: vec![warning()],
        })),
        Request::OpenRun { .. } => {
            Answer::Opened(Opened { steps: 126, step: 100, parameters: 344_064 })
        }
        Request::Step { .. } => {
            // What events are is told once, below.
            Answer::Stepped(Stepped { events: Vec::new(), step: 1, steps: 126, done: false })
        }
        Request::Checkpoint { .. } => Answer::Events(Vec::new()),
        Request::HoldAdapter { .. } => {
            Answer::Held(Box::new(HeldAdapter { adapter: summary(), warnings: vec![warning()] }))
        }
        Request::DescribeAdapter { .. } => Answer::Adapter(summary()),
        Request::Fits { .. } => {
            let other_precision = OtherPrecision { was: "F32".to_owned(), is: "BF16".to_owned() };
            Answer::Fits(vec![Fit { fits: true, other_precision: Some(other_precision) }])
        }
        Request::Generate { .. } => {
            Answer::Texts(vec![Texts { texts: vec!["a".to_owned()], scores: vec![-0.5] }])
        }
        Request::Evaluate { .. } => {
            let mut row = metrics();
            for (key, value) in [
                ("row", json!(0)),
                ("source", json!("a")),
                ("prediction", json!("b")),
                ("references", json!(["b"])),
            ] {
                row.insert(key.to_owned(), value);
            }
            Answer::Evaluated(Evaluated { metrics: metrics(), rows: vec![row] })
        }
        Request::Score { .. } => Answer::Metrics(metrics()),
        Request::Bench { .. } => Answer::Bench(report()),
        Request::HubModel { .. } => Answer::HubModel(HubModel {
            repository: "google/flan-t5-small".to_owned(),
            revision: "main".to_owned(),
            pinned: false,
            folder: "a".to_owned(),
            listing: "https://a.b".to_owned(),
        }),
        Request::HubFiles { .. } => Answer::HubFiles(HubFiles {
            commit: "0123".to_owned(),
            files: vec![file()],
            shards: true,
        }),
        Request::HubShards { .. } => Answer::HubShards(vec![file()]),
        Request::DropModel { .. }
        | Request::WriteAdapter { .. }
        | Request::SplitBatches { .. }
        | Request::CloseRun { .. }
        | Request::DropAdapter { .. }
        | Request::Merge { .. } => Answer::Done(()),
    }
}

#[test]
fn both_languages_know_the_same_contract() {
    let mut answers = Map::new();
    for (number, sample) in requests().iter().enumerate() {
        let request: Request = serde_json::from_value(sample.clone()).unwrap();
        assert_eq!(place(&request), number, "{sample}");
        let name = sample["request"].as_str().unwrap();
        answers.insert(name.to_owned(), json!(answer(&request)));
    }
    for (number, event) in events().iter().enumerate() {
        assert_eq!(place_of(event), number);
    }
    let constant = |name: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap();
        format!("export const {name} = {text} as const;\n")
    };
    let text = format!(
        "// Written by crate/wasm/src/contract.rs (cargo test, with FLANTUNE_WRITE set).\n{}{}{}",
        constant("requests", &requests().into()),
        constant("answers", &answers.into()),
        constant("events", &json!(events())),
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/test/contract.samples.ts");
    if std::env::var_os("FLANTUNE_WRITE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == text, "write {path} anew");
}
