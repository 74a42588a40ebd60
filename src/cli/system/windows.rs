use std::io;
use std::os::windows::process::CommandExt;
use std::process::Command;

use tokio::signal::windows::{CtrlC, ctrl_c};

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
