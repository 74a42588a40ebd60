use std::io::{self, Cursor, Seek, Write};

use backhand::compression::Compressor;
use backhand::kind::{Kind, LE_V4_0};
use backhand::{FilesystemCompressor, FilesystemWriter, NodeHeader};

use super::packed::PACKED;
use crate::tree::{Entry, Node, Tree};

/// The size of a data block. Small enough that reading a page of a program costs little in an
/// emulated guest.
const BLOCK: usize = 128 * 1024;

/// Writes the tree as a squashfs, compressed by zstd at `level` (1 to 22) on all processors.
/// `epoch` is the time of every entry, in seconds since 1970. Returns the length in bytes; what `out`
/// has beyond it is of no use (the content of a file that was found to be there already).
pub fn squashfs(tree: &Tree, epoch: u32, level: i32, out: impl Write + Seek) -> io::Result<u64> {
    let failed = |error: backhand::BackhandError| io::Error::other(error.to_string());
    let files = tree.iter().filter_map(|(_, entry)| match &entry.node {
        Node::File(content) => Some(content.as_ref()),
        _ => None,
    });
    PACKED.prepare(files, BLOCK, level);
    let mut writer = FilesystemWriter::default();
    writer.set_kind(Kind::new_v4_with_const(&PACKED, LE_V4_0));
    writer.set_block_size(u32::try_from(BLOCK).map_err(io::Error::other)?);
    writer.set_time(epoch);
    writer.set_compressor(FilesystemCompressor::new(Compressor::Zstd, None).map_err(failed)?);
    writer.set_emit_compression_options(false);
    writer.set_only_root_id();
    writer.set_root_mode(0o755);
    for (path, entry) in tree.iter() {
        let header = header(entry, epoch)?;
        match &entry.node {
            Node::Dir => writer.push_dir(path, header),
            Node::File(content) => writer.push_file(Cursor::new(&content[..]), path, header),
            Node::Symlink(target) => writer.push_symlink(target, path, header),
            Node::CharDevice { major, minor } => {
                writer.push_char_device((major << 8) | minor, path, header)
            }
        }
        .map_err(failed)?;
    }
    let written = writer.write(out).map_err(failed);
    PACKED.forget();
    written.map(|(_, length)| length)
}

fn header(entry: &Entry, epoch: u32) -> io::Result<NodeHeader> {
    let permissions = u16::try_from(entry.mode).map_err(io::Error::other)?;
    Ok(NodeHeader { permissions, uid: entry.uid, gid: entry.gid, mtime: epoch })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::tests_support::{sample, skip_without};

    fn image() -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        let length = squashfs(&sample(), 1_700_000_000, 3, &mut out).unwrap();
        let mut image = out.into_inner();
        image.truncate(usize::try_from(length).unwrap());
        image
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes() {
        assert_eq!(image(), image());
    }

    #[test]
    fn the_library_reads_back_owners_modes_and_content() {
        let image = image();
        let reader = backhand::FilesystemReader::from_reader(Cursor::new(image)).unwrap();
        let find =
            |path: &str| reader.files().find(|node| node.fullpath.to_str() == Some(path)).unwrap();
        let sudo = find("/usr/bin/sudo");
        assert_eq!((sudo.header.permissions, sudo.header.uid), (0o4755, 0));
        let home = find("/home/docker");
        assert_eq!((home.header.uid, home.header.gid), (1000, 50));
        let backhand::InnerNode::File(file) = &find("/usr/bin/big").inner else { panic!() };
        let mut content = Vec::new();
        io::Read::read_to_end(&mut reader.file(file).reader(), &mut content).unwrap();
        assert_eq!(content, *sample().file("usr/bin/big").unwrap().as_ref());
    }

    /// Files that begin with the same block are told apart, equal ones and an empty one are whole:
    /// another implementation has to say so.
    #[test]
    fn unsquashfs_agrees() {
        if skip_without("unsquashfs") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.sqfs");
        std::fs::write(&path, image()).unwrap();
        let empty = std::process::Command::new("unsquashfs")
            .arg("-cat")
            .args([path.as_os_str(), "etc/empty".as_ref()])
            .output()
            .unwrap();
        assert!(empty.status.success() && empty.stdout.is_empty(), "{empty:?}");
        for name in ["usr/bin/big", "usr/bin/bigger", "usr/bin/twin", "etc/os-release"] {
            let output = std::process::Command::new("unsquashfs")
                .arg("-cat")
                .args([path.as_os_str(), name.as_ref()])
                .output()
                .unwrap();
            assert!(output.stdout == *sample().file(name).unwrap().as_ref(), "{name}");
        }
        let listing =
            std::process::Command::new("unsquashfs").arg("-lln").arg(&path).output().unwrap();
        let listing = String::from_utf8(listing.stdout).unwrap();
        assert!(listing.contains("-rwsr-xr-x 0/0"), "{listing}");
        assert!(listing.contains("drwx------ 1000/50"), "{listing}");
    }
}
