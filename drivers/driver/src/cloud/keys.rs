use std::path::{Path, PathBuf};

use crate::{Context, Error, ErrorKind, Result, file};

/// Whether two lines are the same public key; their comments do not count.
pub fn is_same_key(a: &str, b: &str) -> bool {
    let key = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    key(a).is_some() && key(a) == key(b)
}

/// Where docker-machine copies the user's own key.
pub fn copied_key(machine_dir: &Path, key: &str) -> Option<PathBuf> {
    let name = Path::new(key).file_name()?.to_string_lossy().into_owned();
    // Never in the place of what the engine keeps there.
    let kind = Path::new(&name).extension().and_then(|it| it.to_str());
    let taken = matches!(kind, Some("pem" | "json" | "jsonl")) || name.starts_with('.');
    Some(machine_dir.join(if taken { format!("ssh-{name}") } else { name }))
}

/// Copies the user's own key into the machine's directory, for the owner alone.
pub fn copy_key(cx: &Context, key: &str) -> Result<PathBuf> {
    let failed = |error| Error::other("unable to copy ssh key").caused_by(error);
    let to = copied_key(&cx.machine_dir, key)
        .ok_or_else(|| Error::new(ErrorKind::Flags, format!("SSH key does not exist: {key:?}")))?;
    let content = std::fs::read(key).map_err(failed)?;
    file::write_atomic(&to, &content, 0o600).map_err(failed)?;
    if let Ok(public) = std::fs::read(format!("{key}.pub")) {
        let mut name = to.as_os_str().to_owned();
        name.push(".pub");
        file::write_atomic(Path::new(&name), &public, 0o600).map_err(failed)?;
    }
    Ok(to)
}
