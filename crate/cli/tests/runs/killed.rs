//! A run that is killed at any moment, and resumed, ends with the bytes of one that was not.

#![cfg(unix)]

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use flantune::rng::{Purpose, Random};

use crate::common::{Place, of_kind, rows};

const LORA: &[&str] = &["--lora-dropout", "0.1", "--dropout", "0.1", "--eval-every", "4"];
const PROMPT: &[&str] = &["--method", "prompt", "--validation-fraction", "0"];
const FULL: &[&str] = &["--method", "full", "--eval-every", "4", "--accumulate", "2"];

#[test]
fn killed_lora_equals_uninterrupted() {
    check("rows.jsonl", LORA, &["adapter_model.safetensors", "adapter_config.json", "README.md"]);
}

#[test]
fn killed_prompt_tuning_equals_uninterrupted() {
    check("rows.jsonl", PROMPT, &["adapter_model.safetensors", "adapter_config.json", "README.md"]);
}

#[test]
fn killed_full_training_equals_uninterrupted() {
    check("rows.jsonl", FULL, &["model.safetensors", "config.json", "tokenizer.json"]);
}

#[test]
fn killed_training_on_a_mixture_equals_uninterrupted() {
    check("mixture.toml", LORA, &["adapter_model.safetensors", "adapter_config.json", "README.md"]);
}

const MIXTURE: &str = "temperature = 2\n\
    [[set]]\ntrain = \"rows.jsonl\"\ncap = 9\n\
    [[set]]\nname = \"few\"\ntrain = \"few.jsonl\"\nweight = 3\n";

/// Kills until it is enough, in as many runs as that takes; `scripts/kills.sh` asks for more kills.
#[track_caller]
fn check(train: &str, method: &[&str], results: &[&str]) {
    let wanted: usize =
        env::var("FLANTUNE_KILLS").map_or(6, |kills| kills.parse().expect("FLANTUNE_KILLS"));
    let place = Place::new();
    place.write("few.jsonl", rows(5).as_bytes());
    place.write("mixture.toml", MIXTURE.as_bytes());
    let steps = ["--max-steps", "20", "--batch-size", "4", "--checkpoint-every", "3"];
    let options = [&steps, &["--keep-checkpoints", "1"][..], method].concat();
    let whole = ["--train", train, "--output", "whole"];
    place.done("train", &[&whole, options.as_slice()].concat());

    let mut random = Random::new(7, Purpose::Synthetic, 2, (method.len() + train.len()) as u64);
    let (mut kills, mut runs) = (0, 0);
    while kills < wanted {
        runs += 1;
        let output = format!("killed-{runs}");
        let arguments = ["--train", train, "--resume", "--output", &output];
        let arguments = [&arguments, options.as_slice()].concat();
        // A signal may come when all is done; a run that is done is not gone on with.
        let is_done = || {
            let record = format!("{output}/run.json");
            place.path(&record).exists() && !place.json(&record)["result"].is_null()
        };
        while kills < wanted
            && !is_done()
            && killed(place.command("train", &arguments), &mut random)
        {
            kills += 1;
        }
        match is_done() {
            false => drop(place.done("train", &arguments)),
            // Killed between its result and its last acts, it left what they remove: who asks for more is
            // refused, and finds it gone.
            true => assert_eq!(place.run("train", &arguments).code, Some(2)),
        }
        assert_eq!(place.names(&format!("{output}/checkpoints")), Vec::<String>::new());
        let hidden = |name: &String| name.starts_with(".flantune");
        assert!(!place.names(&output).iter().any(hidden), "{:?}", place.names(&output));
        let steps = place.lines(&format!("{output}/events.jsonl"));
        let steps = of_kind(&steps, "step").into_iter().map(|event| event["step"].as_u64());
        assert!(steps.eq((1..=20).map(Some)), "no step is missing from the record, or there twice");
        for name in results {
            let same =
                place.read(&format!("{output}/{name}")) == place.read(&format!("whole/{name}"));
            assert!(same, "{name} differs after {kills} kills");
        }
    }
    // Shown by `--nocapture`: a count of kills that happened, not of those that were meant to.
    #[allow(clippy::print_stderr)]
    {
        eprintln!("{kills} kills in {runs} runs, the same bytes");
    }
}

/// Ends the process some events, and often some moments, after its start, with a signal that it may
/// answer or one that it cannot. Whether it was still there to be ended.
fn killed(mut command: Command, random: &mut Random) -> bool {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let events = random.below(9) as usize;
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    for _ in 0..events {
        if lines.next().is_none() {
            break;
        }
    }
    if random.below(3) > 0 {
        thread::sleep(Duration::from_micros(random.below(20_000)));
    }
    let signal = ["-KILL", "-TERM", "-INT"][random.below(3) as usize];
    let id = process.id().to_string();
    assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    // What it still has to say fills no pipe.
    lines.for_each(drop);
    let code = process.wait().unwrap().code();
    assert!(matches!(code, None | Some(0 | 130)), "{signal}: {code:?}");
    code != Some(0)
}
