//! Models whose weights are 8-bit integers: made, loaded, put to work, and made floats again.

use serde_json::{Value, json};

use crate::common::{Ended, Place, of_kind};

const WEIGHTS: &str = "model.safetensors";

/// The numbers that a command ends with.
#[track_caller]
fn metrics(events: &[Value]) -> Value {
    of_kind(events, "done").last().expect("an end")["metrics"].clone()
}

fn loss(metrics: &Value) -> f64 {
    metrics["loss"].as_f64().unwrap()
}

#[test]
fn quantising_tells_what_it_costs() {
    let place = Place::new();
    place.write("model/tokenizer_config.json", b"{\"a\": 1}");
    let to = ["--to", "int8", "--output", "int8", "--data", "rows.jsonl"];
    let costs = metrics(&place.done("quantize", &to));
    let number = |name: &str| costs[name].as_f64().unwrap();
    let (mean, worst) = (number("relative_error_mean"), number("relative_error_worst"));
    assert!(1e-4 < mean && mean < worst && worst < 0.02, "{mean}, {worst}");
    let tensor = costs["worst_tensor"].as_str().unwrap();
    assert_eq!(costs["relative_errors"][tensor].as_f64(), Some(worst));
    assert!(costs["relative_errors"]["encoder.final_layer_norm.weight"].is_null());
    assert!(number("bytes") < number("bytes_before") / 3.0, "{costs}");

    let eval = |model: &str| {
        loss(&metrics(&place.done("eval", &["--model", model, "--data", "rows.jsonl"])))
    };
    assert_eq!((eval("model"), eval("int8")), (number("loss_before"), number("loss")));
    assert!((number("loss") / number("loss_before") - 1.0).abs() < 0.01, "{costs}");

    let expected = ["config.json", "generation_config.json", WEIGHTS, "tokenizer.json"];
    let expected = [&expected[..], &["tokenizer_config.json"]].concat();
    assert_eq!(place.names("int8"), expected);
    for name in ["tokenizer.json", "generation_config.json", "tokenizer_config.json"] {
        assert_eq!(place.read(&format!("int8/{name}")), place.read(&format!("model/{name}")));
    }
    let config = place.json("int8/config.json");
    let expected = json!({"method": "flantune_int8", "version": 1});
    assert_eq!(config["quantization_config"], expected);
}

#[test]
fn a_directory_of_integers_is_what_loading_as_int8_makes() {
    let place = Place::new();
    place.done("quantize", &["--to", "int8", "--output", "int8"]);
    let eval = ["--data", "rows.jsonl", "--metrics", "loss,rougeL", "--max-new-tokens", "8"];
    let at_load = place.done("eval", &[&eval[..], &["--dtype", "int8"]].concat());
    let ahead = place.done("eval", &[&eval[..], &["--model", "int8"]].concat());
    assert_eq!(metrics(&at_load), metrics(&ahead));
    assert_ne!(metrics(&at_load), metrics(&place.done("eval", &eval)), "the weights are rounded");
    let prompt = ["--max-new-tokens", "8", "--num-beams", "2", "the cat sat"];
    let at_load = place.done("generate", &[&prompt[..], &["--dtype", "int8"]].concat());
    assert_eq!(at_load, place.done("generate", &[&prompt[..], &["--model", "int8"]].concat()));
}

#[test]
fn an_adapter_of_the_floats_works_beside_the_integers() {
    let place = Place::new();
    place.train("out", &["--max-steps", "6", "--batch-size", "4"]);
    place.done("quantize", &["--to", "int8", "--output", "int8"]);
    let eval = |arguments: &[&str]| {
        loss(&metrics(&place.done("eval", &[&["--data", "rows.jsonl"], arguments].concat())))
    };
    let (floats, integers) =
        (eval(&["--adapter", "out"]), eval(&["--adapter", "out", "--model", "int8"]));
    assert!((integers / floats - 1.0).abs() < 0.01, "{integers}, not {floats}");
    assert_ne!(integers, eval(&["--model", "int8"]), "the adapter counts");
    let generate = ["--adapter", "out", "--model", "int8", "--max-new-tokens", "4", "the cat"];
    assert_eq!(place.done("generate", &generate).len(), 1);

    // Merged, the sum is one of floats: rounding it again would lose what was learnt.
    place.done("merge", &["--adapter", "out", "--model", "int8", "--output", "merged"]);
    assert!(place.json("merged/config.json")["quantization_config"].is_null());
    let merged = eval(&["--model", "merged"]);
    assert!((merged / integers - 1.0).abs() < 1e-5, "{merged}, not {integers}");
}

#[test]
fn adapters_are_trained_beside_integers() {
    let place = Place::new();
    place.done("quantize", &["--to", "int8", "--output", "int8"]);
    for method in ["lora", "prompt"] {
        let (at_load, ahead) = (format!("{method}-load"), format!("{method}-ahead"));
        let options = ["--method", method, "--max-steps", "8", "--no-shuffle"];
        let events = place.train(&at_load, &[&options[..], &["--dtype", "int8"]].concat());
        let losses = |events: &[Value]| -> Vec<f64> {
            of_kind(events, "step").iter().map(|step| step["loss"].as_f64().unwrap()).collect()
        };
        let first = losses(&events);
        assert_eq!(first.len(), 8);
        let again = place.train(&ahead, &[&options[..], &["--model", "int8"]].concat());
        assert_eq!(losses(&again), first);
        let written = |output: &str| place.read(&format!("{output}/adapter_model.safetensors"));
        assert_eq!(written(&at_load), written(&ahead), "the same adapter, of the same base");
        // Gradients are those of the rounded weights: training as beside floats learns as much.
        let floats = losses(&place.train(&format!("{method}-floats"), &options));
        for (step, (found, expected)) in first.iter().zip(&floats).enumerate() {
            assert!((found / expected - 1.0).abs() < 0.02, "{method}, {step}: {found}, {expected}");
        }
    }
}

#[test]
fn integers_are_not_trained_themselves() {
    let place = Place::new();
    place.done("quantize", &["--to", "int8", "--output", "int8"]);
    let full = ["--train", "rows.jsonl", "--output", "out", "--method", "full"];
    for other in [["--model", "int8"], ["--dtype", "int8"]] {
        let Ended { code, stdout, .. } = place.run("train", &[&full[..], &other].concat());
        assert_eq!(code, Some(2), "{stdout}");
        assert!(stdout.contains("int8") && stdout.contains("full"), "{stdout}");
        assert!(place.names("out").is_empty(), "nothing is written");
    }
}

#[test]
fn what_is_made_twice_has_the_same_bytes() {
    let place = Place::new();
    let convert = |model: &str, to: &str, output: &str| {
        place.done("quantize", &["--model", model, "--to", to, "--output", output]);
        (place.read(&format!("{output}/{WEIGHTS}")), place.read(&format!("{output}/config.json")))
    };
    let floats = convert("model", "f32", "floats");
    assert_eq!(convert("floats", "f32", "floats-again"), floats);
    let integers = convert("model", "int8", "integers");
    assert_eq!(convert("floats", "int8", "integers-of-floats").0, integers.0);
    assert_eq!(convert("integers", "int8", "integers-again"), integers);
    let rounded = convert("integers", "f32", "rounded");
    assert_ne!(rounded.0, floats.0);
    assert_eq!(rounded.1, floats.1, "a model of floats like any other");
    let eval =
        |model: &str| metrics(&place.done("eval", &["--model", model, "--data", "rows.jsonl"]));
    let (found, expected) = (loss(&eval("rounded")), loss(&eval("integers")));
    assert!((found / expected - 1.0).abs() < 1e-6, "{found}, not {expected}");
    assert_eq!(eval("floats"), eval("model"));
    let halves = convert("model", "f16", "halves");
    assert!(halves.0.len() < floats.0.len() * 6 / 10);
    assert_eq!(place.json("halves/config.json")["dtype"], "float16");
}

#[test]
fn a_directory_that_holds_files_is_left_alone() {
    let place = Place::new();
    place.write("there/notes.txt", b"mine");
    for output in ["there", "model"] {
        let before = place.names(output);
        let ended = place.run("quantize", &["--to", "int8", "--output", output]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stdout.contains("name a directory that is new or empty"), "{ended:?}");
        assert_eq!(place.names(output), before);
    }
}
