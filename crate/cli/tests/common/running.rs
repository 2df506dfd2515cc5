//! A run that works while a test looks on.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use super::Place;

const OPTIONS: [&str; 6] = ["--train", "rows.jsonl", "--output", "out", "--batch-size", "4"];

/// A run in `out` that has begun, and does not end by itself.
pub(crate) struct Running {
    process: Child,
    // Kept, so that its events have somewhere to go.
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Running {
    pub(crate) fn begin(place: &Place, options: &[&str]) -> Self {
        Self::spawn(place, &[&OPTIONS[..], options].concat())
    }

    pub(crate) fn spawn(place: &Place, options: &[&str]) -> Self {
        let mut command = place.command("train", options);
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("\"event\":\"start\""), "{first}");
        Self { process, lines }
    }

    /// Works until so many steps were told.
    pub(crate) fn steps(&mut self, steps: usize) {
        let step = |line: &String| line.contains("\"event\":\"step\"");
        let told = self.lines.by_ref().map(Result::unwrap).filter(step).take(steps).count();
        assert_eq!(told, steps);
    }

    /// Stops it by Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(mut self) {
        let id = self.id().to_string();
        let sent = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
        // What it still has to say fills no pipe.
        self.lines.for_each(drop);
        assert_eq!(self.process.wait().unwrap().code(), Some(130));
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Goes on to its end.
    pub(crate) fn end(mut self) -> Vec<serde_json::Value> {
        let events = self.lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        events
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
