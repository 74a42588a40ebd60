//! A file system in memory. Owners, modes and setuid bits live here, never on the host's disk, so
//! that building an image needs no root and works on any operating system.

use std::collections::BTreeMap;
use std::sync::Arc;

/// All entries by path: relative, `/`-separated, without leading `./` and trailing `/`; the root
/// is the empty string. In byte order, so that the same content gives the same image.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Permission bits with setuid, setgid and sticky: `0o7777` at the most.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub node: Node,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Dir,
    File(Arc<[u8]>),
    /// The target, as it stands in the link.
    Symlink(String),
    CharDevice {
        major: u32,
        minor: u32,
    },
}

impl Entry {
    pub fn dir(mode: u32) -> Self {
        Self { mode, uid: 0, gid: 0, node: Node::Dir }
    }

    pub fn file(mode: u32, content: impl Into<Arc<[u8]>>) -> Self {
        Self { mode, uid: 0, gid: 0, node: Node::File(content.into()) }
    }

    pub fn symlink(target: impl Into<String>) -> Self {
        Self { mode: 0o777, uid: 0, gid: 0, node: Node::Symlink(target.into()) }
    }

    #[must_use]
    pub fn owned_by(mut self, uid: u32, gid: u32) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }
}

impl Tree {
    /// Puts an entry in place, replacing what was there. Parents that are missing are made as
    /// root's directories of mode 755. A parent that is a symbolic link to a directory is followed
    /// (`bin` is a link to `usr/bin` in Debian), and a directory never replaces such a link.
    pub fn insert(&mut self, path: &str, entry: Entry) {
        let path = self.resolved(path);
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.make_dirs(parent);
        }
        if entry.node == Node::Dir
            && matches!(self.entries.get(&path), Some(Entry { node: Node::Symlink(_), .. }))
        {
            return;
        }
        self.entries.insert(path, entry);
    }

    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(&self.resolved(path))
    }

    /// The content of a regular file; links in the last component are not followed.
    pub fn file(&self, path: &str) -> Option<&Arc<[u8]>> {
        match &self.get(path)?.node {
            Node::File(content) => Some(content),
            _ => None,
        }
    }

    /// Takes an entry out, with everything below it.
    pub fn remove(&mut self, path: &str) {
        let path = self.resolved(path);
        self.entries.remove(&path);
        let below = format!("{path}/");
        self.entries.retain(|entry, _| !entry.starts_with(&below));
    }

    /// Keeps the entries for which `keep` says so.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.entries.retain(|path, _| keep(path));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The bytes of all files.
    pub fn size(&self) -> u64 {
        let length = |entry: &Entry| match &entry.node {
            Node::File(content) => content.len() as u64,
            _ => 0,
        };
        self.entries.values().map(length).sum()
    }

    fn make_dirs(&mut self, path: &str) {
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            self.entries.entry(path[..end].to_owned()).or_insert_with(|| Entry::dir(0o755));
        }
    }

    /// Normalises a path and follows symbolic links in all but its last component. Links inside
    /// the tree only; a chain of more than eight is left as it is.
    fn resolved(&self, path: &str) -> String {
        let path = path.trim_start_matches("./").trim_matches('/');
        let mut resolved = String::new();
        let mut parts: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut links = 0;
        while let Some(part) = parts.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    resolved.truncate(resolved.rfind('/').unwrap_or(0));
                    continue;
                }
                _ => {}
            }
            let here =
                if resolved.is_empty() { part.clone() } else { format!("{resolved}/{part}") };
            let link = match self.entries.get(&here) {
                Some(Entry { node: Node::Symlink(target), .. }) => Some(target.clone()),
                _ => None,
            };
            match link {
                Some(target) if !parts.is_empty() && links < 8 => {
                    links += 1;
                    if target.starts_with('/') {
                        resolved.clear();
                    }
                    parts.extend(target.split('/').rev().map(str::to_owned));
                }
                _ => resolved = here,
            }
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_directories_are_followed_and_kept() {
        let mut tree = Tree::default();
        tree.insert("./usr/bin/", Entry::dir(0o755));
        tree.insert("bin", Entry::symlink("usr/bin"));
        tree.insert("./bin/", Entry::dir(0o755));
        tree.insert("./bin/sh", Entry::file(0o755, *b"shell"));
        assert_eq!(tree.file("usr/bin/sh").unwrap().as_ref(), b"shell");
        assert_eq!(tree.get("bin").unwrap().node, Node::Symlink("usr/bin".into()));
        assert_eq!(tree.file("/bin/sh").unwrap().as_ref(), b"shell");
    }

    #[test]
    fn parents_appear_and_removal_takes_all_below() {
        let mut tree = Tree::default();
        tree.insert("a/b/c", Entry::file(0o4755, *b"x").owned_by(1000, 50));
        assert_eq!(tree.get("a/b").unwrap().node, Node::Dir);
        assert_eq!(tree.get("a/b/c").unwrap().mode, 0o4755);
        tree.insert("a/bc", Entry::file(0o644, *b"y"));
        tree.remove("a/b");
        let left: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(left, ["a", "a/bc"]);
    }
}
