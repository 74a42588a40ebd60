//! Another boot image for a machine that is there.
//!
//! Kernel, initial RAM disk and ISO belong together, and three files cannot be replaced in one
//! step. So the new ones are laid beside the old ones; the record then says that they are to count,
//! and from that write on the machine has the new image: whatever renames were cut off are made
//! before its next start.

use std::fs;
use std::io;
use std::path::Path;

use machine_driver::{Context, Error, Image, Result, file};

use crate::driver::Qemu;
use crate::files::Files;
use crate::record::NextImage;
use crate::{materials, platform};

/// Gives a machine that is off another image.
pub(crate) fn change(qemu: &mut Qemu, cx: &Context, image: &Image) -> Result<()> {
    let files = Files::new(cx);
    if platform::is_held(&files.lock())? || files.saved().exists() {
        return Err(Error::other("a machine that runs or is saved keeps its image")
            .hint(format!("machine stop {}", cx.machine)));
    }
    finish_change(qemu, cx)?;
    materials::copy_image(cx, &files, image, Files::next)?;
    file::sync_dir(files.dir())?;
    qemu.record.next_image = Some(NextImage {
        version: image.version.clone(),
        kernel_command_line: image.direct.as_ref().map(|direct| direct.command_line.clone()),
    });
    cx.checkpoint(qemu)?;
    finish_change(qemu, cx)
}

/// Brings a change that the record knows of to its end. Nothing to do is success.
pub(crate) fn finish_change(qemu: &mut Qemu, cx: &Context) -> Result<()> {
    let Some(next) = qemu.record.next_image.clone() else { return Ok(()) };
    let files = Files::new(cx);
    let settle = || -> io::Result<()> {
        for path in [files.iso(), files.kernel(), files.initrd()] {
            put_in_place(&path)?;
        }
        if next.kernel_command_line.is_none() {
            // The old image's: this one boots by itself.
            file_is_gone(fs::remove_file(files.kernel()))?;
            file_is_gone(fs::remove_file(files.initrd()))?;
        }
        file::sync_dir(files.dir())
    };
    settle().map_err(|error| Error::from(error).context("cannot put the new image in place"))?;
    qemu.record.image_version = next.version;
    qemu.record.kernel_command_line = next.kernel_command_line;
    qemu.record.next_image = None;
    cx.checkpoint(qemu)
}

/// Renames what waits for the place of `path`; it is in place already where nothing waits.
fn put_in_place(path: &Path) -> io::Result<()> {
    let next = Files::next(path);
    file_is_gone(fs::rename(&next, path))?;
    // Two names of one file stay two names when one is renamed to the other.
    file_is_gone(fs::remove_file(next))
}

fn file_is_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use machine_driver::{DirectBoot, Driver};

    use super::*;
    use crate::files::tests::Lab;
    use crate::record::Record;

    /// An image whose files say which one they are of.
    fn image(lab: &Lab, version: &str, direct: bool) -> Image {
        let dir = lab.path().join("cache").join(version);
        fs::create_dir_all(&dir).unwrap();
        let file = |name: &str| -> PathBuf {
            let path = dir.join(name);
            fs::write(&path, format!("{name} of {version}")).unwrap();
            path
        };
        let direct = direct.then(|| DirectBoot {
            kernel: file("vmlinuz"),
            initrd: file("initrd.img"),
            command_line: format!("quiet {version}"),
        });
        Image { version: version.into(), iso: file("machine.iso"), direct }
    }

    fn machine(lab: &Lab) -> (Qemu, Context) {
        let cx = lab.context("lab1");
        let mut qemu = Qemu::new(Record::new(&cx));
        let old = image(lab, "1", true);
        materials::link_image(&cx, &mut qemu.record, &Files::new(&cx), &old).unwrap();
        (qemu, cx)
    }

    /// What a start would boot, in words: all of one image, or the test fails.
    fn boots(qemu: &mut Qemu, cx: &Context) -> String {
        finish_change(qemu, cx).unwrap();
        let files = Files::new(cx);
        let version = qemu.record.image_version.clone();
        let said = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        assert_eq!(said(files.iso()), format!("machine.iso of {version}"));
        match &qemu.record.kernel_command_line {
            None => assert!(!files.kernel().exists() && !files.initrd().exists()),
            Some(line) => {
                assert_eq!(*line, format!("quiet {version}"));
                assert_eq!(said(files.kernel()), format!("vmlinuz of {version}"));
                assert_eq!(said(files.initrd()), format!("initrd.img of {version}"));
            }
        }
        version
    }

    #[test]
    fn a_machine_has_one_image_or_the_other_whole() {
        let lab = Lab::new();
        let (mut qemu, cx) = machine(&lab);
        assert_eq!(boots(&mut qemu, &cx), "1");
        change(&mut qemu, &cx, &image(&lab, "2", true)).unwrap();
        assert_eq!(boots(&mut qemu, &cx), "2");
        change(&mut qemu, &cx, &image(&lab, "3", false)).unwrap();
        assert_eq!(boots(&mut qemu, &cx), "3");
        change(&mut qemu, &cx, &image(&lab, "3", false)).unwrap();
        let left = fs::read_dir(&cx.machine_dir).unwrap().count();
        assert_eq!((boots(&mut qemu, &cx).as_str(), left), ("3", 1), "the ISO alone");
    }

    #[test]
    fn a_crash_at_any_moment_leaves_a_whole_image() {
        let lab = Lab::new();
        let names = ["boot2docker.iso", "vmlinuz", "initrd.img"];
        // Cut off before the record: whatever lies there does not count, and is written over.
        for copied in 0..=names.len() {
            let (mut qemu, cx) = machine(&lab);
            for name in &names[..copied] {
                fs::write(cx.machine_dir.join(format!("{name}.next")), "half").unwrap();
            }
            assert_eq!(boots(&mut qemu, &cx), "1");
            change(&mut qemu, &cx, &image(&lab, "2", true)).unwrap();
            assert_eq!(boots(&mut qemu, &cx), "2");
        }
        // Cut off behind the record: between the renames, or before their record.
        for renamed in 0..=names.len() {
            let (mut qemu, cx) = machine(&lab);
            let new = image(&lab, "2", true);
            materials::copy_image(&cx, &Files::new(&cx), &new, Files::next).unwrap();
            let next =
                NextImage { version: "2".into(), kernel_command_line: Some("quiet 2".into()) };
            qemu.record.next_image = Some(next);
            for name in &names[..renamed] {
                let path = cx.machine_dir.join(name);
                fs::rename(Files::next(&path), path).unwrap();
            }
            let record = serde_json::from_value(qemu.record()).unwrap();
            assert_eq!(boots(&mut Qemu::new(record), &cx), "2", "{renamed} renamed");
            fs::remove_dir_all(&cx.machine_dir).unwrap();
        }
    }

    #[test]
    fn a_saved_machine_keeps_its_image() {
        let lab = Lab::new();
        let (mut qemu, cx) = machine(&lab);
        fs::write(Files::new(&cx).saved(), "memory").unwrap();
        assert!(change(&mut qemu, &cx, &image(&lab, "2", true)).is_err());
        assert_eq!(boots(&mut qemu, &cx), "1");
    }
}
