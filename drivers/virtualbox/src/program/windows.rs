use std::path::PathBuf;
use std::process::Command;

/// The installer changes no search path. It says in the registry where it put its files.
pub(super) fn directories() -> Vec<PathBuf> {
    let mut directories = vec![PathBuf::from(r"C:\Program Files\Oracle\VirtualBox")];
    directories.extend(registered());
    directories
}

/// `reg query` prints `    InstallDir    REG_SZ    C:\…\` below the key. It answers from memory at
/// once, so it needs no deadline.
fn registered() -> Option<PathBuf> {
    let query = ["query", r"HKLM\SOFTWARE\Oracle\VirtualBox", "/v", "InstallDir"];
    let output = Command::new("reg.exe").args(query).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, path) = text.lines().find_map(|line| line.split_once("REG_SZ"))?;
    Some(PathBuf::from(path.trim()))
}
