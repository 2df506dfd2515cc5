//! The real binary with models of a hub: a server of the test's own, and a cache of its own.

#[path = "../common/mod.rs"]
mod common;
mod download;
mod refused;
mod server;

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use crate::{
    common::{Ended, Place, ended, lines},
    server::{COMMIT, ID, Server},
};

/// A place whose commands find their hub at a server, and have a cache of their own.
struct Hub {
    place: Place,
    server: Server,
}

impl Hub {
    /// With the small model on the server.
    fn new() -> Self {
        let place = Place::new();
        let server = Server::start();
        for name in ["config.json", "generation_config.json", "tokenizer.json"] {
            server.put(name, place.read(&format!("model/{name}")));
        }
        server.put("README.md", b"A model.".to_vec());
        server.put("model.safetensors", place.read("model/model.safetensors"));
        Hub { place, server }
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut process = self.place.flantune(&[command, "--device", "cpu"]);
        process.args(arguments);
        self.surround(&mut process);
        process
    }

    /// Sets the environment that a hub's cache goes by, and no more of it.
    fn surround(&self, process: &mut Command) {
        let proxies = ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"];
        let others = ["HF_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"];
        for name in proxies.into_iter().chain(others).chain(["TRANSFORMERS_OFFLINE"]) {
            process.env_remove(name).env_remove(name.to_lowercase());
        }
        process
            .env("HF_HOME", self.place.path("huggingface"))
            .env("HF_HUB_CACHE", self.place.path("cache"))
            .env("HF_ENDPOINT", self.server.address());
    }

    /// Answers a prompt with a model.
    fn generate(&self, more: &[&str]) -> Ended {
        let arguments = ["--json", "--max-new-tokens", "8", "the cat sat", "--model"];
        ended(&mut self.command("generate", &[&arguments, more].concat()))
    }

    #[track_caller]
    fn answer(&self, more: &[&str]) -> Value {
        let ended = self.generate(more);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        lines(&ended.stdout).remove(0)
    }

    /// The exit code and the message of what must fail.
    #[track_caller]
    fn refused(&self, more: &[&str]) -> (Option<i32>, String) {
        let ended = self.generate(more);
        let error = lines(&ended.stdout).pop().unwrap();
        assert_eq!(error["event"], "error", "{ended:?}");
        (ended.code, error["message"].as_str().unwrap().to_owned())
    }

    /// A path in the model's directory of the cache.
    fn cached(&self, name: &str) -> PathBuf {
        self.place.path(&format!("cache/models--tiny--t5/{name}"))
    }

    fn names(&self, name: &str) -> Vec<String> {
        self.place.names(&format!("cache/models--tiny--t5/{name}"))
    }
}
