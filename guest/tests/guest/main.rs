//! The builder against repositories made here, and whole images from a mirror.

mod archive;
mod downloads;
mod image;
mod scripts;
mod support;
