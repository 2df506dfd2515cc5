use std::fs;

use crate::{
    COMMIT, Hub, ID, Server, ended,
    server::{sha256, tag},
};

/// The `Range` of each request for a large file's content.
fn ranges(hub: &Hub) -> Vec<Option<String>> {
    let requests = hub.server.requests();
    let contents = requests.iter().filter(|request| request.path.starts_with("/storage/"));
    contents.map(|request| request.headers.get("range").cloned()).collect()
}

#[test]
fn a_model_is_downloaded_once() {
    let hub = Hub::new();
    let expected = hub.answer(&["model"]);
    assert_eq!(hub.server.requests().len(), 0);
    assert_eq!(hub.answer(&[ID]), expected);
    let asked = hub.server.requests();
    let large = asked.iter().filter(|request| request.path.starts_with("/storage/")).count();
    assert_eq!((asked[0].path.as_str(), large), ("/api/models/tiny/t5/revision/main", 1));

    // As huggingface_hub lays it out, without what is not needed.
    assert_eq!(fs::read_to_string(hub.cached("refs/main")).unwrap(), COMMIT);
    let names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
    assert_eq!(hub.names(&format!("snapshots/{COMMIT}")), names);
    let mut blobs = Vec::new();
    for name in names {
        let link = hub.cached(&format!("snapshots/{COMMIT}/{name}"));
        let content = hub.place.read(&format!("model/{name}"));
        assert!(fs::read(&link).unwrap() == content, "{name}");
        let blob = tag(name, &content);
        if cfg!(unix) {
            let target = fs::read_link(&link).unwrap();
            assert_eq!(target.to_str().unwrap(), format!("../../blobs/{blob}"));
        }
        blobs.push(blob);
    }
    blobs.sort();
    if cfg!(unix) {
        assert_eq!(hub.names("blobs"), blobs);
    }

    // From now on nothing is asked, of nobody.
    for model in [ID, "tiny/t5@main", &format!("{ID}@{COMMIT}")] {
        assert_eq!(hub.answer(&[model]), expected);
        assert_eq!(hub.answer(&[model, "--offline"]), expected);
    }
    assert_eq!(hub.server.requests().len(), 0);
    hub.server.stop();
    assert_eq!(hub.answer(&[ID]), expected);
}

#[test]
fn shards_are_found_through_their_index() {
    let hub = Hub::new();
    let expected = hub.answer(&["model"]);
    hub.server.state().files.remove("model.safetensors");
    let sharded = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/gated/as/sharded");
    for entry in fs::read_dir(sharded).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        hub.server.put(&name, fs::read(path).unwrap());
    }
    assert_eq!(hub.answer(&[ID]), expected);
    hub.server.stop();
    assert_eq!(hub.answer(&[ID]), expected);

    // Without one of its shards it is no longer whole.
    let shard = "model-00002-of-00005.safetensors";
    fs::remove_file(hub.cached(&format!("snapshots/{COMMIT}/{shard}"))).unwrap();
    let (code, message) = hub.refused(&[ID, "--offline"]);
    assert!(code == Some(2) && message.contains(&format!("where {shard} is missing")), "{message}");
}

#[test]
fn a_path_that_exists_wins() {
    let hub = Hub::new();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let content = hub.place.read(&format!("model/{name}"));
        hub.place.write(&format!("{ID}/{name}"), &content);
    }
    hub.answer(&[ID]);
    assert_eq!(hub.server.requests().len(), 0);
}

#[test]
fn a_broken_connection_goes_on_where_it_broke() {
    let hub = Hub::new();
    let length = hub.place.read("model/model.safetensors").len();
    hub.server.state().cuts = vec![1000, length / 2];
    hub.answer(&[ID]);
    let second = format!("bytes={}-", 1000 + length / 2);
    assert_eq!(ranges(&hub), [None, Some("bytes=1000-".to_owned()), Some(second)]);
}

#[test]
fn what_an_interrupted_command_left_is_gone_on_with() {
    let content = Hub::new().place.read("model/model.safetensors");
    let left = |hub: &Hub, bytes: &[u8]| {
        let name = format!("blobs/{}.incomplete", sha256(&content));
        hub.place.write(&format!("cache/models--tiny--t5/{name}"), bytes);
    };
    let hub = Hub::new();
    left(&hub, &content[..content.len() / 3]);
    hub.answer(&[ID]);
    assert_eq!(ranges(&hub), [Some(format!("bytes={}-", content.len() / 3))]);

    // All of it is there: only its check is missing.
    let hub = Hub::new();
    left(&hub, &content);
    hub.answer(&[ID]);
    assert_eq!(ranges(&hub), []);

    // More than all of it cannot be right.
    let hub = Hub::new();
    left(&hub, &[&content[..], b"x"].concat());
    hub.answer(&[ID]);
    assert_eq!(ranges(&hub), [None]);

    // A server without ranges sends all of it again.
    let hub = Hub::new();
    hub.server.state().whole = true;
    left(&hub, b"xyz");
    hub.answer(&[ID]);
    assert_eq!(ranges(&hub), [Some("bytes=3-".to_owned())]);
}

#[test]
fn a_token_goes_to_the_hub_alone() {
    let hub = Hub::new();
    let storage = Server::start();
    storage.put("model.safetensors", hub.place.read("model/model.safetensors"));
    hub.server.state().storage = Some(storage.address());
    let mut command = hub.command("generate", &["--model", ID, "the cat"]);
    assert_eq!(ended(command.env("HF_TOKEN", "hf_secret")).code, Some(0));

    let asked = hub.server.requests();
    let expected = Some("Bearer hf_secret".to_owned());
    assert!(asked.len() > 5);
    for request in asked {
        assert_eq!(request.headers.get("authorization"), expected.as_ref(), "{request:?}");
    }
    let [request] = &storage.requests()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.headers.get("authorization")), ("GET", None));
}

#[test]
fn the_token_of_a_login_is_used() {
    let hub = Hub::new();
    hub.place.write("huggingface/token", b"hf_file\n");
    hub.answer(&[ID]);
    let asked = hub.server.requests();
    assert_eq!(asked[0].headers["authorization"], "Bearer hf_file");
}

#[test]
fn progress_is_told_in_lines_but_not_with_json() {
    let hub = Hub::new();
    let mut command = hub.command("generate", &["--model", ID, "the cat"]);
    let ended = ended(&mut command);
    assert_eq!(ended.code, Some(0));
    let expected = format!(
        "Downloading config.json, tokenizer.json, generation_config.json, model.safetensors of \
         {ID}@{COMMIT}, "
    );
    assert!(ended.stderr.starts_with(&expected), "{ended:?}");
}

#[test]
fn a_run_names_its_base_and_can_be_repeated() {
    let hub = Hub::new();
    let train = ["--train", "rows.jsonl", "--max-steps", "2", "--json"];
    let run = |arguments: &[&str]| {
        let ended = ended(&mut hub.command("train", &[&train, arguments].concat()));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    };
    run(&["--model", ID, "--output", "out"]);
    let config = hub.place.json("out/adapter_config.json");
    assert_eq!(
        (&config["base_model_name_or_path"], &config["revision"]),
        (&ID.into(), &COMMIT.into())
    );
    let record = hub.place.json("out/run.json");
    assert_eq!(record["config"]["model"]["model"], format!("{ID}@{COMMIT}"));
    let card = String::from_utf8(hub.place.read("out/README.md")).unwrap();
    assert!(card.contains(&format!("base_model: {ID}\n")), "{card}");
    let loaded = format!("from_pretrained(\"{ID}\", revision=\"{COMMIT}\")");
    assert!(card.contains(&loaded), "{card}");

    // The branch may move: the run is repeated with the commit that it had.
    fs::write(hub.cached("refs/main"), COMMIT.replace('0', "f")).unwrap();
    hub.server.stop();
    run(&["--config", "out/run.json", "--output", "again"]);
    let weights = |run: &str| hub.place.read(&format!("{run}/adapter_model.safetensors"));
    assert!(weights("out") == weights("again"));
}
