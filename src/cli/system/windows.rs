use std::io;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::os::windows::process::CommandExt;
use std::process::Command;

use tokio::signal::windows::{CtrlC, ctrl_c};
use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};

/// Ctrl-C: there is nothing like SIGTERM.
pub(in crate::cli) struct Signals(CtrlC);

impl Signals {
    pub(in crate::cli) fn new() -> io::Result<Self> {
        Ok(Self(ctrl_c()?))
    }

    pub(in crate::cli) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Keeps this process's own standard streams away from the processes that it starts, unless one is
/// given them. Every process inherits all handles that can be inherited, whatever its own streams are,
/// and who reads what we print would wait for the end of a machine that we have started:
/// <https://github.com/rust-lang/rust/issues/54760>.
#[expect(unsafe_code, reason = "the standard library has no way yet: rust-lang/rust#146407")]
pub(in crate::cli) fn keep_streams() {
    let streams: [RawHandle; 3] =
        [io::stdin().as_raw_handle(), io::stdout().as_raw_handle(), io::stderr().as_raw_handle()];
    for stream in streams {
        // SAFETY: the function takes any value for a handle, and changes a flag of one that there is.
        // What fails is a stream that this process does not have.
        unsafe { SetHandleInformation(stream, HANDLE_FLAG_INHERIT, 0) };
    }
}

/// Has a command outlive this one, whatever becomes of the terminal.
pub(in crate::cli) fn apart(command: &mut Command) {
    // CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW of winbase.h.
    command.creation_flags(0x0000_0200 | 0x0800_0000);
}

/// A process has its priority from its start here.
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(in crate::cli) fn give_way() -> io::Result<()> {
    Ok(())
}
