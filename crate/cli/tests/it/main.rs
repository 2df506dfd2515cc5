//! The real binary on what a user may type: exit code, standard output, standard error.

mod errors;
mod help;
mod printing;
mod shell;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// A directory of its own to run commands in.
struct Cli {
    directory: TempDir,
}

impl Cli {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// With a file of this content.
    fn with(self, name: &str, content: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flantune"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("NO_COLOR", "1")
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null());
        command
    }

    /// The exit code and both streams, in the form that tests compare.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        shown(self.command(arguments).output().unwrap())
    }

    /// Everything below the directory, sorted.
    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}

fn shown(output: Output) -> String {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let mut shown = format!("exit code {}\n", output.status.code().unwrap());
    for (name, text) in [("stdout", text(output.stdout)), ("stderr", text(output.stderr))] {
        if !text.is_empty() {
            shown += &format!("--- {name}\n{text}");
        }
    }
    shown
}
