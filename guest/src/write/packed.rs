//! Compression on all processors.
//!
//! The squashfs library compresses one block after the other. So the blocks of all large files are
//! compressed beforehand, in parallel, and the library's compressor looks the result up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use backhand::compression::{CompressionAction, Compressor, DefaultCompressor};
use backhand::{BackhandError, FilesystemCompressor, SuperBlock};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// The library takes its compressor as a `'static` reference, hence one for the whole program. Two
/// builds at once in one process would only share results, which depend on nothing but the bytes
/// and the level.
pub(super) static PACKED: Packed = Packed { blocks: Mutex::new(None) };

pub(super) struct Packed {
    blocks: Mutex<Option<Blocks>>,
}

struct Blocks {
    level: i32,
    packed: HashMap<[u8; 32], Vec<u8>>,
}

impl Packed {
    /// Compresses every full or last block of `files` at `level`.
    pub(super) fn prepare<'a>(
        &self,
        files: impl IntoIterator<Item = &'a [u8]>,
        block: usize,
        level: i32,
    ) {
        let blocks: Vec<&[u8]> = files
            .into_iter()
            .filter(|file| file.len() >= block)
            .flat_map(|file| file.chunks(block))
            .collect();
        let packed = blocks
            .par_iter()
            .filter_map(|block| Some((hash(block), zstd::bulk::compress(block, level).ok()?)))
            .collect();
        *self.lock() = Some(Blocks { level, packed });
    }

    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Blocks>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CompressionAction for Packed {
    type Error = BackhandError;
    type Compressor = Compressor;
    type FilesystemCompressor = FilesystemCompressor;
    type SuperBlock = SuperBlock;

    fn decompress(
        &self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        compressor: Compressor,
    ) -> Result<(), BackhandError> {
        DefaultCompressor.decompress(bytes, out, compressor)
    }

    fn compress(
        &self,
        bytes: &[u8],
        _compressor: FilesystemCompressor,
        _block_size: u32,
    ) -> Result<Vec<u8>, BackhandError> {
        let blocks = self.lock();
        let found = blocks.as_ref().and_then(|blocks| blocks.packed.get(&hash(bytes)));
        if let Some(packed) = found {
            return Ok(packed.clone());
        }
        let level = blocks.as_ref().map_or(zstd::DEFAULT_COMPRESSION_LEVEL, |blocks| blocks.level);
        Ok(zstd::bulk::compress(bytes, level)?)
    }

    fn compression_options(
        &self,
        superblock: &mut SuperBlock,
        kind: &backhand::kind::Kind,
        compressor: FilesystemCompressor,
    ) -> Result<Option<Vec<u8>>, BackhandError> {
        DefaultCompressor.compression_options(superblock, kind, compressor)
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
