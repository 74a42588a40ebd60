use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// How the files end that tell of a lock.
pub(super) const MARK: &str = ".holder";

/// Nobody deletes it: a file that others have open keeps its name until they have closed it, and
/// cannot be opened any more in between.
pub(super) fn is_current(_file: &File, _path: &Path) -> bool {
    true
}

/// Who holds the lock stands beside it, for Windows lets nobody read what another process has locked
/// (`LockFileEx`).
pub(super) fn sign(_file: &mut File, path: &Path, text: &[u8]) -> io::Result<()> {
    fs::write(mark(path), text)
}

pub(super) fn signature(_file: &mut File, path: &Path) -> io::Result<Vec<u8>> {
    fs::read(mark(path))
}

pub(super) fn clean(path: &Path) {
    fs::remove_file(mark(path)).ok();
}

fn mark(path: &Path) -> PathBuf {
    path.with_extension(&MARK[1..])
}
