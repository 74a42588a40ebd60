use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Between attempts: half a second in all.
pub(super) const PAUSES: &[Duration] = &[Duration::from_millis(50); 10];

/// What the file system says of a file. As long as it says so, nobody has written to it who did not
/// forge its time.
pub fn stamp(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    Ok(format!("{} {:?}", meta.len(), meta.modified()?))
}

/// Makes a directory and its parents, for the owner alone where they are new. A file system that
/// knows no rights is used as it is; `doctor` says so.
pub fn create_dir(path: &Path) -> io::Result<()> {
    let first = path.ancestors().take_while(|it| !it.exists()).last();
    fs::create_dir_all(path)?;
    if let Some(error) = first.and_then(|first| crate::acl::make_private(first).err()) {
        tracing::debug!(?first, %error, "rights");
    }
    Ok(())
}

/// There is no such thing here: the file system's journal keeps renames in order.
pub fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// Files have the rights that their directory gives them.
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(super) fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}
