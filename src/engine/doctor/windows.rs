use std::path::Path;

use machine_driver::acl;

use super::{Finding, Health};

/// A warning for a key that others can read.
pub(super) fn secret(name: &str, path: &Path) -> Option<Finding> {
    let others = acl::foreign_readers(path).filter(|others| !others.is_empty())?;
    let path = path.display();
    let detail = format!("`{path}` can be read by others: {}", others.join(", "));
    let fix = format!("icacls \"{path}\" /inheritance:r /grant:r \"%USERNAME%:F\"");
    Some(Finding::new("certificate", name, Health::Warning, detail).fix(fix))
}
