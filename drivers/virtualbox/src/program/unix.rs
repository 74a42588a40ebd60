use std::path::PathBuf;

/// The macOS installer links the program into `/usr/local/bin`, which a program that was started from
/// the desktop does not have on its search path.
pub(super) fn directories() -> Vec<PathBuf> {
    let all = ["/usr/local/bin", "/Applications/VirtualBox.app/Contents/MacOS"];
    if cfg!(target_os = "macos") { all.map(PathBuf::from).into() } else { Vec::new() }
}
