//! What every operating system does in its own way: holding a file, local sockets, and a process
//! that outlives us.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{channel, connect, detach, free_space, hold, is_held, private_dir};
#[cfg(windows)]
pub(crate) use windows::{channel, connect, detach, free_space, hold, is_held, private_dir};
