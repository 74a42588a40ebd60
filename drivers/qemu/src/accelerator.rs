use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::UNIX_EPOCH;

use machine_driver::{Context, Error, ErrorKind, Result, file, shared};
use serde::{Deserialize, Serialize};

use crate::probe::{Verdict, probe};
use crate::system;

/// What runs the guest's instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Accelerator {
    /// The best that works here.
    #[default]
    Auto,
    /// Linux.
    Kvm,
    /// macOS.
    Hvf,
    /// Windows.
    Whpx,
    /// Software emulation, which works everywhere.
    Tcg,
}

/// The accelerator for a machine, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) accelerator: Accelerator,
    /// A line for people.
    pub(crate) reason: String,
}

/// The only hardware accelerator that QEMU has on this operating system.
const OURS: Accelerator = if cfg!(windows) {
    Accelerator::Whpx
} else if cfg!(target_os = "macos") {
    Accelerator::Hvf
} else {
    Accelerator::Kvm
};

impl Accelerator {
    const ALL: [Self; 5] = [Self::Auto, Self::Kvm, Self::Hvf, Self::Whpx, Self::Tcg];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kvm => "kvm",
            Self::Hvf => "hvf",
            Self::Whpx => "whpx",
            Self::Tcg => "tcg",
        }
    }

    /// QEMU's options for the accelerator and the richest CPU that it can give.
    pub(crate) fn options(self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Hvf => ["-accel", "hvf", "-cpu", "host"],
            // QEMU has no CPU `host` for it, and its own interrupt controller is incomplete.
            Self::Whpx => ["-accel", "whpx,kernel-irqchip=off", "-cpu", "max"],
            // Without "enhanced rep movsb" Linux and glibc copy and clear in words instead of bytes:
            // emulated, each step of a repeated instruction costs the same, whatever it moves.
            Self::Tcg | Self::Auto => ["-accel", "tcg,thread=multi", "-cpu", "max,-erms"],
        }
    }
}

/// Finds the accelerator for a machine that asks for `asked`. Hardware is proved by a test run,
/// whose answer is kept until the computer is switched on again or QEMU changes. One that was
/// asked for by name and does not work is an error.
pub(crate) async fn choose(cx: &Context, program: &Path, asked: Accelerator) -> Result<Choice> {
    if asked == Accelerator::Tcg {
        let reason = "Using software emulation (tcg), as asked".to_owned();
        return Ok(Choice { accelerator: asked, reason });
    }
    if asked != Accelerator::Auto && asked != OURS {
        return Err(useless(asked, &format!("QEMU has it on {} only", asked.home())));
    }
    let verdict = match remembered(cx, program) {
        Some(verdict) => verdict,
        None => prove(cx, program).await?,
    };
    match verdict {
        Verdict::Works => Ok(Choice {
            accelerator: OURS,
            reason: format!("Using the accelerator {OURS}, which was tested"),
        }),
        Verdict::Fails(why) if asked == Accelerator::Auto => Ok(Choice {
            accelerator: Accelerator::Tcg,
            reason: format!("Using software emulation (tcg), because {OURS} does not work: {why}"),
        }),
        Verdict::Fails(why) => Err(useless(asked, &why)),
    }
}

fn useless(asked: Accelerator, why: &str) -> Error {
    let error =
        Error::new(ErrorKind::Other, format!("the accelerator {asked} does not work here: {why}"))
            .hint("use software emulation: `--qemu-accelerator tcg`");
    if why.contains("Permission denied") {
        return error
            .hint("or let this user use it: `sudo usermod -aG kvm $USER`, then log in again");
    }
    error
}

/// What is known about [`OURS`], and when that is out of date.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Memory {
    version: u32,
    #[serde(rename = "BootID")]
    boot_id: String,
    /// Path, size and time of the program.
    program: String,
    accelerator: Accelerator,
    works: bool,
    reason: String,
}

const MEMORY: &str = "accelerator.json";

fn remembered(cx: &Context, program: &Path) -> Option<Verdict> {
    let memory: Memory = shared::read(&cx.shared_dir.join(MEMORY)).ok()?;
    let boot_id = system::boot_id();
    let fits = memory.accelerator == OURS
        && !boot_id.is_empty()
        && memory.boot_id == boot_id
        && memory.program == stamp(program)?;
    if !fits {
        return None;
    }
    Some(if memory.works { Verdict::Works } else { Verdict::Fails(memory.reason) })
}

async fn prove(cx: &Context, program: &Path) -> Result<Verdict> {
    let verdict = probe(program, &OURS.options()).await?;
    tracing::debug!(?verdict, accelerator = %OURS, "probed");
    let reason = match &verdict {
        Verdict::Works => String::new(),
        Verdict::Fails(why) => why.clone(),
    };
    let memory = Memory {
        version: 1,
        boot_id: system::boot_id(),
        program: stamp(program).unwrap_or_default(),
        accelerator: OURS,
        works: verdict == Verdict::Works,
        reason,
    };
    let text = serde_json::to_vec_pretty(&memory).expect("plain data is JSON");
    // Without it the probe is only run again.
    file::create_dir(&cx.shared_dir)
        .and_then(|()| file::write_atomic(&cx.shared_dir.join(MEMORY), &text, 0o600))
        .ok();
    Ok(verdict)
}

/// Changes whenever the program does.
pub(crate) fn stamp(program: &Path) -> Option<String> {
    let program = program.canonicalize().ok()?;
    let data = program.metadata().ok()?;
    let time = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", program.display(), data.len(), time.as_nanos()))
}

impl Accelerator {
    fn home(self) -> &'static str {
        match self {
            Self::Kvm => "Linux",
            Self::Hvf => "macOS",
            Self::Whpx => "Windows",
            Self::Auto | Self::Tcg => "every system",
        }
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Accelerator {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|accelerator| accelerator.as_str() == word)
            .ok_or_else(|| format!("`{word}` is none of auto, kvm, hvf, whpx and tcg"))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::files::tests::Lab;

    /// A program that plays QEMU and counts its runs in a file beside it.
    fn stand_in(lab: &Lab, status: i32) -> std::path::PathBuf {
        let path = lab.path().join(format!("qemu-{status}"));
        let script = format!("#!/bin/sh\necho >>{}/runs\nexit {status}\n", lab.path().display());
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    fn runs(lab: &Lab) -> usize {
        std::fs::read_to_string(lab.path().join("runs")).map_or(0, |text| text.lines().count())
    }

    #[tokio::test]
    async fn auto_takes_what_works_and_asks_once() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let good = stand_in(&lab, 33);
        for _ in 0..2 {
            let choice = choose(&cx, &good, Accelerator::Auto).await.unwrap();
            assert_eq!(choice.accelerator, Accelerator::Kvm);
        }
        assert_eq!(runs(&lab), 1);
        let bad = stand_in(&lab, 1);
        let choice = choose(&cx, &bad, Accelerator::Auto).await.unwrap();
        assert_eq!(choice.accelerator, Accelerator::Tcg);
        assert!(choice.reason.contains("kvm does not work"), "{}", choice.reason);
        assert_eq!(runs(&lab), 2);
    }

    #[tokio::test]
    async fn what_was_asked_for_by_name_must_work() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let bad = stand_in(&lab, 1);
        for asked in [Accelerator::Kvm, Accelerator::Hvf] {
            let error = choose(&cx, &bad, asked).await.unwrap_err();
            assert!(error.to_string().contains(asked.as_str()), "{error}");
            assert!(error.hints()[0].contains("--qemu-accelerator tcg"));
        }
        let tcg = choose(&cx, &bad, Accelerator::Tcg).await.unwrap();
        assert_eq!((tcg.accelerator, runs(&lab)), (Accelerator::Tcg, 1));
    }

    #[tokio::test]
    async fn another_boot_asks_again() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let good = stand_in(&lab, 33);
        choose(&cx, &good, Accelerator::Auto).await.unwrap();
        let path = cx.shared_dir.join(MEMORY);
        let mut memory: Memory = shared::read(&path).unwrap();
        memory.boot_id = "another".into();
        std::fs::write(&path, serde_json::to_vec(&memory).unwrap()).unwrap();
        choose(&cx, &good, Accelerator::Auto).await.unwrap();
        assert_eq!(runs(&lab), 2);
    }
}
