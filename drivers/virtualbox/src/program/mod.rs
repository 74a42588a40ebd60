//! Finding `VBoxManage`.

#[cfg(not(windows))]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsStr;
use std::path::PathBuf;

use machine_driver::{Error, ErrorKind, Result, process};

#[cfg(not(windows))]
use unix::directories;
#[cfg(windows)]
use windows::directories;

/// The program: on the search path, else where VirtualBox's installers put it.
pub(crate) fn find(search_path: &OsStr) -> Result<PathBuf> {
    let elsewhere = || {
        let directories = std::env::join_paths(directories()).ok()?;
        process::find("VBoxManage", &directories)
    };
    process::find("VBoxManage", search_path).or_else(elsewhere).ok_or_else(|| {
        let text =
            "VBoxManage not found. Make sure VirtualBox is installed and VBoxManage is in the path";
        Error::new(ErrorKind::MissingTool, text)
            .hint("install it: https://www.virtualbox.org/wiki/Downloads")
            .hint("or use another driver: `--driver qemu`")
    })
}
