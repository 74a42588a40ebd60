use std::io;

use super::{files, module_lists, modules};
use crate::tree::{Entry, Node, Tree};

/// The applets that stage 1 uses.
const APPLETS: [&str; 11] = [
    "sh",
    "mount",
    "umount",
    "mkdir",
    "cat",
    "sort",
    "modprobe",
    "dd",
    "usleep",
    "switch_root",
    "echo",
];

/// The tree of the initial RAM disk: busybox, the drivers of every medium, and stage 1.
pub fn initrd_tree(root: &Tree, kernel: &Tree, release: &str) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for dir in ["bin", "dev", "proc", "sys", "usr/lib"] {
        tree.insert(dir, Entry::dir(0o755));
    }
    let busybox =
        root.get("usr/bin/busybox").ok_or_else(|| io::Error::other("there is no busybox"))?;
    tree.insert("bin/busybox", busybox.clone());
    for applet in APPLETS {
        tree.insert(&format!("bin/{applet}"), Entry::symlink("busybox"));
    }
    tree.insert("sbin", Entry::symlink("bin"));
    tree.insert("lib", Entry::symlink("usr/lib"));
    let console = Node::CharDevice { major: 5, minor: 1 };
    tree.insert("dev/console", Entry { mode: 0o600, uid: 0, gid: 0, node: console });
    tree.insert("init", Entry::file(0o755, super::text(files::INIT)));
    modules::install(kernel, release, module_lists::STORAGE, &mut tree)?;
    Ok(tree)
}
