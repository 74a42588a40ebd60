//! What a machine is made of before it is first switched on: the image's files and the disk.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use machine_driver::seed::{Interface, Seed};
use machine_driver::{Context, Error, Image, Result, file};

use crate::files::Files;
use crate::network;
use crate::record::Record;

/// Links the image into the directory of `files` and records what the machine is to boot.
pub(crate) fn link_image(
    cx: &Context,
    record: &mut Record,
    files: &Files,
    image: &Image,
) -> Result<()> {
    copy_image(cx, files, image, Path::to_owned)?;
    record.image_version.clone_from(&image.version);
    record.kernel_command_line = image.direct.as_ref().map(|direct| direct.command_line.clone());
    Ok(())
}

/// Copies the image's files, each to what `to` makes of its place.
pub(crate) fn copy_image(
    cx: &Context,
    files: &Files,
    image: &Image,
    to: impl Fn(&Path) -> PathBuf,
) -> Result<()> {
    let copy = |from: &Path, place: &Path| {
        file::link_or_copy(from, &to(place)).map_err(|error| {
            Error::from(error).context(format!("cannot copy `{}`", from.display()))
        })
    };
    cx.progress.line(&format!("Copying {} to {}...", image.iso.display(), files.iso().display()));
    copy(&image.iso, &files.iso())?;
    if let Some(direct) = &image.direct {
        copy(&direct.kernel, &files.kernel())?;
        copy(&direct.initrd, &files.initrd())?;
    }
    Ok(())
}

/// The seed with what the driver knows: the machine's place on its shared network.
pub(crate) fn with_network(cx: &Context, record: &Record, mut seed: Seed) -> Result<Seed> {
    if let Some(address) = record.private_ip {
        let mac = record.mac.clone();
        seed.interfaces.push(Interface { mac, address: address.into(), prefix: network::PREFIX });
        seed.hosts.extend(network::hosts(cx, &record.network)?);
    }
    Ok(seed)
}

/// Makes the disk, with the seed at its start. One that is ready may have been used and is never
/// made again.
pub(crate) fn make_disk(record: &mut Record, seed: &Seed, files: &Files) -> Result<()> {
    if record.disk_ready {
        return Ok(());
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
    })?;
    record.disk_ready = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use machine_driver::seed::MAGIC;

    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn a_disk_that_was_used_is_never_made_again() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let files = Files::new(&cx);
        let mut record = Record::new(&cx);
        record.disk_size = 3;
        make_disk(&mut record, &Seed::default(), &files).unwrap();
        let bytes = std::fs::read(files.disk()).unwrap();
        assert_eq!(bytes.len(), 3 << 20);
        assert!(bytes.starts_with(MAGIC.as_bytes()));
        #[cfg(unix)]
        {
            let meta = std::fs::metadata(files.disk()).unwrap();
            let taken = std::os::unix::fs::MetadataExt::blocks(&meta) * 512;
            assert!(taken < 1 << 20, "not sparse: {taken} bytes");
        }
        std::fs::write(files.disk(), "used").unwrap();
        make_disk(&mut record, &Seed::default(), &files).unwrap();
        assert_eq!(std::fs::read(files.disk()).unwrap(), b"used");
    }

    #[test]
    fn the_image_is_in_the_directory_and_on_record() {
        let lab = Lab::new();
        let cx = lab.context("lab1");
        let iso = lab.path().join("b2d.iso");
        std::fs::write(&iso, "iso").unwrap();
        let mut record = Record::new(&cx);
        let files = Files::new(&cx);
        link_image(&cx, &mut record, &files, &Image::iso("v1", &iso)).unwrap();
        assert_eq!(std::fs::read(files.iso()).unwrap(), b"iso");
        assert_eq!((record.image_version.as_str(), record.kernel_command_line), ("v1", None));
    }
}
