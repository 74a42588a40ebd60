//! What a machine is made of before it is first switched on: the image's files and the disk.

use std::fs::File;
use std::io::Write;

use machine_driver::seed::Interface;
use machine_driver::{Birth, Context, Error, Result, file};

use crate::files::Files;
use crate::network;
use crate::record::Record;

/// Links the image and makes the disk, with the seed at its start. The record says afterwards
/// that they are there.
pub(crate) fn prepare(cx: &Context, record: &mut Record, birth: &Birth) -> Result<()> {
    let files = Files::new(cx);
    let image = birth.image.as_ref().ok_or_else(|| Error::other("there is no boot image"))?;
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        file::link_or_copy(from, to).map_err(|error| {
            Error::from(error).context(format!("cannot copy `{}`", from.display()))
        })
    };
    cx.progress.line(&format!("Copying {} to {}...", image.iso.display(), files.iso().display()));
    copy(&image.iso, &files.iso())?;
    if let Some(direct) = &image.direct {
        copy(&direct.kernel, &files.kernel())?;
        copy(&direct.initrd, &files.initrd())?;
    }
    record.image_version.clone_from(&image.version);
    record.kernel_command_line = image.direct.as_ref().map(|direct| direct.command_line.clone());
    if !record.disk_ready {
        make_disk(cx, record, birth, &files)?;
        record.disk_ready = true;
    }
    Ok(())
}

fn make_disk(cx: &Context, record: &Record, birth: &Birth, files: &Files) -> Result<()> {
    let mut seed = birth.seed.clone();
    if let Some(address) = record.private_ip {
        let mac = record.mac.clone();
        seed.interfaces.push(Interface { mac, address: address.into(), prefix: network::PREFIX });
        seed.hosts.extend(network::hosts(cx, &record.network)?);
    }
    let write = || -> std::io::Result<()> {
        let mut temp = tempfile::Builder::new().prefix(".tmp-").tempfile_in(files.dir())?;
        let tar = seed.to_tar().map_err(std::io::Error::other)?;
        temp.write_all(&tar)?;
        let disk: &File = temp.as_file();
        disk.set_len(u64::from(record.disk_size) << 20)?;
        disk.sync_all()?;
        temp.persist(files.disk())?;
        file::sync_dir(files.dir())
    };
    write().map_err(|error| {
        let path = files.disk();
        Error::from(error).context(format!("cannot make the disk `{}`", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use machine_driver::Image;
    use machine_driver::seed::{MAGIC, Seed};

    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn a_disk_that_was_used_is_never_made_again() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let iso = lab.path().join("b2d.iso");
        std::fs::write(&iso, "iso").unwrap();
        let birth = Birth {
            image: Some(Image::iso("v1", &iso)),
            seed: Seed::default(),
            ssh_public_key: String::new(),
        };
        let mut record = Record::new(&cx);
        record.disk_size = 3;
        prepare(&cx, &mut record, &birth).unwrap();
        let disk = Files::new(&cx).disk();
        let bytes = std::fs::read(&disk).unwrap();
        assert_eq!(bytes.len(), 3 << 20);
        assert!(bytes.starts_with(MAGIC.as_bytes()));
        std::fs::write(&disk, "used").unwrap();
        prepare(&cx, &mut record, &birth).unwrap();
        assert_eq!(std::fs::read(&disk).unwrap(), b"used");
    }
}
