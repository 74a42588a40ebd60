//! What every operating system does in its own way: holding a file, local sockets, and a process
//! that outlives us.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{
    allocated, channel, connect, connect_blocking, copy_sparse, detach, free_space, hash_sparse,
    hold, incoming, is_held, listen, memory_file, private_dir,
};
#[cfg(windows)]
pub(crate) use windows::{
    allocated, channel, connect, connect_blocking, copy_sparse, detach, free_space, hash_sparse,
    hold, incoming, is_held, listen, memory_file, private_dir,
};
