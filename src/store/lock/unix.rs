use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How the files end that tell of a lock.
pub(super) const MARK: &str = ".lock";

pub(super) fn is_current(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Who holds the lock stands in its file: locks are only advice here, and anybody may read it.
pub(super) fn sign(file: &mut File, _path: &Path, text: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(text)
}

pub(super) fn signature(file: &mut File, _path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    Ok(text)
}

pub(super) fn clean(path: &Path) {
    fs::remove_file(path).ok();
}
