use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// Between attempts: what fails once fails again.
pub(super) const PAUSES: &[Duration] = &[];

/// What the file system says of a file. As long as it says so, nobody has written to it, and what
/// was hashed once need not be read again. Nobody can forge it, for the change time is the kernel's
/// own; a new link changes it too.
pub fn stamp(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    Ok(format!("{} {} {}.{:09}", meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec()))
}

/// Makes a directory and its parents, for the owner alone where they are new.
pub fn create_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Flushes a directory's entries, so that a rename in it survives a power cut.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}
