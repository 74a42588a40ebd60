//! A file system of a chosen size, for what happens when a disk is full.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Mounted until it is dropped.
pub(crate) struct Tmpfs {
    path: PathBuf,
}

impl Tmpfs {
    /// Mounts one of `size` KiB. `None`, said plainly, where this user may not mount.
    pub(crate) fn mount(path: &Path, size: u64) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}k"), "none"]).arg(path);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            crate::lab::skip("this user cannot mount a small file system");
            return None;
        }
        Some(Self { path: path.to_owned() })
    }

    /// Fills it but for `left` KiB.
    pub(crate) fn fill(&self, left: u64) {
        self.free();
        let filler = File::create(self.filler()).unwrap();
        for _ in 0..1000 {
            let space = rustix::fs::statvfs(&self.path).unwrap();
            let bytes = (space.f_bavail * space.f_frsize).saturating_sub(left << 10);
            let none = rustix::fs::FallocateFlags::empty();
            // Others may write here at the same time, so that there is less than there was.
            if bytes == 0 || rustix::fs::fallocate(&filler, none, 0, bytes).is_ok() {
                return;
            }
        }
        panic!("`{}` cannot be filled", self.path.display());
    }

    /// Makes space again.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.filler()).ok();
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // At once, also if something still has a file of it open.
        Command::new("umount").arg("-l").arg(&self.path).status().ok();
    }
}
