use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Finding, Health};

/// A warning for a key that others can read.
pub(super) fn secret(name: &str, path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        let detail = format!("`{}` can be read by others: mode {mode:o}", path.display());
        Finding::new("certificate", name, Health::Warning, detail)
            .fix(format!("chmod 600 '{}'", path.display()))
    })
}
