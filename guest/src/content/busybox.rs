//! The links by which busybox's one program answers to many names.

use crate::tree::{Entry, Tree};

/// Names that are left out: they would hide or fake Debian's own tools.
const EXCEPT: [&str; 9] =
    ["dpkg", "dpkg-deb", "rpm", "rpm2cpio", "ar", "depmod", "linuxrc", "[[", "busybox"];

/// Names that belong into `sbin`.
const SBIN: [&str; 15] = [
    "init",
    "getty",
    "halt",
    "poweroff",
    "reboot",
    "modprobe",
    "insmod",
    "rmmod",
    "lsmod",
    "udhcpc",
    "switch_root",
    "sysctl",
    "acpid",
    "ifconfig",
    "route",
];

/// Links every applet that no real program stands for. busybox is the shell and loads the modules,
/// whatever else there is: its `modprobe` reads the text files that [`super::modules`] writes.
pub(super) fn link(root: &mut Tree) {
    let binary = root.file("usr/bin/busybox").cloned();
    for name in ["usr/bin/sh", "usr/sbin/modprobe", "usr/sbin/insmod", "usr/sbin/rmmod"] {
        root.remove(name);
    }
    for name in ["usr/sbin/lsmod", "usr/bin/lsmod", "usr/sbin/modinfo"] {
        root.remove(name);
    }
    for name in binary.as_deref().map(applets).unwrap_or_default() {
        let is_there = |dir: &str| root.get(&format!("usr/{dir}/{name}")).is_some();
        if EXCEPT.contains(&name.as_str()) || is_there("bin") || is_there("sbin") {
            continue;
        }
        let (path, target) = if SBIN.contains(&name.as_str()) {
            (format!("usr/sbin/{name}"), "../bin/busybox")
        } else {
            (format!("usr/bin/{name}"), "busybox")
        };
        root.insert(&path, Entry::symlink(target));
    }
}

/// The applets of a busybox program, from the table of their names in it: in byte order, each
/// ended by a zero byte, the first two being `[` and `[[`. The program itself cannot be asked, since
/// an image may be built on a computer of another kind.
fn applets(binary: &[u8]) -> Vec<String> {
    let start = b"[\0[[\0";
    let Some(at) = binary.windows(start.len()).position(|window| window == start) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for name in binary[at..].split(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(name).into_owned();
        let in_order = names.last().is_none_or(|last| *last < name);
        if name.is_empty() || !in_order {
            break;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applets_are_read_from_the_table_of_names() {
        let binary = b"ELF\0junk [\0[[\0acpid\0cat\0sh\0zcat\0\0\x01\x02";
        assert_eq!(applets(binary), ["[", "[[", "acpid", "cat", "sh", "zcat"]);
        assert!(applets(b"no table").is_empty());
    }

    #[test]
    fn real_programs_win_over_applets() {
        let mut root = Tree::default();
        root.insert("usr/bin/busybox", Entry::file(0o755, *b" [\0[[\0cat\0ip\0sh\0\0"));
        root.insert("usr/sbin/ip", Entry::file(0o755, *b"real"));
        root.insert("usr/bin/sh", Entry::symlink("dash"));
        link(&mut root);
        assert_eq!(root.get("usr/bin/cat"), Some(&Entry::symlink("busybox")));
        assert_eq!(root.get("usr/bin/sh"), Some(&Entry::symlink("busybox")));
        assert!(root.get("usr/bin/ip").is_none());
    }
}
