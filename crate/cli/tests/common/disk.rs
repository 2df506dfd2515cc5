//! A disk that may be full.

use std::{fs, process::Command};

use super::Place;

/// A file system of its own in `disk`, in memory.
pub(crate) struct Disk<'a> {
    place: &'a Place,
}

impl<'a> Disk<'a> {
    /// `None` where this process may not make one.
    pub(crate) fn new(place: &'a Place, bytes: u64) -> Option<Self> {
        fs::create_dir_all(place.path("disk")).unwrap();
        let made = mount(place, &format!("size={bytes}"));
        made.then_some(Self { place })
    }

    /// Has room for so many bytes from now on.
    pub(crate) fn resize(&self, bytes: u64) {
        assert!(mount(self.place, &format!("remount,size={bytes}")));
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.place.path("disk")).status();
    }
}

fn mount(place: &Place, options: &str) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(place.path("disk"));
    command.output().is_ok_and(|output| output.status.success())
}
