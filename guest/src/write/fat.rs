//! The EFI system partition: a FAT16 file system, written in one go.
//!
//! Every file lies in one piece that begins at a multiple of 2048 bytes, so that an ISO 9660
//! directory can point to the same bytes. Layout after Microsoft's "FAT: General Overview of On-Disk
//! Format", version 1.03.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the fields are of the widths of FAT16, and `fat_image` bounds the clusters"
)]

use std::io;

const SECTOR: usize = 512;
/// As large as a sector of an ISO image, which is what aligns the files.
const CLUSTER: usize = 2048;
const ROOT_ENTRIES: usize = 512;
/// Fewer clusters would make it FAT12 by definition.
const MIN_CLUSTERS: usize = 4200;
const MAX_CLUSTERS: usize = 65_524;

/// The image, and where in it each file begins, in the order of `files`. A file is a path of
/// directories and name, each of at most 13 characters, and its content.
pub fn fat_image(label: &str, files: &[(&str, &[u8])]) -> io::Result<(Vec<u8>, Vec<usize>)> {
    let mut root = Directory::default();
    for (index, (path, _)) in files.iter().enumerate() {
        root.insert(path, index);
    }
    let needed = root.clusters() + files.iter().map(|file| clusters(file.1.len())).sum::<usize>();
    let count = needed.max(MIN_CLUSTERS);
    if count > MAX_CLUSTERS {
        return Err(io::Error::other(format!("{count} clusters do not fit into FAT16")));
    }
    let fat_sectors = ((count + 2) * 2).div_ceil(SECTOR).next_multiple_of(4);
    // Boot sector, padding, two tables and the root directory are whole clusters together.
    let data_start = CLUSTER + 2 * fat_sectors * SECTOR + ROOT_ENTRIES * 32;
    let mut disk = Disk {
        bytes: vec![0; data_start + count * CLUSTER],
        table: vec![0xFFF8, 0xFFFF],
        data_start,
        places: vec![0; files.len()],
    };
    let root_start = data_start - ROOT_ENTRIES * 32;
    let mut entries = volume_entry(label).to_vec();
    entries.extend(disk.write_children(&root, files, 0));
    disk.bytes[root_start..root_start + entries.len()].copy_from_slice(&entries);
    disk.bytes[..SECTOR].copy_from_slice(&boot_sector(fat_sectors, data_start, count, label));
    let table: Vec<u8> = disk.table.iter().flat_map(|entry| entry.to_le_bytes()).collect();
    for copy in 0..2 {
        let at = CLUSTER + copy * fat_sectors * SECTOR;
        disk.bytes[at..at + table.len()].copy_from_slice(&table);
    }
    Ok((disk.bytes, disk.places))
}

#[derive(Default)]
struct Directory {
    /// By name; a file is its index.
    children: Vec<(String, Child)>,
}

enum Child {
    File(usize),
    Directory(Directory),
}

impl Directory {
    fn insert(&mut self, path: &str, file: usize) {
        let Some((first, rest)) = path.split_once('/') else {
            self.children.push((path.to_owned(), Child::File(file)));
            return;
        };
        for (name, child) in &mut self.children {
            if let (true, Child::Directory(directory)) = (name == first, child) {
                return directory.insert(rest, file);
            }
        }
        let mut directory = Self::default();
        directory.insert(rest, file);
        self.children.push((first.to_owned(), Child::Directory(directory)));
    }

    /// Of all directories below this one.
    fn clusters(&self) -> usize {
        let below = self.children.iter().map(|(_, child)| match child {
            Child::File(_) => 0,
            Child::Directory(directory) => directory.own_clusters() + directory.clusters(),
        });
        below.sum()
    }

    /// Two entries for each child, and two for `.` and `..`.
    fn own_clusters(&self) -> usize {
        clusters((self.children.len() + 1) * 64)
    }
}

struct Disk {
    bytes: Vec<u8>,
    table: Vec<u16>,
    data_start: usize,
    places: Vec<usize>,
}

impl Disk {
    /// Takes the next clusters and chains them. Gives the first one's number and place.
    fn allocate(&mut self, count: usize) -> (u16, usize) {
        let first = self.table.len();
        for next in first + 1..first + count {
            self.table.push(next as u16);
        }
        self.table.push(0xFFFF);
        (first as u16, self.data_start + (first - 2) * CLUSTER)
    }

    /// Writes what is in a directory and gives its entries. `parent` is its own first cluster.
    fn write_children(
        &mut self,
        directory: &Directory,
        files: &[(&str, &[u8])],
        parent: u16,
    ) -> Vec<u8> {
        let mut entries = Vec::new();
        for (number, (name, child)) in directory.children.iter().enumerate() {
            match child {
                Child::File(index) => {
                    let content = files[*index].1;
                    let (cluster, place) = self.allocate(clusters(content.len()));
                    self.bytes[place..place + content.len()].copy_from_slice(content);
                    self.places[*index] = place;
                    entries.extend(named_entry(name, number, 0x20, cluster, content.len()));
                }
                Child::Directory(below) => {
                    let (cluster, place) = self.allocate(below.own_clusters());
                    let mut inner = short_entry(*b".          ", 0x10, cluster, 0).to_vec();
                    inner.extend(short_entry(*b"..         ", 0x10, parent, 0));
                    inner.extend(self.write_children(below, files, cluster));
                    self.bytes[place..place + inner.len()].copy_from_slice(&inner);
                    entries.extend(named_entry(name, number, 0x10, cluster, 0));
                }
            }
        }
        entries
    }
}

fn clusters(bytes: usize) -> usize {
    bytes.div_ceil(CLUSTER).max(1)
}

fn boot_sector(fat_sectors: usize, data_start: usize, count: usize, label: &str) -> [u8; SECTOR] {
    let total = (data_start + count * CLUSTER) / SECTOR;
    let mut sector = [0; SECTOR];
    sector[..3].copy_from_slice(&[0xEB, 0x3C, 0x90]);
    sector[3..11].copy_from_slice(b"MACHINE ");
    sector[11..13].copy_from_slice(&(SECTOR as u16).to_le_bytes());
    sector[13] = (CLUSTER / SECTOR) as u8;
    sector[14..16].copy_from_slice(&((CLUSTER / SECTOR) as u16).to_le_bytes());
    sector[16] = 2;
    sector[17..19].copy_from_slice(&(ROOT_ENTRIES as u16).to_le_bytes());
    match u16::try_from(total) {
        Ok(total) => sector[19..21].copy_from_slice(&total.to_le_bytes()),
        Err(_) => sector[32..36].copy_from_slice(&(total as u32).to_le_bytes()),
    }
    sector[21] = 0xF8;
    sector[22..24].copy_from_slice(&(fat_sectors as u16).to_le_bytes());
    sector[24..26].copy_from_slice(&32u16.to_le_bytes());
    sector[26..28].copy_from_slice(&64u16.to_le_bytes());
    sector[36] = 0x80;
    sector[38] = 0x29;
    sector[39..43].copy_from_slice(&0x6d61_6368u32.to_le_bytes());
    sector[43..54].copy_from_slice(&padded(label, 11));
    sector[54..62].copy_from_slice(b"FAT16   ");
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    sector
}

fn volume_entry(label: &str) -> [u8; 32] {
    let mut name = [b' '; 11];
    name.copy_from_slice(&padded(label, 11));
    short_entry(name, 0x08, 0, 0)
}

/// A long-name entry and the short one that it belongs to. The short name only has to be unique in
/// its directory; the well-known upper-case names are their own.
fn named_entry(name: &str, number: usize, kind: u8, cluster: u16, size: usize) -> Vec<u8> {
    let short = match name.rsplit_once('.') {
        Some((stem, extension)) if fits(stem, 8) && fits(extension, 3) => {
            join_short(stem, extension)
        }
        None if fits(name, 8) => join_short(name, ""),
        _ => join_short(&format!("FILE~{number}"), ""),
    };
    let mut entries = long_entry(name, checksum(&short)).to_vec();
    entries.extend(short_entry(short, kind, cluster, size));
    entries
}

fn fits(part: &str, length: usize) -> bool {
    part.len() <= length && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn join_short(stem: &str, extension: &str) -> [u8; 11] {
    let mut name = [b' '; 11];
    name[..8].copy_from_slice(&padded(&stem.to_uppercase(), 8));
    name[8..].copy_from_slice(&padded(&extension.to_uppercase(), 3));
    name
}

fn short_entry(name: [u8; 11], kind: u8, cluster: u16, size: usize) -> [u8; 32] {
    let mut entry = [0; 32];
    entry[..11].copy_from_slice(&name);
    entry[11] = kind;
    // 1 January 1980, the first day that the format knows.
    entry[24..26].copy_from_slice(&0x0021u16.to_le_bytes());
    entry[26..28].copy_from_slice(&cluster.to_le_bytes());
    entry[28..].copy_from_slice(&(size as u32).to_le_bytes());
    entry
}

fn long_entry(name: &str, checksum: u8) -> [u8; 32] {
    let mut units: Vec<u16> = name.encode_utf16().chain([0]).collect();
    units.resize(13.max(units.len()), 0xFFFF);
    let mut entry = [0; 32];
    entry[0] = 0x41;
    entry[11] = 0x0F;
    entry[13] = checksum;
    let places = (1..11).step_by(2).chain((14..26).step_by(2)).chain((28..32).step_by(2));
    for (place, unit) in places.zip(units) {
        entry[place..place + 2].copy_from_slice(&unit.to_le_bytes());
    }
    entry
}

fn checksum(short: &[u8; 11]) -> u8 {
    short.iter().fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

fn padded(text: &str, length: usize) -> Vec<u8> {
    text.bytes().chain(std::iter::repeat(b' ')).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::tests_support::skip_without;

    #[test]
    fn files_are_whole_and_aligned() {
        let kernel = vec![7; 5000];
        let files: [(&str, &[u8]); 3] =
            [("EFI/BOOT/BOOTX64.EFI", b"efi"), ("vmlinuz", &kernel), ("loader/loader.conf", b"x")];
        let (image, places) = fat_image("MACHINE", &files).unwrap();
        for (place, (_, content)) in places.iter().zip(files) {
            assert_eq!(place % 2048, 0);
            assert_eq!(&image[*place..place + content.len()], content);
        }
    }

    #[test]
    fn mtools_reads_it() {
        if skip_without("mtype") {
            return;
        }
        let files: [(&str, &[u8]); 2] =
            [("EFI/BOOT/BOOTX64.EFI", b"efi"), ("loader/entries/machine.conf", b"linux /vmlinuz")];
        let (image, _) = fat_image("MACHINE", &files).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("efi.img");
        std::fs::write(&path, image).unwrap();
        for (name, content) in files {
            let output = std::process::Command::new("mtype")
                .args(["-i".as_ref(), path.as_os_str(), format!("::/{name}").as_ref()])
                .output()
                .unwrap();
            assert_eq!(output.stdout, content, "{name}: {output:?}");
        }
    }
}
