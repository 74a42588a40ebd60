//! The driver `virtualbox`, through the program, with the stand-in of `tests/support/vboxmanage`: it
//! boots the real image over the hardware that VirtualBox shows.

mod beihai;
mod host;
mod many;
mod records;

pub(crate) use host::{Host, hollow_image};
