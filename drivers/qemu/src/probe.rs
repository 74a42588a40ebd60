//! Runs a few instructions under an accelerator, to see whether it works.
//!
//! That `/dev/kvm` is there, or can be opened, says nothing: under nested virtualization it may
//! refuse the host's CPU model, or run the guest slower than software emulation does. So a boot
//! sector is run that goes into long mode, counts to a million, asks for the CPU's name and ends
//! QEMU through its debug exit device.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use machine_driver::process::Run;
use machine_driver::{ErrorKind, Result};

use crate::arguments::escape;

/// How long the sector may take. KVM needs 0.1 s; one that emulates instruction by instruction
/// was seen to need 7 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// What QEMU exits with when the sector writes 0x10 to the debug exit device: `(0x10 << 1) | 1`.
const SUCCESS: i32 = 33;

/// The code of the boot sector, from `probe.S` by
/// `as -o probe.o probe.S && ld -Ttext 0x7c00 -o probe.elf probe.o && objcopy -O binary probe.elf`.
#[rustfmt::skip]
const CODE: &[u8] = &[
    0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c,
    0xbf, 0x00, 0x10, 0xb9, 0x00, 0x18, 0xf3, 0xab, 0x66, 0xc7, 0x06, 0x00,
    0x10, 0x03, 0x20, 0x00, 0x00, 0x66, 0xc7, 0x06, 0x00, 0x20, 0x03, 0x30,
    0x00, 0x00, 0x66, 0xc7, 0x06, 0x00, 0x30, 0x83, 0x00, 0x00, 0x00, 0x66,
    0xb8, 0x00, 0x10, 0x00, 0x00, 0x0f, 0x22, 0xd8, 0x0f, 0x20, 0xe0, 0x66,
    0x83, 0xc8, 0x20, 0x0f, 0x22, 0xe0, 0x66, 0xb9, 0x80, 0x00, 0x00, 0xc0,
    0x0f, 0x32, 0x66, 0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f, 0x30, 0x0f, 0x01,
    0x16, 0xa8, 0x7c, 0x0f, 0x20, 0xc0, 0x66, 0x0d, 0x01, 0x00, 0x00, 0x80,
    0x0f, 0x22, 0xc0, 0xea, 0x68, 0x7c, 0x08, 0x00, 0xb8, 0x10, 0x00, 0x00,
    0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xb9, 0x40, 0x42, 0x0f, 0x00,
    0xff, 0xc9, 0x75, 0xfc, 0x31, 0xc0, 0x0f, 0xa2, 0x66, 0xba, 0xf4, 0x00,
    0xb0, 0x10, 0xee, 0xf4, 0xeb, 0xfd, 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x9a, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x92, 0x00, 0x00,
    0x17, 0x00, 0x90, 0x7c,
];

/// What came of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Works,
    /// Why not, as a clause for people.
    Fails(String),
}

/// Runs the sector with these options for the accelerator and the CPU. An error means that QEMU
/// could not be run at all.
pub(crate) async fn probe(program: &Path, options: &[&str]) -> Result<Verdict> {
    let mut sector = tempfile::NamedTempFile::new()?;
    sector.write_all(&sector_bytes())?;
    sector.flush()?;
    let mut drive = OsString::from("if=ide,format=raw,file=");
    drive.push(escape(sector.path()));
    let run = Run::new(program)
        .args(["-M", "pc", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none"])
        .args(options)
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-no-reboot"])
        .args([OsString::from("-drive"), drive])
        .deadline(PATIENCE);
    match run.status().await {
        Ok((Some(SUCCESS), _)) => Ok(Verdict::Works),
        Ok((_, output)) => Ok(Verdict::Fails(complaint(&output.stderr))),
        Err(error) if error.kind() == ErrorKind::Timeout => {
            Ok(Verdict::Fails(format!("a test program took over {} s", PATIENCE.as_secs())))
        }
        Err(error) => Err(error),
    }
}

fn sector_bytes() -> [u8; 512] {
    let mut sector = [0; 512];
    sector[..CODE.len()].copy_from_slice(CODE);
    sector[510..].copy_from_slice(&[0x55, 0xaa]);
    sector
}

/// The first line of what QEMU said, without its name: the cause comes first.
fn complaint(stderr: &str) -> String {
    let line = stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let said = line.split_once(": ").map_or(line, |(_program, said)| said).trim();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    if said.is_empty() { "a test program did not end as it should".into() } else { said.into() }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program that plays QEMU.
    fn stand_in(dir: &Path, script: &str) -> std::path::PathBuf {
        let path = dir.join("qemu");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    async fn verdict(script: &str) -> Verdict {
        let dir = tempfile::tempdir().unwrap();
        probe(&stand_in(dir.path(), script), &["-accel", "kvm"]).await.unwrap()
    }

    #[test]
    fn the_sector_is_bootable() {
        let sector = sector_bytes();
        assert_eq!(sector[510..], [0x55, 0xaa]);
        assert_eq!(sector[..2], [0xfa, 0x31]);
        // movw $0xf4,%dx; movb $0x10,%al; outb %al,%dx
        let exit = [0x66, 0xba, 0xf4, 0x00, 0xb0, 0x10, 0xee];
        assert!(sector.windows(exit.len()).any(|bytes| bytes == exit));
    }

    #[tokio::test]
    async fn only_the_debug_exit_counts() {
        assert_eq!(verdict("exit 33").await, Verdict::Works);
        for script in ["exit 0", "exit 1", "kill -ABRT $$"] {
            assert!(matches!(verdict(script).await, Verdict::Fails(_)), "{script}");
        }
    }

    #[tokio::test]
    async fn the_reason_is_qemus_first_line() {
        let script = "echo 'qemu: error: failed to set MSR 0x10a' >&2; echo more >&2; exit 1";
        assert_eq!(verdict(script).await, Verdict::Fails("failed to set MSR 0x10a".into()));
        let Verdict::Fails(reason) = verdict("sleep 60").await else { panic!() };
        assert!(reason.contains("took over 2 s"), "{reason}");
    }
}
