//! Models whose weights rest as smaller numbers: made, loaded, put to work, and made floats again.

use serde_json::{Value, json};

use crate::common::{Ended, Place, Running, of_kind};

const WEIGHTS: &str = "model.safetensors";
/// The types, and by how much at most they change losses here.
const TYPES: [(&str, f64); 3] = [("int8", 0.01), ("int4", 0.1), ("f16", 0.001)];
const INTEGERS: [&str; 2] = ["int8", "int4"];

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
    // The mean error and the worst, and how much smaller the file is: embedding and head are a half of it.
    for (to, [least, most], smaller) in [("int8", [1e-3, 0.02], 3.0), ("int4", [0.02, 0.15], 4.0)] {
        let place = Place::new();
        place.write("model/tokenizer_config.json", b"{\"a\": 1}");
        let arguments = ["--to", to, "--output", "made", "--data", "rows.jsonl"];
        let costs = metrics(&place.done("quantize", &arguments));
        let number = |name: &str| costs[name].as_f64().unwrap();
        let (mean, worst) = (number("relative_error_mean"), number("relative_error_worst"));
        assert!(least < mean && mean < worst && worst < most, "{to}: {mean}, {worst}");
        let tensor = costs["worst_tensor"].as_str().unwrap();
        assert_eq!(costs["relative_errors"][tensor].as_f64(), Some(worst));
        assert!(costs["relative_errors"]["encoder.final_layer_norm.weight"].is_null());
        assert!(number("bytes") < number("bytes_before") / smaller, "{to}: {costs}");

        let eval = |model: &str| {
            loss(&metrics(&place.done("eval", &["--model", model, "--data", "rows.jsonl"])))
        };
        assert_eq!((eval("model"), eval("made")), (number("loss_before"), number("loss")));
        let (_, change) = TYPES.into_iter().find(|(name, _)| *name == to).unwrap();
        assert!((number("loss") / number("loss_before") - 1.0).abs() < change, "{to}: {costs}");

        let expected = ["config.json", "generation_config.json", WEIGHTS, "tokenizer.json"];
        let expected = [&expected[..], &["tokenizer_config.json"]].concat();
        assert_eq!(place.names("made"), expected);
        for name in ["tokenizer.json", "generation_config.json", "tokenizer_config.json"] {
            assert_eq!(place.read(&format!("made/{name}")), place.read(&format!("model/{name}")));
        }
        let config = place.json("made/config.json");
        let expected = json!({"method": format!("flantune_{to}"), "version": 1});
        assert_eq!(config["quantization_config"], expected);
    }
}

#[test]
fn a_directory_of_integers_is_what_loading_as_integers_makes() {
    let place = Place::new();
    let eval = |options: &[&str]| {
        let eval = ["--data", "rows.jsonl", "--metrics", "loss,rougeL", "--max-new-tokens", "8"];
        metrics(&place.done("eval", &[&eval[..], options].concat()))
    };
    let generate = |options: &[&str]| {
        let prompt = ["--max-new-tokens", "8", "--num-beams", "2", "the cat sat"];
        place.done("generate", &[&prompt[..], options].concat())
    };
    for to in INTEGERS {
        place.done("quantize", &["--to", to, "--output", to]);
        assert_eq!(eval(&["--dtype", to]), eval(&["--model", to]), "{to}");
        assert_eq!(generate(&["--dtype", to]), generate(&["--model", to]), "{to}");
    }
    let floats = eval(&[]);
    for (to, change) in TYPES {
        let rounded = eval(&["--dtype", to]);
        assert_ne!(rounded, floats, "{to}: the weights are rounded");
        assert!((loss(&rounded) / loss(&floats) - 1.0).abs() < change, "{to}: {rounded}, {floats}");
    }
    assert_eq!(generate(&["--dtype", "f16"]).len(), 1);
}

#[test]
fn an_adapter_of_the_floats_works_beside_the_integers() {
    let place = Place::new();
    place.train("out", &["--max-steps", "6", "--batch-size", "4"]);
    let eval = |arguments: &[&str]| {
        loss(&metrics(&place.done("eval", &[&["--data", "rows.jsonl"], arguments].concat())))
    };
    let floats = eval(&["--adapter", "out"]);
    for (to, change) in TYPES.into_iter().filter(|(to, _)| INTEGERS.contains(to)) {
        place.done("quantize", &["--to", to, "--output", to]);
        let integers = eval(&["--adapter", "out", "--model", to]);
        assert!((integers / floats - 1.0).abs() < change, "{to}: {integers}, not {floats}");
        assert_ne!(integers, eval(&["--model", to]), "the adapter counts");
        let generate = ["--adapter", "out", "--model", to, "--max-new-tokens", "4", "the cat"];
        assert_eq!(place.done("generate", &generate).len(), 1);

        // Merged, the sum is one of floats: rounding it again would lose what was learnt.
        let output = format!("merged-{to}");
        place.done("merge", &["--adapter", "out", "--model", to, "--output", &output]);
        assert!(place.json(&format!("{output}/config.json"))["quantization_config"].is_null());
        let merged = eval(&["--model", &output]);
        assert!((merged / integers - 1.0).abs() < 1e-5, "{to}: {merged}, not {integers}");
    }
}

fn losses(events: &[Value]) -> Vec<f64> {
    of_kind(events, "step").iter().map(|step| step["loss"].as_f64().unwrap()).collect()
}

#[test]
fn adapters_are_trained_beside_smaller_numbers() {
    for (to, change) in TYPES {
        let place = Place::new();
        if INTEGERS.contains(&to) {
            place.done("quantize", &["--to", to, "--output", "made"]);
        }
        for method in ["lora", "prompt"] {
            let output = |what: &str| format!("{method}-{what}");
            let options = ["--method", method, "--max-steps", "8", "--no-shuffle"];
            let at_load = [&options[..], &["--dtype", to]].concat();
            let first = losses(&place.train(&output("load"), &at_load));
            assert_eq!(first.len(), 8);
            if INTEGERS.contains(&to) {
                let ahead = [&options[..], &["--model", "made"]].concat();
                assert_eq!(losses(&place.train(&output("ahead"), &ahead)), first);
                let written =
                    |what: &str| place.read(&format!("{}/adapter_model.safetensors", output(what)));
                assert_eq!(written("load"), written("ahead"), "the same adapter, of the same base");
            }
            // Gradients are those of the rounded weights: training as beside floats learns as much.
            let floats = losses(&place.train(&output("floats"), &options));
            for (step, (found, expected)) in first.iter().zip(&floats).enumerate() {
                let off = (found / expected - 1.0).abs();
                assert!(off < 2.0 * change, "{to}, {method}, {step}: {found}, {expected}");
            }
        }
    }
}

#[test]
#[cfg(unix)]
fn a_run_beside_integers_goes_on_to_the_same_bytes() {
    let place = Place::new();
    place.done("quantize", &["--to", "int4", "--output", "made"]);
    let options =
        ["--model", "made", "--batch-size", "4", "--dropout", "0.1", "--max-steps", "400"];
    place.train("whole", &options);
    let train = [&["--train", "rows.jsonl", "--output", "out"], &options[..]].concat();
    let mut running = Running::spawn(&place, &train);
    running.steps(5);
    running.interrupt();
    let events = place.train("out", &[&["--resume"], &options[..]].concat());
    assert!(events[0]["resumed_from"].as_u64().is_some_and(|step| step < 400), "{}", events[0]);
    assert!(losses(&events).iter().all(|loss| loss.is_finite()));
    let name = "adapter_model.safetensors";
    assert!(place.read(&format!("out/{name}")) == place.read(&format!("whole/{name}")));
}

#[test]
fn only_floats_are_trained_themselves() {
    let place = Place::new();
    let full = ["--train", "rows.jsonl", "--output", "out", "--method", "full"];
    let refused = |to: &str, other: [&str; 2]| {
        let Ended { code, stdout, .. } = place.run("train", &[&full[..], &other].concat());
        assert_eq!(code, Some(2), "{stdout}");
        assert!(stdout.contains(to) && stdout.contains("full"), "{stdout}");
        assert!(place.names("out").is_empty(), "nothing is written");
    };
    for (to, _) in TYPES {
        refused(to, ["--dtype", to]);
    }
    for to in INTEGERS {
        place.done("quantize", &["--to", to, "--output", to]);
        refused(to, ["--model", to]);
    }
}

#[test]
fn types_that_there_are_not_are_refused() {
    let place = Place::new();
    for (command, arguments) in [
        ("quantize", ["--to", "int2", "--output", "made"]),
        ("eval", ["--data", "rows.jsonl", "--dtype", "int2"]),
    ] {
        let Ended { code, stdout, stderr } = place.run(command, &arguments);
        let told = format!("{stdout}{stderr}");
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("int2") && told.contains("int4"), "{told}");
        assert!(place.names("made").is_empty(), "nothing is written");
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
    // By floats, as what is made of integers is.
    let eval = |model: &str| {
        let options = ["--model", model, "--data", "rows.jsonl", "--products", "f32"];
        metrics(&place.done("eval", &options))
    };
    for to in INTEGERS {
        let integers = convert("model", to, to);
        assert_eq!(convert("floats", to, &format!("{to}-of-floats")).0, integers.0);
        assert_eq!(convert(to, to, &format!("{to}-again")), integers);
        let floats_again = format!("floats-of-{to}");
        let rounded = convert(to, "f32", &floats_again);
        assert_ne!(rounded.0, floats.0);
        assert_eq!(rounded.1, floats.1, "a model of floats like any other");
        let (found, expected) = (loss(&eval(&floats_again)), loss(&eval(to)));
        assert!((found / expected - 1.0).abs() < 1e-6, "{to}: {found}, not {expected}");
    }
    // What is rounded already is rounded further, from the numbers that it has.
    convert("int8", "int4", "int4-of-int8");
    assert_eq!(convert("floats-of-int8", "int4", "int4-of-its-floats").0, {
        place.read(&format!("int4-of-int8/{WEIGHTS}"))
    });
    assert_eq!(eval("floats"), eval("model"));
    let halves = convert("model", "f16", "halves");
    assert!(halves.0.len() < floats.0.len() * 6 / 10);
    assert_eq!(place.json("halves/config.json")["dtype"], "float16");
}

#[test]
fn eight_bits_are_multiplied_as_integers_unless_floats_are_asked_for() {
    let place = Place::new();
    place.done("quantize", &["--model", "model", "--to", "int8", "--output", "int8"]);
    let eval = |options: &[&str]| {
        let options = [&["--model", "int8", "--data", "rows.jsonl"], options].concat();
        loss(&metrics(&place.done("eval", &options)))
    };
    let (default, integers) = (eval(&[]), eval(&["--products", "int16"]));
    let floats = eval(&["--products", "f32"]);
    assert_eq!(default, integers);
    assert_ne!(integers, floats);
    assert!((integers / floats - 1.0).abs() < 1e-4, "{integers}, not {floats}");
    let defined = eval(&["--no-kernels"]);
    assert_eq!(defined, eval(&["--no-kernels", "--products", "f32"]));
    // Of weights that are no 8-bit integers none are made.
    let asked = ["--products", "int16", "--model", "model"];
    for (command, rest) in [
        ("eval", &["--data", "rows.jsonl"][..]),
        ("train", &["--train", "rows.jsonl", "--output", "none"]),
    ] {
        let ended = place.run(command, &[&asked[..], rest].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stdout.contains("products") && ended.stdout.contains("dtype"), "{ended:?}");
    }
    assert!(!place.names("").contains(&"none".to_owned()));
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
