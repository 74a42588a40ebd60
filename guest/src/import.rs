//! An image from its ISO alone: kernel, initramfs and manifest lie on it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use machine_driver::{Error, Result, file};
use sha2::{Digest, Sha256};

use crate::manifest::{FileEntry, INITRD, ISO, KERNEL, MANIFEST, Manifest, OnMedium, verify};
use crate::volume;

/// A manifest that is larger is none.
const MANIFEST_LIMIT: u64 = 16 << 20;

/// Fills `dir` with the image that [`crate::build::build`] made the ISO with, once every byte of
/// the ISO is proved to be what its manifest says.
pub fn iso(from: &Path, dir: &Path) -> Result<Manifest> {
    let broken = |why: String| {
        Error::other(format!("cannot import `{}`", from.display())).caused_by(why).hint(
            "`image import` takes what `machine image build` made, whole; another maker's ISO is \
             named where a machine is made: `machine create --qemu-boot2docker-url FILE NAME`",
        )
    };
    let unreadable = |error: io::Error| broken(error.to_string());
    let mut source = File::open(from).map_err(unreadable)?;
    let place = volume::find(&mut source, &format!("boot/{MANIFEST}")).map_err(unreadable)?;
    let place = place.ok_or_else(|| broken(format!("it has no `/boot/{MANIFEST}`")))?;
    if place.end - place.start > MANIFEST_LIMIT {
        return Err(broken(format!("its `/boot/{MANIFEST}` is broken")));
    }
    let text = bytes(&mut source, &place).map_err(unreadable)?;
    let OnMedium { mut manifest, before } = serde_json::from_slice(&text)
        .map_err(|error| broken(format!("its `/boot/{MANIFEST}` is broken: {error}")))?;
    manifest.check().map_err(broken)?;

    let copy = dir.join(ISO);
    let found = copy_hashed(&mut source, &copy, before.size)?;
    if found != before || place.start != before.size {
        let why = format!("the SHA-256 of its content is {}, not {}", found.sha256, before.sha256);
        return Err(broken(why));
    }
    let whole = FileEntry::of(&copy)?;
    if whole.size != place.end.next_multiple_of(1 << 20) {
        return Err(broken(format!("it has {} bytes, and that is not all of it", whole.size)));
    }
    for name in [KERNEL, INITRD] {
        let place = volume::find(&mut source, &format!("boot/{name}")).map_err(unreadable)?;
        let place = place.ok_or_else(|| broken(format!("it has no `/boot/{name}`")))?;
        let content = bytes(&mut source, &place).map_err(unreadable)?;
        file::write_atomic(&dir.join(name), &content, 0o644)?;
    }
    manifest.files.insert(ISO.to_owned(), whole);
    let text = serde_json::to_vec_pretty(&manifest).map_err(io::Error::other)?;
    file::write_atomic(&dir.join(MANIFEST), &text, 0o644)?;
    verify(dir)
}

fn bytes(source: &mut File, place: &Range<u64>) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(place.start))?;
    let mut content = Vec::new();
    source.take(place.end - place.start).read_to_end(&mut content)?;
    if content.len() as u64 != place.end - place.start {
        return Err(io::Error::other("it is cut off"));
    }
    Ok(content)
}

/// Copies a file, and hashes its first `length` bytes.
fn copy_hashed(source: &mut File, target: &Path, length: u64) -> io::Result<FileEntry> {
    let mut target = File::create_new(target)?;
    source.rewind()?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut head = source.take(length);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = head.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        size += read as u64;
        hash.update(&buffer[..read]);
        target.write_all(&buffer[..read])?;
    }
    io::copy(head.into_inner(), &mut target)?;
    target.sync_all()?;
    Ok(FileEntry { size, sha256: file::hex(&hash.finalize()) })
}
