use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C and SIGTERM.
pub(in crate::cli) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(in crate::cli) fn new() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    pub(in crate::cli) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A process inherits no stream that it is not given.
pub(in crate::cli) fn keep_streams() {}

/// Has a command outlive this one, whatever becomes of the terminal.
pub(in crate::cli) fn apart(command: &mut Command) {
    command.process_group(0);
}

/// Lets everything else on this computer go first, children included.
pub(in crate::cli) fn give_way() -> io::Result<()> {
    rustix::process::nice(10)?;
    Ok(())
}
