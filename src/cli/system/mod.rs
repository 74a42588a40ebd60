//! What the systems have in different ways: signals, and processes that go on by themselves.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::{Signals, apart, give_way, keep_streams};
#[cfg(windows)]
pub(super) use windows::{Signals, apart, give_way, keep_streams};
