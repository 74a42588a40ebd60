//! A hybrid ISO 9660 image: boots from a CD and from a disk, by BIOS and by UEFI.
//!
//! ```text
//! sector 0      MBR of isolinux, with a partition for the whole image and one for EFI
//! sector 16     volume descriptors: ISO 9660, El Torito, Joliet, end
//! sector 20     path tables, then the directories of both volumes
//!               boot catalogue, isolinux, /boot/efi.img, /boot/root.sqfs, /boot/manifest.json
//! ```
//!
//! `/boot/vmlinuz` and `/boot/initrd.img` are entries that point *into* `efi.img`: what both
//! firmwares and direct kernel boot need lies on the image once. Standards: ECMA-119, El Torito
//! 1.0, UEFI 2.10 section 13.3.2; the boot information table is `mkisofs`', the MBR isohybrid's.

#![expect(
    clippy::cast_possible_truncation,
    reason = "the fields are of the widths that the standards say, and `iso` bounds what goes in"
)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use machine_driver::file;
use sha2::{Digest, Sha256};

use super::fat_image;
use crate::manifest::FileEntry;

const SECTOR: usize = 2048;
/// A disk image is a whole number of these, for firmware that thinks in cylinders.
const CYLINDER: usize = 1 << 20;

/// Boot programs, as Debian's packages have them.
#[derive(Debug, Clone, Copy)]
pub struct Firmware<'a> {
    /// `isolinux.bin` of the package `isolinux`.
    pub isolinux: &'a [u8],
    /// `ldlinux.c32` for BIOS, of `syslinux-common`.
    pub ldlinux: &'a [u8],
    /// `isohdpfx.bin` of `isolinux`: 432 bytes.
    pub mbr: &'a [u8],
    /// `systemd-bootx64.efi` of `systemd-boot-efi`.
    pub efi: &'a [u8],
}

/// What goes onto the image.
#[derive(Clone, Copy)]
pub struct Medium<'a> {
    /// At most 32 characters; the version stands behind the first `-v`, as in boot2docker's.
    pub label: &'a str,
    /// The time of everything, in seconds since 1970.
    pub epoch: u32,
    pub kernel: &'a [u8],
    pub initrd: &'a [u8],
    pub command_line: &'a str,
    pub squashfs: &'a Path,
    pub firmware: Firmware<'a>,
    /// Makes the last file, given what lies before it. Its length may depend on the size only.
    pub manifest: &'a dyn Fn(&FileEntry) -> io::Result<Vec<u8>>,
}

/// Writes the image.
pub fn iso(medium: &Medium<'_>, out: impl Write) -> io::Result<()> {
    let Medium { firmware, .. } = medium;
    if medium.label.len() > 32 || firmware.mbr.len() > 432 {
        return Err(io::Error::other("the label or the boot record is too long"));
    }
    let (efi, places) = efi_system(medium)?;
    let config = isolinux_config(medium);
    if medium.squashfs.metadata()?.len() > 2 << 30 || efi.len() > 1 << 30 {
        return Err(io::Error::other("the image would be too large for its formats"));
    }
    let root_size = usize::try_from(medium.squashfs.metadata()?.len()).map_err(io::Error::other)?;

    let mut next = FIRST_FILE;
    let mut place = |size: usize| {
        let sector = next;
        next += size.div_ceil(SECTOR).max(1);
        Extent { sector, size }
    };
    let catalogue = place(SECTOR);
    let isolinux = place(firmware.isolinux.len());
    let ldlinux = place(firmware.ldlinux.len());
    let isolinux_cfg = place(config.len());
    let efi_img = place(efi.len());
    let squashfs = place(root_size);
    let before = (squashfs.sector + root_size.div_ceil(SECTOR).max(1)) * SECTOR;
    let before = |sha256| FileEntry { size: before as u64, sha256 };
    let manifest = place((medium.manifest)(&before("0".repeat(64)))?.len());
    let within = |place: usize, size| Extent { sector: efi_img.sector + place / SECTOR, size };
    let boot = [
        ("efi.img", efi_img),
        ("initrd.img", within(places[4], medium.initrd.len())),
        ("manifest.json", manifest),
        ("root.sqfs", squashfs),
        ("vmlinuz", within(places[3], medium.kernel.len())),
    ];
    let isolinux_dir = [
        ("boot.cat", catalogue),
        ("isolinux.bin", isolinux),
        ("isolinux.cfg", isolinux_cfg),
        ("ldlinux.c32", ldlinux),
    ];
    let sectors = (next * SECTOR).next_multiple_of(CYLINDER) / SECTOR;

    let mut head = vec![0; FIRST_FILE * SECTOR];
    head[..512].copy_from_slice(&boot_record(medium, isolinux, efi_img, sectors));
    for (at, joliet) in [(16, false), (18, true)] {
        put(&mut head, at, &descriptor(medium, joliet, sectors));
    }
    put(&mut head, 17, &el_torito_descriptor(catalogue));
    put(&mut head, 19, b"\xFFCD001\x01");
    for joliet in [false, true] {
        put(&mut head, tables(joliet), &path_table(joliet, u32::to_le_bytes, u16::to_le_bytes));
        put(&mut head, tables(joliet) + 1, &path_table(joliet, u32::to_be_bytes, u16::to_be_bytes));
        let [root, boot_dir, isolinux_at] = directories(joliet);
        let top: Vec<_> = [("boot", boot_dir), ("isolinux", isolinux_at)]
            .map(|(name, sector)| {
                record(&name_bytes(name, joliet, true), extent(sector), true, medium.epoch)
            })
            .concat();
        put(&mut head, root, &directory(root, root, &top, medium.epoch));
        for (sector, files) in [(boot_dir, &boot[..]), (isolinux_at, &isolinux_dir)] {
            let files: Vec<_> = files
                .iter()
                .map(|(name, extent)| {
                    record(&name_bytes(name, joliet, false), *extent, false, medium.epoch)
                })
                .collect();
            put(&mut head, sector, &directory(sector, root, &files.concat(), medium.epoch));
        }
    }
    let mut out = Hashing { out, hash: Sha256::new() };
    out.write_all(&head)?;
    for content in [
        el_torito_catalogue(isolinux, efi_img).as_slice(),
        &boot_information(firmware.isolinux, isolinux),
        firmware.ldlinux,
        config.as_bytes(),
        &efi,
    ] {
        write_padded(&mut out, content)?;
    }
    let copied = io::copy(&mut File::open(medium.squashfs)?.take(root_size as u64), &mut out)?;
    if copied != root_size as u64 {
        return Err(io::Error::other("the root file system shrank while it was copied"));
    }
    write_padding(&mut out, root_size)?;
    let sha256 = file::hex(&out.hash.clone().finalize());
    let text = (medium.manifest)(&before(sha256))?;
    if text.len() != manifest.size {
        return Err(io::Error::other("the length of the manifest depends on more than it may"));
    }
    out.write_all(&text)?;
    let written = manifest.sector * SECTOR + manifest.size;
    io::copy(&mut io::repeat(0).take((sectors * SECTOR - written) as u64), &mut out)?;
    out.flush()
}

/// The EFI system partition, and where in it its files lie: the kernel is the fourth, the
/// initramfs the fifth.
fn efi_system(medium: &Medium<'_>) -> io::Result<(Vec<u8>, Vec<usize>)> {
    let entry = format!(
        "title machine\nlinux /vmlinuz\ninitrd /initrd.img\noptions {}\n",
        medium.command_line
    );
    fat_image(
        "MACHINE",
        &[
            ("EFI/BOOT/BOOTX64.EFI", medium.firmware.efi),
            ("loader/loader.conf", b"timeout 0\ndefault machine.conf\n"),
            ("loader/entries/machine.conf", entry.as_bytes()),
            ("vmlinuz", medium.kernel),
            ("initrd.img", medium.initrd),
        ],
    )
}

fn isolinux_config(medium: &Medium<'_>) -> String {
    format!(
        "serial 0 115200\ndefault machine\nprompt 0\ntimeout 1\nlabel machine\n kernel \
         /boot/vmlinuz\n initrd /boot/initrd.img\n append {}\n",
        medium.command_line
    )
}

/// Passes on what is written, and hashes it.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Where a file or directory lies: its first sector, and its size in bytes.
#[derive(Debug, Clone, Copy)]
struct Extent {
    sector: usize,
    size: usize,
}

/// Path tables take two sectors for each volume, directories three.
const FIRST_FILE: usize = 30;

fn tables(joliet: bool) -> usize {
    if joliet { 22 } else { 20 }
}

/// The sectors of `/`, `/boot` and `/isolinux`, each of which fits into one.
fn directories(joliet: bool) -> [usize; 3] {
    if joliet { [27, 28, 29] } else { [24, 25, 26] }
}

fn extent(sector: usize) -> Extent {
    Extent { sector, size: SECTOR }
}

fn put(head: &mut [u8], sector: usize, content: &[u8]) {
    head[sector * SECTOR..][..content.len()].copy_from_slice(content);
}

fn write_padded(out: &mut impl Write, content: &[u8]) -> io::Result<()> {
    out.write_all(content)?;
    write_padding(out, content.len())
}

fn write_padding(out: &mut impl Write, length: usize) -> io::Result<()> {
    let padding = length.next_multiple_of(SECTOR).max(SECTOR) - length;
    out.write_all(&vec![0; padding])
}

/// A name as the volume wants it: upper case with a version, or UCS-2.
fn name_bytes(name: &str, joliet: bool, is_dir: bool) -> Vec<u8> {
    if joliet {
        return name.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let name = name.to_uppercase();
    if is_dir { name.into_bytes() } else { format!("{name};1").into_bytes() }
}

/// ECMA-119 9.1.
fn record(name: &[u8], at: Extent, is_dir: bool, epoch: u32) -> Vec<u8> {
    let mut record = vec![0; (33 + name.len()).next_multiple_of(2)];
    record[0] = record.len() as u8;
    both_u32(&mut record[2..10], at.sector);
    both_u32(&mut record[10..18], at.size);
    let time = time::OffsetDateTime::from_unix_timestamp(i64::from(epoch))
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    record[18..24].copy_from_slice(&[
        u8::try_from(time.year() - 1900).unwrap_or(0),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ]);
    record[25] = if is_dir { 2 } else { 0 };
    record[28..32].copy_from_slice(&[1, 0, 0, 1]);
    record[32] = name.len() as u8;
    record[33..33 + name.len()].copy_from_slice(name);
    record
}

fn directory(own: usize, parent: usize, children: &[u8], epoch: u32) -> Vec<u8> {
    let mut content = record(&[0], extent(own), true, epoch);
    content.extend(record(&[1], extent(parent), true, epoch));
    content.extend(children);
    content
}

/// ECMA-119 9.4, in either byte order.
fn path_table(joliet: bool, long: fn(u32) -> [u8; 4], short: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mut table = Vec::new();
    let names = [vec![0], name_bytes("boot", joliet, true), name_bytes("isolinux", joliet, true)];
    for (name, sector) in names.iter().zip(directories(joliet)) {
        table.extend([name.len() as u8, 0]);
        table.extend(long(sector as u32));
        table.extend(short(1));
        table.extend(name);
        table.resize(table.len().next_multiple_of(2), 0);
    }
    table
}

/// ECMA-119 8.4; for Joliet 8.5 with the escape sequence of UCS-2 level 3.
fn descriptor(medium: &Medium<'_>, joliet: bool, sectors: usize) -> Vec<u8> {
    let mut block = vec![0; SECTOR];
    let text = |text: &str, length: usize| -> Vec<u8> {
        if joliet {
            let units = text.encode_utf16().chain(std::iter::repeat(0x20)).take(length / 2);
            let mut bytes: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
            bytes.resize(length, 0);
            return bytes;
        }
        text.bytes().chain(std::iter::repeat(b' ')).take(length).collect()
    };
    block[0] = if joliet { 2 } else { 1 };
    block[1..7].copy_from_slice(b"CD001\x01");
    block[8..40].copy_from_slice(&text("LINUX", 32));
    block[40..72].copy_from_slice(&text(medium.label, 32));
    both_u32(&mut block[80..88], sectors);
    if joliet {
        block[88..91].copy_from_slice(b"%/E");
    }
    both_u16(&mut block[120..124], 1);
    both_u16(&mut block[124..128], 1);
    both_u16(&mut block[128..132], SECTOR);
    both_u32(&mut block[132..140], path_table(joliet, u32::to_le_bytes, u16::to_le_bytes).len());
    block[140..144].copy_from_slice(&(tables(joliet) as u32).to_le_bytes());
    block[148..152].copy_from_slice(&(tables(joliet) as u32 + 1).to_be_bytes());
    let root = record(&[0], extent(directories(joliet)[0]), true, medium.epoch);
    block[156..190].copy_from_slice(&root);
    for field in [190..318, 318..446, 446..574, 574..702, 702..739, 739..776, 776..813] {
        let length = field.len();
        block[field].copy_from_slice(&text("", length));
    }
    for start in [813, 830, 847, 864] {
        block[start..start + 16].copy_from_slice(&[b'0'; 16]);
    }
    block[881] = 1;
    block
}

fn el_torito_descriptor(catalogue: Extent) -> Vec<u8> {
    let mut block = b"\0CD001\x01EL TORITO SPECIFICATION".to_vec();
    block.resize(0x47, 0);
    block.extend((catalogue.sector as u32).to_le_bytes());
    block
}

/// A BIOS entry for isolinux, and an EFI one for the system partition.
fn el_torito_catalogue(isolinux: Extent, efi: Extent) -> Vec<u8> {
    let mut validation = [0u8; 32];
    validation[0] = 1;
    validation[30..].copy_from_slice(&[0x55, 0xAA]);
    let words = validation.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let sum = words.fold(0u16, u16::wrapping_add).wrapping_neg();
    validation[28..30].copy_from_slice(&sum.to_le_bytes());
    let entry = |sectors: u16, at: Extent| {
        let mut entry = [0u8; 32];
        entry[0] = 0x88;
        entry[6..8].copy_from_slice(&sectors.to_le_bytes());
        entry[8..12].copy_from_slice(&(at.sector as u32).to_le_bytes());
        entry
    };
    let mut section = [0u8; 32];
    section[..4].copy_from_slice(&[0x91, 0xEF, 1, 0]);
    // 0 means "to the end of the medium" where the partition is too large for the field.
    let efi_sectors = u16::try_from(efi.size / 512).unwrap_or(0);
    [validation, entry(4, isolinux), section, entry(efi_sectors, efi)].concat()
}

/// isolinux finds itself and the volume by the table that `mkisofs -boot-info-table` writes.
fn boot_information(isolinux: &[u8], at: Extent) -> Vec<u8> {
    let mut patched = isolinux.to_vec();
    patched.resize(patched.len().max(64), 0);
    let sum = patched[64..]
        .chunks(4)
        .map(|word| word.iter().rev().fold(0u32, |sum, byte| (sum << 8) | u32::from(*byte)))
        .fold(0u32, u32::wrapping_add);
    for (place, value) in [(8, 16), (12, at.sector as u32), (16, at.size as u32), (20, sum)] {
        patched[place..place + 4].copy_from_slice(&value.to_le_bytes());
    }
    patched[24..64].fill(0);
    patched
}

/// isohybrid's MBR: where isolinux lies, a partition over everything, and one for EFI.
fn boot_record(medium: &Medium<'_>, isolinux: Extent, efi: Extent, sectors: usize) -> [u8; 512] {
    let mut record = [0; 512];
    record[..medium.firmware.mbr.len()].copy_from_slice(medium.firmware.mbr);
    record[432..436].copy_from_slice(&(isolinux.sector as u32 * 4).to_le_bytes());
    record[440..444].copy_from_slice(&medium.epoch.to_le_bytes());
    let partition = |active: u8, kind: u8, start: usize, length: usize| {
        let mut entry = [0; 16];
        // Cylinders, heads and sectors of a disk that is too large to have them.
        entry[..8].copy_from_slice(&[active, 0xFE, 0xFF, 0xFF, kind, 0xFE, 0xFF, 0xFF]);
        entry[8..12].copy_from_slice(&(start as u32).to_le_bytes());
        entry[12..].copy_from_slice(&(length as u32).to_le_bytes());
        entry
    };
    record[446..462].copy_from_slice(&partition(0x80, 0x17, 0, sectors * 4));
    record[462..478].copy_from_slice(&partition(0, 0xEF, efi.sector * 4, efi.size / 512));
    record[510..].copy_from_slice(&[0x55, 0xAA]);
    record
}

fn both_u32(field: &mut [u8], value: usize) {
    field[..4].copy_from_slice(&(value as u32).to_le_bytes());
    field[4..].copy_from_slice(&(value as u32).to_be_bytes());
}

fn both_u16(field: &mut [u8], value: usize) {
    field[..2].copy_from_slice(&(value as u16).to_le_bytes());
    field[2..].copy_from_slice(&(value as u16).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::write::tests_support::skip_without;

    const KERNEL: [u8; 5000] = [b'k'; 5000];

    fn image(dir: &tempfile::TempDir) -> Vec<u8> {
        let squashfs = dir.path().join("root.sqfs");
        std::fs::write(&squashfs, vec![b's'; 70_001]).unwrap();
        let isolinux = vec![1; 3000];
        let firmware =
            Firmware { isolinux: &isolinux, ldlinux: &[2; 4100], mbr: &[3; 432], efi: &[4; 2049] };
        let medium = Medium {
            label: "b2d-v26.1.5",
            epoch: 1_700_000_000,
            kernel: &KERNEL,
            initrd: b"initrd",
            command_line: "quiet",
            squashfs: &squashfs,
            firmware,
            manifest: &|before| Ok(format!("{before:?}").into_bytes()),
        };
        let mut out = Vec::new();
        iso(&medium, &mut out).unwrap();
        out
    }

    #[test]
    fn the_label_stands_where_boot2docker_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let image = image(&dir);
        let expected = format!("{:32}", "b2d-v26.1.5");
        assert_eq!(&image[0x8028..0x8048], expected.as_bytes());
        assert_eq!(image.len() % CYLINDER, 0);
        assert_eq!(image, self::image(&dir), "the same input gives the same bytes");
    }

    /// Both volumes, read by another implementation: every file with its own content.
    #[test]
    fn isoinfo_reads_every_file() {
        if skip_without("isoinfo") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("machine.iso");
        std::fs::write(&path, image(&dir)).unwrap();
        let read = |name: &str, joliet: bool| {
            let mut command = Command::new("isoinfo");
            if joliet {
                command.arg("-J");
            }
            command.arg("-i").arg(&path).args(["-x", name]);
            command.output().unwrap().stdout
        };
        for (name, joliet) in [("/BOOT/VMLINUZ.;1", false), ("/boot/vmlinuz", true)] {
            let content = read(name, joliet);
            let content =
                if content.is_empty() { read("/BOOT/VMLINUZ;1", joliet) } else { content };
            assert!(content == KERNEL, "{name}: {} bytes", content.len());
        }
        assert_eq!(read("/boot/initrd.img", true), b"initrd");
        assert_eq!(read("/boot/root.sqfs", true), vec![b's'; 70_001]);
        assert_eq!(read("/isolinux/ldlinux.c32", true), [2; 4100]);
        let image = image(&dir);
        let manifest = String::from_utf8(read("/boot/manifest.json", true)).unwrap();
        let start = image.windows(40).position(|it| it == &manifest.as_bytes()[..40]).unwrap();
        let sha256 = file::sha256_hex(&image[..start]);
        let before = FileEntry { size: start as u64, sha256 };
        assert_eq!(manifest, format!("{before:?}"));
    }
}
