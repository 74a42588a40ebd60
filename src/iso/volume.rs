//! What an ISO says of itself.

use std::fs::File;
use std::io::{Error, Read, Result, Seek, SeekFrom};
use std::path::Path;

/// The version in the volume label of an image with boot2docker's contract, for example
/// `v18.09.4`. A file that is no ISO, or that ends before its volume does, is an error.
///
/// ISO 9660 (ECMA-119) section 8.4: the primary volume descriptor is sector 16; the label has 32
/// bytes at offset 40 of it, the number of 2048-byte blocks is at offset 80. boot2docker puts the
/// version behind the `-` of the label's first `-v`.
pub(super) fn version(path: &Path) -> Result<String> {
    let mut iso = File::open(path)?;
    let mut descriptor = [0; 84];
    iso.seek(SeekFrom::Start(16 * 2048))?;
    iso.read_exact(&mut descriptor)
        .map_err(|_| Error::other("it is too short to be an ISO image"))?;
    if &descriptor[..6] != b"\x01CD001" {
        return Err(Error::other("it is not an ISO 9660 image"));
    }
    let blocks = [descriptor[80], descriptor[81], descriptor[82], descriptor[83]];
    let (size, have) = (u64::from(u32::from_le_bytes(blocks)) * 2048, iso.metadata()?.len());
    if have < size {
        return Err(Error::other(format!("it is cut off: it has {have} bytes instead of {size}")));
    }
    let label: String =
        String::from_utf8_lossy(&descriptor[40..72]).chars().filter(|c| !c.is_control()).collect();
    let label = label.trim_end();
    Ok(match label.find("-v") {
        Some(at) => label[at + 1..].to_owned(),
        None => label.to_owned(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An ISO of 20 blocks that holds nothing but its label.
    pub(in crate::iso) fn iso(label: &str) -> Vec<u8> {
        let mut bytes = vec![0; 20 * 2048];
        bytes[0x8000..0x8006].copy_from_slice(b"\x01CD001");
        bytes[0x8028..0x8048].copy_from_slice(format!("{label:32}").as_bytes());
        bytes[0x8050..0x8054].copy_from_slice(&20_u32.to_le_bytes());
        bytes
    }

    #[test]
    fn the_version_stands_behind_the_first_v() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b2d.iso");
        for (label, expected) in [
            ("b2d-v19.03.12", "v19.03.12"),
            ("Boot2Docker-v1.9.1", "v1.9.1"),
            ("b2d-v1.10.0-v2", "v1.10.0-v2"),
            ("B2D", "B2D"),
        ] {
            std::fs::write(&path, iso(label)).unwrap();
            assert_eq!(version(&path).unwrap(), expected);
        }
    }

    #[test]
    fn a_page_and_half_an_image_are_no_images() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("b2d.iso");
        let half = iso("b2d-v1.0.0")[..17 * 2048].to_vec();
        for (bytes, why) in [
            (b"<html>".to_vec(), "too short"),
            (vec![b' '; 20 * 2048], "not an ISO 9660 image"),
            (half, "cut off: it has 34816 bytes instead of 40960"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = version(&path).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
