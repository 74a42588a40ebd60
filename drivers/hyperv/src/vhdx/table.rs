//! The block allocation table: where each block of the disk lies in the file. Section 2.5 of
//! \[MS-VHDX\].

/// A block that is whole in the file. 0 is one that is not there and reads as zeros.
const FULLY_PRESENT: u64 = 6;

/// One bitmap of sectors, which only disks with a parent use, describes so many sectors.
const SECTORS_IN_BITMAP: u64 = 1 << 23;

/// The entries for a disk of `size` bytes whose first `used` blocks have content. Their places are
/// counted from the first block, see [`placed`].
pub(super) fn table(size: u64, block: u64, used: u64) -> Vec<u64> {
    let blocks = size.div_ceil(block);
    // After so many blocks comes an entry for their bitmap, used or not.
    let ratio = SECTORS_IN_BITMAP * 512 / block;
    let entries = blocks + (blocks - 1) / ratio;
    let entry = |number: u64| {
        let (chunk, place) = (number / (ratio + 1), number % (ratio + 1));
        let index = chunk * ratio + place;
        if place < ratio && index < used { (index * block) | FULLY_PRESENT } else { 0 }
    };
    (0..entries).map(entry).collect()
}

/// The table as it stands in the file, with the blocks from `first` on, filled up to a whole
/// mebibyte.
pub(super) fn placed(table: Vec<u64>, first: u64) -> Vec<u8> {
    let shift = |entry: u64| if entry == 0 { 0 } else { entry + first };
    let mut bytes: Vec<u8> =
        table.into_iter().flat_map(|entry| shift(entry).to_le_bytes()).collect();
    bytes.resize(bytes.len().next_multiple_of(1 << 20), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_follows_each_chunk() {
        // Blocks of 1 MiB: 4096 to a chunk.
        let table = table(5000 << 20, 1 << 20, 4098);
        assert_eq!(table.len(), 5001);
        assert_eq!(table[0], FULLY_PRESENT);
        assert_eq!(table[4095], (4095 << 20) | FULLY_PRESENT);
        assert_eq!(table[4096], 0, "the bitmap");
        assert_eq!(table[4097], (4096 << 20) | FULLY_PRESENT);
        assert_eq!(table[4099], 0);
        assert_eq!(placed(table, 4 << 20)[..8], ((4 << 20) | FULLY_PRESENT).to_le_bytes());
    }
}
