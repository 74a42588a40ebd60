//! What local clients connect to: a Unix socket, or a named pipe on Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::relay;
#[cfg(unix)]
pub use unix::{LocalListener, is_there, place, url};
#[cfg(windows)]
pub(super) use windows::relay;
#[cfg(windows)]
pub use windows::{LocalListener, is_there, place, url};
