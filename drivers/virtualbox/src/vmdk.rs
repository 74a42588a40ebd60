//! Disk images in VMware's format, of which VirtualBox reads and writes the kind that grows: a header
//! with a description in text, then a directory of tables, then the pieces (grains) that hold data.
//!
//! ```text
//! sector 0   header
//!        1   description, 20 sectors
//!       21   directory and its tables, spare
//!        …   directory and its tables
//!        …   grains of 64 KiB, each a multiple of 128 sectors from the start
//! ```
//!
//! Numbers are little-endian and count sectors of 512 bytes. Source: VMware, "Virtual Disk Format 5.0"
//! (Technical Note, 2011), sections "Hosted Sparse Extents" and "The Descriptor File".

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

const SECTOR: u64 = 512;
const GRAIN: u64 = 128;
/// Entries in one table, of four bytes each.
const ENTRIES: u64 = 512;
const TABLE: u64 = ENTRIES * 4 / SECTOR;
const DESCRIPTION: u64 = 20;

/// Writes a disk of `megabytes` MiB that begins with `start`, and is otherwise empty. Takes the same
/// memory whatever the size, and of the disk what the tables have in them: the rest are holes.
/// `name` is the file's own, which the description repeats.
pub(crate) fn write(
    file: &mut File,
    name: &str,
    megabytes: u64,
    start: &[u8],
    uuid: &str,
) -> io::Result<()> {
    let capacity = (megabytes << 20) / SECTOR;
    let layout = Layout::of(capacity);
    file.write_all(&header(capacity, &layout))?;
    file.write_all(description(name, capacity, uuid).as_bytes())?;
    let grains = (start.len() as u64).div_ceil(GRAIN * SECTOR);
    let used: Vec<u64> = (0..grains).map(|grain| layout.data + grain * GRAIN).collect();
    for directory in [layout.spare, layout.directory] {
        seek(file, directory)?;
        let first = directory + layout.directory_size;
        file.write_all(&numbers((0..layout.tables).map(|table| first + table * TABLE)))?;
        seek(file, first)?;
        file.write_all(&numbers(used.iter().copied()))?;
    }
    seek(file, layout.data)?;
    file.write_all(start)?;
    file.set_len((layout.data + grains * GRAIN) * SECTOR)
}

struct Layout {
    tables: u64,
    directory_size: u64,
    spare: u64,
    directory: u64,
    data: u64,
}

impl Layout {
    fn of(capacity: u64) -> Self {
        let tables = capacity.div_ceil(GRAIN * ENTRIES);
        let directory_size = (tables * 4).div_ceil(SECTOR);
        let whole = directory_size + tables * TABLE;
        let spare = 1 + DESCRIPTION;
        let directory = spare + whole;
        let data = (directory + whole).next_multiple_of(GRAIN);
        Self { tables, directory_size, spare, directory, data }
    }
}

fn header(capacity: u64, layout: &Layout) -> Vec<u8> {
    let mut header = b"KDMV".to_vec();
    // Version 1; the check of line ends below is valid, and there is a spare directory.
    header.extend([1_u32, 3].iter().flat_map(|number| number.to_le_bytes()));
    header.extend([capacity, GRAIN, 1, DESCRIPTION].iter().flat_map(|it| it.to_le_bytes()));
    header.extend(512_u32.to_le_bytes());
    header.extend(
        [layout.spare, layout.directory, layout.data].iter().flat_map(|it| it.to_le_bytes()),
    );
    // It was closed in order.
    header.push(0);
    header.extend(b"\n \r\n");
    header.resize(512, 0);
    header
}

fn description(name: &str, capacity: u64, uuid: &str) -> String {
    let none = "00000000-0000-0000-0000-000000000000";
    let cylinders = (capacity / (16 * 63)).clamp(1, 16383);
    // Any number will do that differs between disks.
    let id = &uuid[..8];
    format!(
        "# Disk DescriptorFile\nversion=1\nCID={id}\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\n\
         # Extent description\nRW {capacity} SPARSE \"{name}\"\n\n\
         # The disk Data Base \n#DDB\n\nddb.virtualHWVersion = \"4\"\nddb.adapterType=\"ide\"\n\
         ddb.geometry.cylinders=\"{cylinders}\"\nddb.geometry.heads=\"16\"\nddb.geometry.sectors=\"63\"\n\
         ddb.uuid.image=\"{uuid}\"\nddb.uuid.parent=\"{none}\"\nddb.uuid.modification=\"{none}\"\n\
         ddb.uuid.parentmodification=\"{none}\"\n"
    )
}

/// Places of sectors, as the directories have them. VirtualBox's disks end at 2 TiB, where they fit.
fn numbers(places: impl Iterator<Item = u64>) -> Vec<u8> {
    places.flat_map(|place| u32::try_from(place).unwrap_or_default().to_le_bytes()).collect()
}

fn seek(file: &mut File, sector: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(sector * SECTOR))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_large_disk_takes_little() {
        let mut file = tempfile::tempfile().unwrap();
        let start = vec![7; 70_000];
        write(&mut file, "disk.vmdk", 20_000, &start, &crate::uuid::random().unwrap()).unwrap();
        let length = file.metadata().unwrap().len();
        assert!(length < 4 << 20, "{length}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let taken = file.metadata().unwrap().blocks() * 512;
            assert!(taken < 300_000, "{taken}");
        }
    }

    /// An independent reader finds what was written, and nothing else.
    #[test]
    fn qemu_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let (image, raw) = (dir.path().join("disk.vmdk"), dir.path().join("disk.raw"));
        let start: Vec<u8> = (0..70_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut file = File::create(&image).unwrap();
        write(&mut file, "disk.vmdk", 100, &start, &crate::uuid::random().unwrap()).unwrap();
        let args = ["convert", "-f", "vmdk", "-O", "raw"];
        match Command::new("qemu-img").args(args).args([&image, &raw]).status() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = "skipped: there is no qemu-img here\n";
                io::stderr().write_all(text.as_bytes()).unwrap();
                return;
            }
            status => assert!(status.unwrap().success()),
        }
        let bytes = std::fs::read(&raw).unwrap();
        assert_eq!(bytes.len(), 100 << 20);
        assert_eq!(bytes[..start.len()], start);
        assert!(bytes[start.len()..].iter().all(|byte| *byte == 0));
    }
}
