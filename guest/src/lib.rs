//! The guest image: what is inside the ISO, and how it is put together.
//!
//! - [`apt`]: signed package indices and packages, from a Debian mirror into a cache
//! - [`tree`]: the root file system in memory, with owners and modes
//! - [`content`]: which packages, kernel modules and files of our own make the guest
//! - [`write`]: squashfs, initramfs, FAT and ISO writers
//! - [`build`]: all of it together
//! - [`manifest`]: what is in an image, and whether its files are what they should be
//! - [`import`]: an image from its ISO alone

pub mod apt;
pub mod build;
pub mod content;
pub mod import;
pub mod manifest;
pub mod tree;
mod volume;
pub mod write;
