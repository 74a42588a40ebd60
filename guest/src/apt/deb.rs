//! A `.deb` is an `ar` archive of three members; the third, `data.tar.*`, is the package's files.

use std::fs;
use std::io::{self, Read};
use std::sync::Arc;

use super::{AptError, Package};
use crate::tree::{Entry, Node, Tree};

/// Puts the files of a package for which `wanted` says so into the tree. Maintainer scripts are not
/// run: what they would do that matters is done by [`crate::content`].
pub fn unpack(
    package: &Package,
    tree: &mut Tree,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), AptError> {
    let wrong = |why: String| AptError::NotAPackage { path: package.path.clone(), why };
    let deb = fs::read(&package.path)
        .map_err(|source| AptError::Cache { path: package.path.clone(), source })?;
    let (name, data) = members(&deb)
        .find(|(name, _)| name.starts_with("data.tar"))
        .ok_or_else(|| wrong("it has no data.tar".to_owned()))?;
    let reader: Box<dyn Read> = match name.rsplit('.').next() {
        Some("xz") => Box::new(lzma_rust2::XzReader::new(data, true)),
        Some("gz") => Box::new(flate2::read::GzDecoder::new(data)),
        Some("zst") => {
            Box::new(zstd::Decoder::new(data).map_err(|error| wrong(error.to_string()))?)
        }
        _ => Box::new(data),
    };
    extract(reader, tree, wanted).map_err(|error| wrong(error.to_string()))
}

fn extract(reader: impl Read, tree: &mut Tree, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
        if path.is_empty() || !wanted(&path) {
            continue;
        }
        let header = entry.header();
        let number = |value: io::Result<u64>| {
            value.and_then(|value| u32::try_from(value).map_err(io::Error::other))
        };
        let (mode, uid, gid) =
            (header.mode()? & 0o7777, number(header.uid())?, number(header.gid())?);
        let target = entry.link_name()?.map(|target| target.to_string_lossy().into_owned());
        let node = match header.entry_type() {
            tar::EntryType::Directory => Node::Dir,
            tar::EntryType::Symlink => Node::Symlink(target.unwrap_or_default()),
            tar::EntryType::Link => {
                let target = target.unwrap_or_default();
                let linked = tree.file(&target).cloned().ok_or_else(|| {
                    io::Error::other(format!(
                        "`{path}` is linked to `{target}`, which is not there"
                    ))
                })?;
                Node::File(linked)
            }
            tar::EntryType::Regular => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                Node::File(Arc::from(content))
            }
            other => return Err(io::Error::other(format!("`{path}` is of the type {other:?}"))),
        };
        tree.insert(&path, Entry { mode, uid, gid, node });
    }
    Ok(())
}

/// The members of an `ar` archive, as far as they are whole: name and content. The format is that
/// of ar(5): an 8-byte magic, then 60-byte headers, members padded to an even length.
fn members(archive: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let mut rest = archive.strip_prefix(b"!<arch>\n").unwrap_or_default();
    std::iter::from_fn(move || {
        let (header, body) = rest.split_at_checked(60)?;
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&header[range]).trim().to_owned()
        };
        let size: usize = text(48..58).parse().ok()?;
        let content = body.get(..size)?;
        rest = body.get(size + size % 2..).unwrap_or_default();
        Some((text(0..16).trim_end_matches('/').to_owned(), content))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in members {
            bytes.extend(
                format!("{name:16}{:12}{:6}{:6}{:8}{:<10}`\n", 0, 0, 0, 100_644, content.len())
                    .bytes(),
            );
            bytes.extend(*content);
            if content.len() % 2 == 1 {
                bytes.push(b'\n');
            }
        }
        bytes
    }

    #[test]
    fn owners_modes_and_links_are_kept() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o4755);
        header.set_uid(0);
        header.set_gid(50);
        header.set_size(4);
        tar.append_data(&mut header, "./usr/bin/sudo", &b"root"[..]).unwrap();
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Link);
        link.set_mode(0o755);
        link.set_uid(0);
        link.set_gid(0);
        link.set_size(0);
        tar.append_link(&mut link, "./usr/bin/sudoedit", "./usr/bin/sudo").unwrap();
        let tar = tar.into_inner().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sudo.deb");
        fs::write(&path, ar(&[("debian-binary", b"2.0\n"), ("odd", b"x"), ("data.tar", &tar)]))
            .unwrap();
        let mut package = Package {
            name: "sudo".into(),
            version: "1".into(),
            sha256: String::new(),
            path: path.clone(),
        };
        let mut tree = Tree::default();
        unpack(&package, &mut tree, |_| true).unwrap();
        let sudo = tree.get("usr/bin/sudo").unwrap();
        assert_eq!((sudo.mode, sudo.gid), (0o4755, 50));
        assert_eq!(tree.file("usr/bin/sudoedit").unwrap().as_ref(), b"root");
        fs::write(&path, "<html>").unwrap();
        package.path = path;
        let error = unpack(&package, &mut tree, |_| true).unwrap_err();
        assert!(error.to_string().contains("sudo.deb"), "{error}");
    }
}
