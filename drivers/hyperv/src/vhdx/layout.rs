//! Everything before the block table: file type, headers, regions, metadata. Numbers of sections are
//! those of \[MS-VHDX\].

pub(super) const MIB: u64 = 1 << 20;
const KIB: usize = 1 << 10;

/// An empty log that is never used: a new file has nothing to be replayed.
const LOG: (u64, u64) = (MIB, MIB);
const METADATA: (u64, u64) = (2 * MIB, MIB);
const TABLE: u64 = 3 * MIB;

/// Section 2.2.3: the two regions that every file has.
const TABLE_REGION: [u8; 16] = guid("2DC27766F62342009D64115E9BFD4A08");
const METADATA_REGION: [u8; 16] = guid("8B7CA20647904B9AB8FE575F050F886E");

/// Section 2.6.2: the items of metadata that a disk without a parent has.
const FILE_PARAMETERS: [u8; 16] = guid("CAA16737FA364D43B3B633F0AA44E76B");
const DISK_SIZE: [u8; 16] = guid("2FA54224CD1B4876B2115DBED83BF4B8");
const DISK_ID: [u8; 16] = guid("BECA12ABB2E6452393EFC309E000C746");
const LOGICAL_SECTOR: [u8; 16] = guid("8141BF1DA96F4709BA47F233A8FAAB5F");
const PHYSICAL_SECTOR: [u8; 16] = guid("CDA348C7445D44719CC9E9885251C556");

/// Where the parts lie whose length depends on the disk.
pub(super) struct Regions {
    table: u64,
}

impl Regions {
    /// `table` is the length of the block table in bytes.
    pub(super) fn new(table: u64) -> Self {
        Self { table: table.next_multiple_of(MIB) }
    }

    /// Where the first block with content lies.
    pub(super) fn blocks(&self) -> u64 {
        TABLE + self.table
    }
}

/// The first 2 MiB: file type, both headers, both region tables, and the log.
pub(super) fn head(regions: &Regions, ids: [[u8; 16]; 2]) -> Vec<u8> {
    let mut head = vec![0; usize::try_from(METADATA.0).expect("a small number")];
    // Section 2.2.1. Who made the file is for people only.
    put(&mut head, 0, b"vhdxfile");
    let creator: Vec<u8> = "machine".encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(&mut head, 8, &creator);
    for (sequence, at) in [(1, 64 * KIB), (2, 128 * KIB)] {
        put(&mut head, at, &header(sequence, ids));
    }
    let table = region_table(regions);
    for at in [192 * KIB, 256 * KIB] {
        put(&mut head, at, &table);
    }
    head
}

/// Section 2.2.2. The one with the higher number counts.
fn header(sequence: u64, [file_write, data_write]: [[u8; 16]; 2]) -> Vec<u8> {
    let mut header = vec![0; 4 * KIB];
    put(&mut header, 0, b"head");
    put(&mut header, 8, &sequence.to_le_bytes());
    put(&mut header, 16, &file_write);
    put(&mut header, 32, &data_write);
    // The log's own id stays zero: there is nothing in it.
    put(&mut header, 66, &1_u16.to_le_bytes());
    put(&mut header, 68, &length(LOG.1));
    put(&mut header, 72, &LOG.0.to_le_bytes());
    with_checksum(header)
}

/// Section 2.2.3.
fn region_table(regions: &Regions) -> Vec<u8> {
    let mut table = vec![0; 64 * KIB];
    put(&mut table, 0, b"regi");
    put(&mut table, 8, &2_u32.to_le_bytes());
    let entries = [(TABLE_REGION, TABLE, regions.table), (METADATA_REGION, METADATA.0, METADATA.1)];
    for (number, (id, offset, size)) in entries.iter().enumerate() {
        let at = 16 + 32 * number;
        put(&mut table, at, id);
        put(&mut table, at + 16, &offset.to_le_bytes());
        put(&mut table, at + 24, &length(*size));
        put(&mut table, at + 28, &1_u32.to_le_bytes()); // who does not know it must not open the file
    }
    with_checksum(table)
}

/// Section 2.6: the region of the metadata.
pub(super) fn metadata(size: u64, block: u64, disk_id: [u8; 16]) -> Vec<u8> {
    /// Of the file, or of the disk that the guest sees.
    const OF_FILE: u32 = 0b100;
    const OF_DISK: u32 = 0b110;
    let items: [([u8; 16], u32, &[u8]); 5] = [
        // The second half says that there is no parent, and that blocks come when they are written.
        (FILE_PARAMETERS, OF_FILE, &(block).to_le_bytes()),
        (DISK_SIZE, OF_DISK, &size.to_le_bytes()),
        (DISK_ID, OF_DISK, &disk_id),
        (LOGICAL_SECTOR, OF_DISK, &512_u32.to_le_bytes()),
        (PHYSICAL_SECTOR, OF_DISK, &4096_u32.to_le_bytes()),
    ];
    let mut region = vec![0; usize::try_from(METADATA.1).expect("a small number")];
    put(&mut region, 0, b"metadata");
    put(&mut region, 10, &5_u16.to_le_bytes());
    let mut offset = 64 * KIB;
    for (number, (id, flags, value)) in items.into_iter().enumerate() {
        let at = 32 + 32 * number;
        put(&mut region, at, &id);
        put(&mut region, at + 16, &length(offset as u64));
        put(&mut region, at + 20, &length(value.len() as u64));
        put(&mut region, at + 24, &flags.to_le_bytes());
        put(&mut region, offset, value);
        offset += value.len().next_multiple_of(16);
    }
    region
}

/// Puts the CRC-32C of the whole structure at its byte 4.
fn with_checksum(mut structure: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c(&structure);
    put(&mut structure, 4, &checksum.to_le_bytes());
    structure
}

/// Castagnoli's polynomial, bit by bit: some 140 KB are summed up for a disk.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _bit| {
            let carry = if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
            (crc >> 1) ^ carry
        })
    })
}

fn put(target: &mut [u8], at: usize, bytes: &[u8]) {
    target[at..at + bytes.len()].copy_from_slice(bytes);
}

fn length(bytes: u64) -> [u8; 4] {
    u32::try_from(bytes).expect("no region is as long as that").to_le_bytes()
}

/// A GUID as the specification prints it, without its dashes. The first three of its five numbers
/// are little-endian in the file.
const fn guid(digits: &str) -> [u8; 16] {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let digits = digits.as_bytes();
    let mut bytes = [0; 16];
    let mut place = 0;
    while place < 16 {
        let from = 2 * ORDER[place];
        bytes[place] = (digit(digits[from]) << 4) | digit(digits[from + 1]);
        place += 1;
    }
    bytes
}

const fn digit(letter: u8) -> u8 {
    if letter.is_ascii_digit() { letter - b'0' } else { letter - b'A' + 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section B.4 of RFC 3720.
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
