use serde_json::{Value, json};

use crate::common::{Place, ended, lines};

fn object(place: &Place, arguments: &[&str]) -> Value {
    let ended = ended(&mut place.flantune(&[arguments, &["--json"]].concat()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    lines(&ended.stdout).remove(0)
}

/// What `memory` says and what a process then takes, in bytes.
#[cfg(target_os = "linux")]
fn compared(method: &str, sizes: &[&str; 6]) -> (f64, f64) {
    let place = Place::new();
    let [batch, rows, source, length, target, output] = sizes;
    let bench = ["bench", "--device", "cpu", "--case", method, batch, rows];
    let bench = [&bench[..], &[source, length, target, output]].concat();
    let memory = ["memory", "--device", "cpu", "--shape", "small", "--method", method, batch, rows];
    let memory = [&memory[..], &["--max-source-tokens", length, "--max-target-tokens", output]];
    let estimated = object(&place, &memory.concat())["total"].as_f64().unwrap();
    (estimated, object(&place, &bench)["cases"][0]["peak_bytes"].as_f64().unwrap())
}

/// `/proc` tells the most memory that a process has held.
#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::print_stderr, reason = "shown by `--nocapture`: how close it is")]
fn what_is_estimated_is_what_is_taken() {
    let usual = ["--batch-size", "8", "--source", "128", "--target", "32"];
    // Activations are the greater part here.
    let long = ["--batch-size", "8", "--source", "384", "--target", "48"];
    for (method, sizes) in [("lora", &usual), ("prompt", &usual), ("full", &usual), ("lora", &long)]
    {
        let (estimated, taken) = compared(method, sizes);
        let ratio = estimated / taken;
        eprintln!("{method}: {:.0} MB of {:.0} MB, {ratio:.2}", estimated / 1e6, taken / 1e6);
        assert!((0.75..1.25).contains(&ratio), "{method}: {estimated} estimated, {taken} taken");
    }
}

#[test]
fn a_model_or_a_configuration_says_what_is_trained() {
    let place = Place::new();
    place.write("run.toml", b"[model]\nmodel = \"model\"\n[method]\nmethod = \"full\"\n");
    let of =
        |arguments: &[&str]| object(&place, &[&["memory", "--device", "cpu"], arguments].concat());
    let directory = of(&["--model", "model", "--method", "full"]);
    assert_eq!(of(&["--model", "model/config.json", "--method", "full"]), directory);
    assert_eq!(of(&["--config", "run.toml"]), directory);
    assert_eq!(directory["trainable_parameters"], directory["total_parameters"]);
    // The weights need not be there.
    std::fs::remove_file(place.path("model/model.safetensors")).unwrap();
    assert_eq!(of(&["--config", "run.toml"]), directory);
    assert_eq!(directory["obstacle"], Value::Null);
    let huge = of(&["--shape", "xxl", "--method", "full", "--batch-size", "512"]);
    if !huge["memory"].is_null() {
        assert_eq!(huge["obstacle"], "memory");
    }

    let shown =
        ended(&mut place.flantune(&["memory", "--shape", "base", "--device", "cpu"])).stdout;
    for part in ["weights", "gradients", "optimizer state", "activations", "total"] {
        assert!(shown.lines().any(|line| line.starts_with(&format!("  {part}"))), "{shown}");
    }

    let refused = ended(&mut place.flantune(&["memory"]));
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("give --model, --shape or --config"), "{refused:?}");
}

#[test]
fn doctor_tells_what_each_device_can_train() {
    let place = Place::new();
    let devices = object(&place, &["doctor"]);
    let cpu = &devices["devices"][0];
    assert_eq!(cpu["kind"], "cpu");
    let trains = cpu["trains"].as_array().unwrap();
    // Five sizes by four methods.
    assert_eq!(trains.len(), 20);
    let find = |size: &str, method: &str| {
        trains.iter().find(|it| it["size"] == size && it["method"] == method).unwrap()
    };
    for method in ["lora", "prompt", "full"] {
        let bytes = |size: &str| find(size, method)["bytes"].as_u64().unwrap();
        assert!(bytes("small") < bytes("base") && bytes("xl") < bytes("xxl"));
        let fits = find("xxl", method)["fits"].as_bool().unwrap();
        if let Some(memory) = cpu["memory"].as_u64() {
            assert_eq!(fits, bytes("xxl") <= memory);
        }
    }
    // It is the estimate of `memory`.
    let memory =
        object(&place, &["memory", "--device", "cpu", "--shape", "large", "--method", "full"]);
    assert_eq!(memory["total"], find("large", "full")["bytes"]);

    assert_eq!(cpu["proof"], Value::Null);
    let shown = ended(&mut place.flantune(&["doctor"])).stdout;
    assert!(shown.lines().any(|line| line.trim().starts_with("xxl ")), "{shown}");
    // Where there is a GPU. What was found of it is kept: with the seconds that it took.
    let proof = |devices: &Value| devices["devices"].get(1).map(|gpu| gpu["proof"].clone());
    if let Some(found) = proof(&devices) {
        assert_eq!((&found["right"], &found["wrong"]), (&true.into(), &json!([])), "{found}");
        assert!(shown.contains("computes: right"), "{shown}");
        assert_eq!(proof(&object(&place, &["doctor"])), Some(found));
    }
}
