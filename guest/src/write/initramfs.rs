use std::fmt::Write as _;
use std::io::{self, Write};

use crate::tree::{Node, Tree};

/// Writes the tree as a cpio archive of the form that the kernel reads (`newc`, see the kernel's
/// `driver-api/early-userspace/buffer-format`), compressed by zstd. All times are `epoch`.
pub fn initramfs(tree: &Tree, epoch: u32, level: i32, out: impl Write) -> io::Result<()> {
    let mut out = zstd::Encoder::new(out, level)?;
    for (number, (path, entry)) in (1..).zip(tree.iter()) {
        let (kind, content, device): (u32, &[u8], (u32, u32)) = match &entry.node {
            Node::Dir => (0o040_000, &[], (0, 0)),
            Node::File(content) => (0o100_000, content, (0, 0)),
            Node::Symlink(target) => (0o120_000, target.as_bytes(), (0, 0)),
            Node::CharDevice { major, minor } => (0o020_000, &[], (*major, *minor)),
        };
        let owner = (entry.uid, entry.gid);
        append(&mut out, path, number, kind | entry.mode, owner, epoch, content, device)?;
    }
    append(&mut out, "TRAILER!!!", 0, 0, (0, 0), 0, &[], (0, 0))?;
    out.finish()?.flush()
}

#[expect(clippy::too_many_arguments, reason = "the fields of one header, in one place")]
fn append(
    out: &mut impl Write,
    path: &str,
    inode: u32,
    mode: u32,
    (uid, gid): (u32, u32),
    epoch: u32,
    content: &[u8],
    (major, minor): (u32, u32),
) -> io::Result<()> {
    let length = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
    let (size, name_size) = (length(content.len())?, length(path.len() + 1)?);
    let fields = [inode, mode, uid, gid, 1, epoch, size, 0, 0, major, minor, name_size, 0];
    let mut header = String::from("070701");
    for field in fields {
        write!(header, "{field:08X}").map_err(io::Error::other)?;
    }
    header += path;
    header.push('\0');
    for part in [header.as_bytes(), content] {
        out.write_all(part)?;
        out.write_all(&[0; 3][..part.len().next_multiple_of(4) - part.len()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::write::tests_support::{sample, skip_without};

    #[test]
    fn cpio_lists_what_was_put_in() {
        let mut packed = Vec::new();
        initramfs(&sample(), 0, 3, &mut packed).unwrap();
        let archive = zstd::decode_all(packed.as_slice()).unwrap();
        assert!(archive.starts_with(b"070701"));
        if skip_without("cpio") {
            return;
        }
        let mut cpio = Command::new("cpio")
            .args(["-itvn", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        cpio.stdin.take().unwrap().write_all(&archive).unwrap();
        let listing = String::from_utf8(cpio.wait_with_output().unwrap().stdout).unwrap();
        assert!(listing.contains("-rwsr-xr-x"), "{listing}");
        assert!(listing.lines().any(|it| it.starts_with("crw") && it.ends_with("dev/console")));
        assert!(listing.contains("bin -> usr/bin"), "{listing}");
        assert_eq!(listing.lines().count(), sample().iter().count());
    }
}
