//! Commands that go by the record of a run, or by a configuration of their own.

use crate::common::Place;

#[test]
fn a_record_evaluates_and_generates_as_its_run_did() {
    let place = Place::new();
    let settings = ["--max-steps", "4", "--batch-size", "4", "--metrics", "loss,rougeL"];
    let template = ["--template", "{{ source }} . ||| {{ target }}", "--max-new-tokens", "6"];
    place.train("out", &[&settings[..], &template].concat());
    let again = |command: &str, arguments: &[&str]| {
        place.flantune(&[&[command, "--json", "--adapter", "out"], arguments].concat())
    };
    let lines = |mut command: std::process::Command| {
        let ended = crate::common::ended(&mut command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        crate::common::lines(&ended.stdout)
    };

    let evaluated = lines(again("eval", &["--config", "out/run.json", "--data", "rows.jsonl"]));
    let given = [&["--data", "rows.jsonl", "--adapter", "out"], &settings[2..], &template].concat();
    assert_eq!(evaluated, place.done("eval", &given));
    assert!(evaluated[0]["metrics"]["rougeL"].is_object());
    // Options go over it.
    let other = ["--config", "out/run.json", "--data", "rows.jsonl", "--metrics", "loss"];
    let metrics = &lines(again("eval", &other))[0]["metrics"];
    assert_eq!(metrics["loss"], evaluated[0]["metrics"]["loss"]);
    assert!(metrics["rougeL"].is_null());

    let answered = lines(again("generate", &["--config", "out/run.json", "--input", "rows.jsonl"]));
    let given = [&["--input", "rows.jsonl", "--adapter", "out"], &template[..]].concat();
    assert_eq!(answered, place.done("generate", &given));
    assert!(answered[0]["source"].as_str().unwrap().ends_with(" ."));
    let prompts = lines(again("generate", &["--config", "out/run.json", "the cat"]));
    assert_eq!(prompts[0]["source"], "the cat");
}

#[test]
fn a_configuration_of_one_s_own_will_do() {
    let place = Place::new();
    place.write(
        "f.toml",
        b"[model]\nmodel = \"model\"\ndevice = \"cpu\"\n[eval]\nmax_new_tokens = 3\nnum_beams = 2\n",
    );
    let ended = |arguments: &[&str]| crate::common::ended(&mut place.flantune(arguments));
    let beams = ended(&["generate", "--config", "f.toml", "--json", "the cat"]);
    let given = ["--max-new-tokens", "3", "--num-beams", "2", "the cat"];
    let expected = place.done("generate", &given);
    assert_eq!(crate::common::lines(&beams.stdout), expected);

    for (command, arguments) in
        [("generate", &["the cat"][..]), ("eval", &["--data", "rows.jsonl"])]
    {
        for (file, content, message) in [
            ("no.toml", "", "no.toml: there is no such file"),
            ("g.toml", "[eval]\nmax_tokens = 3\n", "[eval] max_tokens: there is no such key"),
            ("h.toml", "[eval]\nnum_beams = 0\n[model]\nmodel = \"model\"\n", "num_beams: found 0"),
        ] {
            if file != "no.toml" {
                place.write(file, content.as_bytes());
            }
            let refused = ended(&[&[command, "--config", file, "--json"], arguments].concat());
            assert_eq!(refused.code, Some(2), "{refused:?}");
            assert!(refused.stdout.contains(message), "{refused:?}");
        }
        // Without either, the model is missed.
        let refused = ended(&[&[command], arguments].concat());
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains("--model"), "{refused:?}");
    }
}
