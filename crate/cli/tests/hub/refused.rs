#[cfg(target_os = "linux")]
use std::io::Write;

#[cfg(target_os = "linux")]
use crate::common::Disk;
use crate::{COMMIT, Hub, ID, ended, server::sha256};

/// What is said of a model that the server refuses so.
#[track_caller]
fn refusal(status: u16, code: &'static str) -> (Option<i32>, String) {
    let hub = Hub::new();
    hub.server.state().refusal = Some((status, code));
    let refused = hub.refused(&[ID]);
    assert_eq!(hub.names("").len(), 0, "nothing is written");
    refused
}

#[test]
fn what_the_hub_refuses_is_told() {
    for (status, code, expected) in [
        (
            404,
            "RepoNotFound",
            "tiny/t5: there is neither such a directory here nor such a model on",
        ),
        // So huggingface.co answers who has no token.
        (
            401,
            "RepoNotFound",
            "tiny/t5: there is neither such a directory here nor such a model on",
        ),
        (404, "RevisionNotFound", "tiny/t5: it has no revision `main`"),
        (401, "", "tiny/t5: the hub does not show it to everybody (status 401)"),
        (403, "GatedRepo", "tiny/t5: its owner wants conditions to be accepted first"),
    ] {
        let (exit, message) = refusal(status, code);
        assert_eq!(exit, Some(2), "{message}");
        assert!(message.starts_with(expected), "{message}");
    }
    let (exit, message) = refusal(503, "");
    assert_eq!(exit, Some(1), "{message}");
    assert!(message.contains("it answers 503"), "{message}");
}

#[test]
fn what_to_do_is_told() {
    let hub = Hub::new();
    hub.server.state().refusal = Some((403, "GatedRepo"));
    let shown = ended(&mut hub.command("generate", &["--model", ID, "the cat"])).stderr;
    let page = format!("hint: accept them at {}/{ID}, then set HF_TOKEN", hub.server.address());
    assert!(shown.contains(&page), "{shown}");
    hub.server.state().refusal = Some((401, ""));
    let mut command = hub.command("generate", &["--model", ID, "the cat"]);
    let shown = ended(command.env("HF_TOKEN", "old")).stderr;
    assert!(shown.contains("for the token given (status 401)"), "{shown}");
    assert!(shown.contains("hint: check that the token is valid"), "{shown}");
}

#[test]
fn a_name_that_can_be_neither_is_told() {
    let hub = Hub::new();
    for name in ["flan-t5-small", "./runs/1", "a/b/c", "tiny/t5@../main", "tiny/t5@"] {
        let (exit, message) = hub.refused(&[name]);
        assert_eq!(exit, Some(2));
        let expected =
            format!("model: found `{name}`, which is neither a directory here nor a hub");
        assert!(message.starts_with(&expected), "{message}");
    }
    assert_eq!(hub.server.requests().len(), 0);
}

#[test]
fn without_a_network_the_address_is_told() {
    let hub = Hub::new();
    hub.server.stop();
    let (exit, message) = hub.refused(&[ID]);
    assert_eq!(exit, Some(1));
    let expected =
        format!("{ID}: it is not whole in the cache, and {} is not reached", hub.server.address());
    assert!(message.starts_with(&expected), "{message}");
}

#[test]
fn nothing_is_downloaded_where_that_is_forbidden() {
    let hub = Hub::new();
    let (exit, message) = hub.refused(&[ID, "--offline"]);
    assert_eq!(exit, Some(2));
    assert!(message.contains("nothing may be downloaded"), "{message}");
    let mut command = hub.command("generate", &["--model", ID, "the cat"]);
    let ended = ended(command.env("HF_HUB_OFFLINE", "1"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("hint: run once without --offline"), "{ended:?}");
    assert_eq!(hub.server.requests().len(), 0);
}

#[test]
fn a_repository_must_hold_what_is_needed() {
    for (removed, expected) in [
        ("tokenizer.json", "its repository holds no tokenizer.json"),
        ("model.safetensors", "its repository holds no model.safetensors"),
        ("config.json", "its repository holds no config.json"),
    ] {
        let hub = Hub::new();
        hub.server.state().files.remove(removed);
        let (exit, message) = hub.refused(&[ID]);
        assert_eq!((exit, message), (Some(2), format!("{ID}: {expected}")));
    }
    let hub = Hub::new();
    hub.server.state().files.remove("model.safetensors");
    hub.server.put("pytorch_model.bin", vec![0]);
    let (_, message) = hub.refused(&[ID]);
    assert!(message.contains("pytorch_model.bin, which can run code"), "{message}");
}

#[test]
fn content_that_is_not_what_the_hub_says_is_removed() {
    for name in ["model.safetensors", "tokenizer.json"] {
        let hub = Hub::new();
        hub.server.state().spoiled = Some(name.to_owned());
        let (exit, message) = hub.refused(&[ID]);
        assert_eq!(exit, Some(1));
        assert!(message.starts_with(&format!("{ID}: {name} is not what the hub says: its ")));
        let link = hub.cached(&format!("snapshots/{COMMIT}/{name}"));
        assert!(!link.exists() && !hub.cached("refs/main").exists());
        assert!(hub.names("blobs").iter().all(|name| !name.ends_with(".incomplete")));
        // What was right is kept, and another try makes the rest of it.
        hub.server.state().spoiled = None;
        hub.answer(&[ID]);
    }
    // A part that was left is not believed either.
    let hub = Hub::new();
    let content = hub.place.read("model/model.safetensors");
    let part = format!("cache/models--tiny--t5/blobs/{}.incomplete", sha256(&content));
    hub.place.write(&part, &vec![7; content.len() / 2]);
    let (exit, message) = hub.refused(&[ID]);
    assert!(exit == Some(1) && message.contains("SHA-256"), "{message}");
    hub.answer(&[ID]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let hub = Hub::new();
    let Some(_disk) = Disk::new(&hub.place, 16 << 10) else {
        let _ = writeln!(std::io::stderr(), "skipped: a cache that is full: no tmpfs can be made");
        return;
    };
    let mut command = hub.command("generate", &["--json", "--model", ID, "the cat"]);
    let shown = ended(command.env("HF_HUB_CACHE", hub.place.path("disk")));
    assert_eq!(shown.code, Some(1), "{shown:?}");
    let message = format!("{ID}: there is no room on the disk of ");
    assert!(shown.stdout.contains(&message), "{shown:?}");
}

#[cfg(unix)]
#[test]
fn a_download_is_not_written_through_a_link() {
    let hub = Hub::new();
    let content = hub.place.read("model/model.safetensors");
    let blobs = hub.cached("blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    hub.place.write("notes.txt", b"somebody's own");
    let part = blobs.join(format!("{}.incomplete", sha256(&content)));
    std::os::unix::fs::symlink(hub.place.path("notes.txt"), part).unwrap();
    let (exit, message) = hub.refused(&[ID]);
    assert_eq!(exit, Some(1), "{message}");
    assert!(message.contains("it is a symbolic link"), "{message}");
    assert_eq!(hub.place.read("notes.txt"), b"somebody's own");
}

#[test]
fn what_is_no_hub_is_told() {
    let hub = Hub::new();
    let command = |endpoint: &str| {
        let mut command = hub.command("generate", &["--json", "--model", ID, "the cat"]);
        ended(command.env("HF_ENDPOINT", endpoint)).stdout
    };
    let shown = command("no address");
    assert!(shown.contains("\"code\":\"hub\""), "{shown}");
    // A file server: every path is a page of its own.
    let shown = command(&format!("{}/storage/README.md?", hub.server.address()));
    assert!(shown.contains("this is not served by a hub: its answer is not JSON"), "{shown}");
}
