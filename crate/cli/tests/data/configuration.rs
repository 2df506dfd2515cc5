use crate::{Place, refused};

const CONFIG: &str = r#"
[model]
model = "model"
device = "cpu"

[data]
train = "rows.jsonl"
template = "red: {{ source }} ||| {{ target }}"

[method]
rank = 4
lora_dropout = 0.1

[train]
max_steps = 4
batch_size = 4
seed = 5
"#;

const RESULTS: [&str; 3] = ["adapter_model.safetensors", "adapter_config.json", "README.md"];

#[track_caller]
fn train(place: &Place, config: &str, output: &str, more: &[&str]) {
    let train = ["train", "--json", "--config", config, "--output", output];
    let done = place.flantune(&[&train, more].concat()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_run_repeated_from_its_record_gives_the_same_bytes() {
    let place = Place::new();
    place.write("config.toml", CONFIG.as_bytes());
    train(&place, "config.toml", "first", &[]);
    train(&place, "first/run.json", "second", &[]);
    let bytes = |output: &str| RESULTS.map(|name| place.read(&format!("{output}/{name}")));
    assert!(bytes("first") == bytes("second"));
    let config = |output: &str| place.json(&format!("{output}/run.json"))["config"].clone();
    assert_eq!(config("first"), config("second"));

    // What is typed goes over what the file says.
    train(&place, "first/run.json", "third", &["--seed", "6", "--rank", "2"]);
    assert_eq!(config("third")["train"]["seed"], 6);
    assert_eq!(config("third")["method"]["rank"], 2);
    assert_eq!(config("third")["method"]["lora_dropout"], 0.1);
    assert!(bytes("third")[0] != bytes("first")[0]);
}

#[test]
fn a_run_on_a_mixture_is_repeated_from_its_record() {
    let place = Place::new();
    place.write("sets/mix.toml", b"[[set]]\ntrain = \"../rows.jsonl\"\n");
    place.write("config.toml", CONFIG.replace("rows.jsonl", "sets/mix.toml").as_bytes());
    train(&place, "config.toml", "first", &[]);
    train(&place, "first/run.json", "second", &[]);
    let bytes = |output: &str| place.read(&format!("{output}/{}", RESULTS[0]));
    assert!(bytes("first") == bytes("second"));
}

#[test]
fn a_configuration_that_is_wrong_is_named() {
    let place = Place::new();
    place.write("config.toml", CONFIG.replace("max_steps", "max_step").as_bytes());
    let arguments = ["--config", "config.toml", "--output", "out"];
    assert_eq!(
        refused(&place, "train", &arguments),
        "config.toml: [train] max_step: there is no such key; did you mean `max_steps`?"
    );
}
