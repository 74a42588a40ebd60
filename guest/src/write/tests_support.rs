//! A small tree with one of everything.

use crate::tree::{Entry, Node, Tree};

pub(crate) fn sample() -> Tree {
    let mut tree = Tree::default();
    // Not compressible to nothing, and two files with a common first block.
    let noise = |length: usize, seed: u32| -> Vec<u8> {
        let mut state = seed;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 28) as u8
            })
            .collect()
    };
    let big = noise(300_000, 1);
    let mut bigger = big.clone();
    bigger.extend(noise(300_000, 2));
    tree.insert("usr/bin/big", Entry::file(0o755, big.clone()));
    tree.insert("usr/bin/twin", Entry::file(0o755, big));
    tree.insert("usr/bin/bigger", Entry::file(0o755, bigger));
    tree.insert("usr/bin/sudo", Entry::file(0o4755, *b"setuid"));
    tree.insert("etc/empty", Entry::file(0o644, *b""));
    tree.insert("bin", Entry::symlink("usr/bin"));
    tree.insert("home/docker", Entry::dir(0o700).owned_by(1000, 50));
    tree.insert("etc/os-release", Entry::file(0o644, *b"ID=boot2docker\n"));
    let console = Node::CharDevice { major: 5, minor: 1 };
    tree.insert("dev/console", Entry { mode: 0o600, uid: 0, gid: 0, node: console });
    tree
}

/// Says plainly that a test was skipped because a program of another maker is not installed.
pub(crate) fn skip_without(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = machine_driver::process::find(program, &path).is_none();
    if missing {
        let note = format!("skipped: no {program}\n");
        std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes()).unwrap();
    }
    missing
}
