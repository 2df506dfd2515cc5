use serde_json::json;

use super::*;

const COMMIT: &str = "0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab";

fn model(text: &str) -> HubModel {
    HubModel::parse(text).expect(text)
}

#[test]
fn an_id_has_an_owner_and_a_name() {
    let small = model("google/flan-t5-small");
    assert_eq!((small.revision.as_str(), small.is_pinned()), ("main", false));
    assert_eq!(model(&small.to_string()), small);
    assert!(small.at(COMMIT).is_pinned());
    assert_eq!(model("a/b@refs/pr/1").revision, "refs/pr/1");
    assert_eq!(model("a/b@v1.0+x").revision, "v1.0+x");
    for path in [
        "flan-t5-small",
        "",
        "/a/b",
        "./a/b",
        "a/b/c",
        "a//b",
        "a/b/",
        "../b",
        "~/b",
        "C:\\a/b",
        "a/b@",
        "a/b@../../etc",
        "a/b@/x",
        "a/b@x//y",
        "a/b@x y",
        "a/b@-x",
        "a/b@.x",
        "a/b@x@y",
        "a--b/c",
        "a/b@x/../y",
        "a b/c",
        "a/\u{e9}",
    ] {
        assert_eq!(HubModel::parse(path), None, "{path}");
    }
}

#[test]
fn addresses_are_the_hub_s() {
    let model = model("google/flan-t5-small@refs/pr/1");
    assert_eq!(
        model.listing_address(ENDPOINT),
        "https://huggingface.co/api/models/google/flan-t5-small/revision/refs%2Fpr%2F1"
    );
    assert_eq!(
        model.file_address("http://127.0.0.1:1/hub", "a b/config.json"),
        "http://127.0.0.1:1/hub/google/flan-t5-small/resolve/refs%2Fpr%2F1/a%20b/config.json"
    );
    assert_eq!(model.folder(), "models--google--flan-t5-small");
}

fn listing(files: &[&str]) -> Listing {
    let files: Vec<_> = files.iter().map(|file| json!({"rfilename": file})).collect();
    let answer = json!({"sha": COMMIT, "siblings": files, "id": "a/b", "gated": false});
    Listing::from_json(answer.to_string().as_bytes()).unwrap()
}

#[test]
fn what_is_needed_is_known_from_the_listing() {
    let files = [
        ".gitattributes",
        "README.md",
        "config.json",
        "generation_config.json",
        "flax_model.msgpack",
        "model.safetensors",
        "pytorch_model.bin",
        "spiece.model",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(listing(&files).commit, COMMIT);
    assert_eq!(
        listing(&files).needed().unwrap(),
        [
            "config.json",
            "tokenizer.json",
            "generation_config.json",
            "tokenizer_config.json",
            "model.safetensors"
        ]
    );
    let shards = ["config.json", "model.safetensors.index.json", "tokenizer.json"];
    assert_eq!(
        listing(&shards).needed().unwrap(),
        ["config.json", "tokenizer.json", "model.safetensors.index.json"]
    );
    let index = br#"{"metadata": {}, "weight_map": {"a": "x-2.safetensors", "b": "x-1.safetensors",
        "c": "x-2.safetensors"}}"#;
    assert_eq!(shards_of("index", index).unwrap(), ["x-1.safetensors", "x-2.safetensors"]);
    assert!(shards_of("index", br#"{"weight_map": {"a": "../x.safetensors"}}"#).is_err());
}

#[test]
fn what_is_missing_is_named() {
    let refused = |files: &[&str]| listing(files).needed().unwrap_err();
    assert_eq!(refused(&["tokenizer.json"]), Problem::NoFile { file: "config.json" });
    assert_eq!(
        refused(&["config.json", "model.safetensors"]),
        Problem::NoFile { file: "tokenizer.json" }
    );
    let both = ["config.json", "tokenizer.json"];
    assert_eq!(refused(&both), Problem::NoWeights { pickled: false });
    assert_eq!(
        refused(&[&both[..], &["pytorch_model.bin"]].concat()),
        Problem::NoWeights { pickled: true }
    );
}

#[test]
fn an_answer_of_another_server_is_refused() {
    for answer in [
        "<html>",
        "[]",
        "{}",
        "{\"sha\": \"main\", \"siblings\": []}",
        "null",
        "{\"sha\": \"0fc9ddf78a1e988dac52e2dac162b0ede4fd74ab\"}",
    ] {
        let refused = Listing::from_json(answer.as_bytes());
        assert!(matches!(refused, Err(Problem::NoHub { .. })), "{answer}: {refused:?}");
    }
}
