//! Dynamic VHDX disks, written without PowerShell: a few milliseconds instead of the three cmdlets
//! and the 10 MB that docker-machine needs for it.
//!
//! The format is Microsoft's open specification \[MS-VHDX\]. A file of ours is laid out like this,
//! each part at a multiple of 1 MiB but the first:
//!
//! ```text
//!  0      64 K       128 K      192 K     256 K      1 M    2 M         3 M      …
//!  │ file │ header 1 │ header 2 │ regions │ regions  │ log  │ metadata  │ block  │ blocks
//!  │ type │          │          │         │ (copy)   │      │           │ table  │ with content
//! ```

mod layout;
mod table;

use std::io::{self, Write};
use std::path::Path;

use machine_driver::file;
use ring::rand::{SecureRandom, SystemRandom};

use layout::{MIB, Regions};

/// Microsoft's advice for Linux guests, whose file systems spread their metadata over the disk:
/// with the usual 32 MiB an empty ext4 takes hundreds of megabytes.
const BLOCK: u64 = MIB;

/// Makes a disk of `size` bytes that begins with `content` and is empty otherwise. An existing file
/// is replaced in one step. `size` is a multiple of 512.
pub(crate) fn create(path: &Path, size: u64, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or_else(|| io::Error::other("a disk needs a directory"))?;
    let mut temp = tempfile::Builder::new().prefix(file::TEMPORARY).tempfile_in(dir)?;
    write(&mut temp, size, content)?;
    temp.as_file().sync_all()?;
    temp.persist(path)?;
    file::sync_dir(dir)
}

fn write(out: &mut impl Write, size: u64, content: &[u8]) -> io::Result<()> {
    let used = (content.len() as u64).div_ceil(BLOCK);
    if size == 0 || !size.is_multiple_of(512) || used * BLOCK > size {
        return Err(io::Error::other("this disk cannot be made"));
    }
    let table = table::table(size, BLOCK, used);
    let regions = Regions::new(table.len() as u64 * 8);
    out.write_all(&layout::head(&regions, [random()?, random()?]))?;
    out.write_all(&layout::metadata(size, BLOCK, random()?))?;
    // The table knows where the blocks are only when its own length is known.
    out.write_all(&table::placed(table, regions.blocks()))?;
    out.write_all(content)?;
    let rest = used * BLOCK - content.len() as u64;
    io::copy(&mut io::Read::take(io::repeat(0), rest), out).map(|_bytes| ())
}

/// A GUID of version 4, as it stands in the file.
fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| io::Error::other("the system gives no random numbers"))?;
    bytes[7] = (bytes[7] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
