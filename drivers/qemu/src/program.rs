use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::process::{self, Run};
use machine_driver::{Error, ErrorKind, Result};

const PROGRAM: &str = "qemu-system-x86_64";

/// The first version that has `-action`, which a guest's reboot and panic need.
const OLDEST: Version = Version { major: 6, minor: 0 };

/// Where QEMU's installers put it when they do not extend the search path.
const USUAL_PLACES: &[&str] = if cfg!(windows) {
    &[r"C:\Program Files\qemu"]
} else if cfg!(target_os = "macos") {
    &["/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin"]
} else {
    &[]
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Finds the program that was asked for, or QEMU where it usually is.
pub(crate) fn find(asked: &str, search_path: &OsStr) -> Result<PathBuf> {
    if !asked.is_empty() {
        return process::find(asked, search_path)
            .ok_or_else(|| missing(format!("there is no program `{asked}`")));
    }
    process::find(PROGRAM, search_path)
        .or_else(|| {
            let places = std::env::join_paths(USUAL_PLACES).ok()?;
            process::find(PROGRAM, &places)
        })
        .ok_or_else(|| missing(format!("QEMU is not installed: `{PROGRAM}` was not found")))
}

/// Asks the program for its version. An error if it is too old.
pub(crate) async fn version(program: &Path) -> Result<Version> {
    let run = Run::new(program).arg("--version").deadline(Duration::from_secs(20));
    let output = run.output().await?;
    let version = parse(&output.stdout).ok_or_else(|| {
        missing(format!("`{}` does not look like QEMU", program.display()))
            .caused_by(process::tail(&output.stdout, 3))
    })?;
    if version < OLDEST {
        return Err(missing(format!("QEMU {version} is too old: {OLDEST} is needed")));
    }
    Ok(version)
}

/// Reads `QEMU emulator version 7.2.22 (Debian …)`.
fn parse(text: &str) -> Option<Version> {
    let (_, rest) = text.split_once("QEMU emulator version ")?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some(Version { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
}

fn missing(message: String) -> Error {
    let install = if cfg!(windows) {
        "install it: `winget install SoftwareFreedomConservancy.QEMU`"
    } else if cfg!(target_os = "macos") {
        "install it: `brew install qemu`"
    } else {
        "install it: `sudo apt-get install qemu-system-x86` (Fedora: `sudo dnf install qemu-system-x86-core`)"
    };
    Error::new(ErrorKind::MissingTool, message)
        .hint(install)
        .hint("or say where it is: `--qemu-program PATH`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let debian = parse("QEMU emulator version 7.2.22 (Debian 1:7.2)\nCopyright").unwrap();
        assert_eq!(debian, Version { major: 7, minor: 2 });
        assert!(debian > OLDEST);
        assert!(parse("QEMU emulator version 10.0.0").unwrap() > debian);
        assert_eq!(parse("GNU bash, version 5.2"), None);
    }

    #[test]
    fn a_missing_program_comes_with_the_command_that_installs_it() {
        let nowhere = OsStr::new("/nowhere");
        let error = find("/nowhere/qemu", nowhere).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingTool);
        assert!(error.to_string().contains("/nowhere/qemu"));
        assert!(error.hints()[0].contains("install"));
    }
}
