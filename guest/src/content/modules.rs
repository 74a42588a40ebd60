//! Kernel modules: a choice with everything it depends on, and the two text files by which
//! busybox's `modprobe` finds them (`modules.dep`, `modules.alias`). What `depmod` would read, stands
//! in each module's `.modinfo` section.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Arc;

use rayon::prelude::*;

use super::text;
use crate::tree::{Entry, Node, Tree};

/// Copies the modules `names` of the kernel `release` from its package into `target`, unpacked.
pub(super) fn install(
    kernel: &Tree,
    release: &str,
    names: &[&str],
    target: &mut Tree,
) -> io::Result<()> {
    let base = format!("usr/lib/modules/{release}");
    let available = available(kernel, &base);
    let mut modules: BTreeMap<String, Module> = BTreeMap::new();
    let mut wanted: BTreeSet<String> = names.iter().map(|name| canonical(name)).collect();
    // In rounds, so that all modules of a round are unpacked at once.
    while !wanted.is_empty() {
        let round: Vec<_> = wanted
            .iter()
            .filter(|name| !modules.contains_key(*name))
            .filter_map(|name| Some((name.clone(), available.get(name)?)))
            .collect();
        let loaded: Vec<(String, Module)> = round
            .into_par_iter()
            .map(|(name, (path, packed))| Ok((name, Module::load(path, packed)?)))
            .collect::<io::Result<_>>()?;
        wanted = loaded.iter().flat_map(|(_, module)| module.depends.iter().cloned()).collect();
        modules.extend(loaded);
        wanted.retain(|name| !modules.contains_key(name) && available.contains_key(name));
    }
    let (mut dep, mut alias) = (String::new(), String::new());
    for (name, module) in &modules {
        let path = &module.path;
        let needs: Vec<&str> =
            closure(name, &modules).iter().map(|name| modules[name].path.as_str()).collect();
        dep += format!("{path}: {}", needs.join(" ")).trim_end();
        dep.push('\n');
        for pattern in &module.aliases {
            alias.extend(["alias ", pattern, " ", name, "\n"]);
        }
        target.insert(
            &format!("{base}/{path}"),
            Entry { mode: 0o644, uid: 0, gid: 0, node: Node::File(Arc::clone(&module.content)) },
        );
    }
    target.insert(&format!("{base}/modules.dep"), Entry::file(0o644, text(dep)));
    target.insert(&format!("{base}/modules.alias"), Entry::file(0o644, text(alias)));
    target.insert(&format!("{base}/modules.symbols"), Entry::file(0o644, text("")));
    if let Some(builtin) = kernel.get(&format!("{base}/modules.builtin")) {
        target.insert(&format!("{base}/modules.builtin"), builtin.clone());
    }
    Ok(())
}

struct Module {
    /// Below the directory of the release, without the ending of its compression.
    path: String,
    content: Arc<[u8]>,
    depends: Vec<String>,
    aliases: Vec<String>,
}

impl Module {
    fn load(path: &str, packed: &[u8]) -> io::Result<Self> {
        let mut content = Vec::new();
        match path.rsplit('.').next() {
            Some("xz") => {
                lzma_rust2::XzReader::new(packed, true).read_to_end(&mut content)?;
            }
            Some("zst") => zstd::Decoder::new(packed)?.read_to_end(&mut content).map(|_| ())?,
            _ => content.extend_from_slice(packed),
        }
        let wrong = || io::Error::other(format!("`{path}` is not a kernel module"));
        let info = modinfo(&content).ok_or_else(wrong)?;
        let values = |key: &str| {
            let prefix = format!("{key}=");
            let values = info.iter().filter_map(move |it| it.strip_prefix(&prefix));
            values.map(str::to_owned).collect::<Vec<_>>()
        };
        let depends = values("depends")
            .iter()
            .flat_map(|list| list.split(','))
            .filter(|name| !name.is_empty())
            .map(canonical)
            .collect();
        let aliases = values("alias");
        let path = path.trim_end_matches(".xz").trim_end_matches(".zst").to_owned();
        Ok(Self { path, content: Arc::from(content), depends, aliases })
    }
}

/// All modules of a kernel's package by name: path below the release, and packed content.
fn available<'a>(kernel: &'a Tree, base: &str) -> BTreeMap<String, (&'a str, &'a [u8])> {
    let module = |(path, entry): (&'a str, &'a Entry)| {
        let path = path.strip_prefix(base)?.strip_prefix('/')?;
        let name = path.rsplit('/').next()?.split_once(".ko")?.0;
        match &entry.node {
            Node::File(content) => Some((canonical(name), (path, &content[..]))),
            _ => None,
        }
    };
    kernel.iter().filter_map(module).collect()
}

/// What a module needs, in the order in which busybox unloads them: the nearest first.
fn closure(name: &str, modules: &BTreeMap<String, Module>) -> Vec<String> {
    let mut needs: Vec<String> = Vec::new();
    let mut open = vec![name.to_owned()];
    while let Some(next) = open.pop() {
        for needed in modules.get(&next).map(|it| it.depends.clone()).unwrap_or_default() {
            if !modules.contains_key(&needed) {
                continue;
            }
            needs.retain(|known| *known != needed);
            needs.push(needed.clone());
            open.push(needed);
        }
    }
    needs
}

/// Names are written with `-` or `_`, as one likes.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

/// The strings of the section `.modinfo` of a 64-bit little-endian ELF file.
fn modinfo(elf: &[u8]) -> Option<Vec<&str>> {
    let number = |at: usize, length: usize| {
        let bytes = elf.get(at..at + length)?;
        let value = bytes.iter().rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        usize::try_from(value).ok()
    };
    if !elf.starts_with(b"\x7FELF\x02\x01") {
        return None;
    }
    let (headers, size) = (number(40, 8)?, number(58, 2)?);
    let (count, names_at) = (number(60, 2)?, number(62, 2)?);
    let header = |index: usize| headers + index * size;
    let names = number(header(names_at) + 24, 8)?;
    let section = (0..count).map(header).find(|at| {
        number(*at, 4)
            .and_then(|name| elf.get(names + name..))
            .is_some_and(|name| name.starts_with(b".modinfo\0"))
    })?;
    let (start, length) = (number(section + 24, 8)?, number(section + 32, 8)?);
    let content = elf.get(start..start + length)?;
    Some(content.split(|byte| *byte == 0).filter_map(|it| std::str::from_utf8(it).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest ELF file with a `.modinfo` section.
    fn module(info: &str) -> Vec<u8> {
        let names = b"\0.modinfo\0";
        let mut elf = vec![0; 64];
        elf[..6].copy_from_slice(b"\x7FELF\x02\x01");
        elf.extend(names);
        let info_at = elf.len();
        elf.extend(info.bytes());
        let headers = elf.len();
        elf[40..48].copy_from_slice(&(headers as u64).to_le_bytes());
        elf[58..64].copy_from_slice(&[64, 0, 2, 0, 0, 0]);
        for (name, at, length) in [(0, 64, names.len()), (1, info_at, info.len())] {
            let mut header = [0; 64];
            header[0] = name;
            header[24..32].copy_from_slice(&(at as u64).to_le_bytes());
            header[32..40].copy_from_slice(&(length as u64).to_le_bytes());
            elf.extend(header);
        }
        elf
    }

    #[test]
    fn what_is_needed_comes_along() {
        let mut kernel = Tree::default();
        let base = "usr/lib/modules/6.1";
        for (path, info) in [
            ("kernel/net/bridge.ko", "depends=stp,llc\0alias=rtnl-link-bridge\0"),
            ("kernel/net/stp.ko", "depends=llc\0"),
            ("kernel/net/llc.ko", "depends=\0"),
            ("kernel/net/other-one.ko", "depends=\0"),
        ] {
            kernel.insert(&format!("{base}/{path}"), Entry::file(0o644, module(info)));
        }
        let mut target = Tree::default();
        install(&kernel, "6.1", &["bridge", "not-there"], &mut target).unwrap();
        let file = |name: &str| {
            String::from_utf8(target.file(&format!("{base}/{name}")).unwrap().to_vec()).unwrap()
        };
        assert!(
            file("modules.dep")
                .contains("kernel/net/bridge.ko: kernel/net/stp.ko kernel/net/llc.ko\n")
        );
        assert_eq!(file("modules.alias"), "alias rtnl-link-bridge bridge\n");
        assert!(target.get(&format!("{base}/kernel/net/other-one.ko")).is_none());
    }

    #[test]
    fn rubbish_is_named() {
        let mut kernel = Tree::default();
        kernel.insert("usr/lib/modules/6.1/kernel/x.ko", Entry::file(0o644, *b"rubbish"));
        let error = install(&kernel, "6.1", &["x"], &mut Tree::default()).unwrap_err();
        assert!(error.to_string().contains("x.ko"), "{error}");
    }
}
