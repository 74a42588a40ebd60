//! Writers of the formats that the image is made of. Each gives the same bytes for the same input:
//! all times come from the caller.

mod fat;
mod initramfs;
mod iso;
mod packed;
mod squashfs;

pub use fat::fat_image;
pub use initramfs::initramfs;
pub use iso::{Firmware, Medium, iso};
pub use squashfs::squashfs;

#[cfg(test)]
pub(crate) mod tests_support;
