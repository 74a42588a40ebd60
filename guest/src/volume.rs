//! Where a file lies on an ISO 9660 volume (ECMA-119), as far as our own images need it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

const SECTOR: u64 = 2048;
/// No directory of an image of ours is nearly as large.
const DIRECTORY_LIMIT: u64 = 1 << 20;

/// The bytes of a file, `None` if it is not there. Names are compared without regard to case.
pub(crate) fn find(iso: &mut File, path: &str) -> io::Result<Option<Range<u64>>> {
    let mut descriptor = [0; 190];
    iso.seek(SeekFrom::Start(16 * SECTOR))?;
    iso.read_exact(&mut descriptor)
        .map_err(|_| io::Error::other("it is too short to be an ISO image"))?;
    if &descriptor[..6] != b"\x01CD001" {
        return Err(io::Error::other("it is not an ISO 9660 image"));
    }
    let mut place = extent(&descriptor[156..]);
    for name in path.split('/') {
        let length = place.end - place.start;
        if length > DIRECTORY_LIMIT {
            return Err(io::Error::other("its directories are broken"));
        }
        iso.seek(SeekFrom::Start(place.start))?;
        let mut directory = Vec::new();
        iso.by_ref().take(length).read_to_end(&mut directory)?;
        match entry(&directory, name) {
            Some(found) => place = found,
            None => return Ok(None),
        }
    }
    Ok(Some(place))
}

/// Records do not cross sectors; a length of 0 means that the rest of a sector is empty.
fn entry(directory: &[u8], name: &str) -> Option<Range<u64>> {
    for sector in directory.chunks(2048) {
        let mut rest = sector;
        while let Some(record) = rest.first().and_then(|length| rest.get(..usize::from(*length))) {
            let found = record.get(32).and_then(|length| record.get(33..33 + usize::from(*length)));
            let Some(found) = found else { break };
            let found = found.split(|byte| *byte == b';').next().unwrap_or_default();
            if found.eq_ignore_ascii_case(name.as_bytes()) {
                return Some(extent(record));
            }
            rest = &rest[record.len()..];
        }
    }
    None
}

/// The extent of a directory record of at least 34 bytes.
fn extent(record: &[u8]) -> Range<u64> {
    let number = |at: usize| {
        u64::from(u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]))
    };
    let start = number(2) * SECTOR;
    start..start + number(10)
}
