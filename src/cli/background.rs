//! Work that goes on when the command has ended.

use std::io;
use std::process::Command;

/// Has a command outlive this one, whatever becomes of the terminal.
pub(super) fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        // CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW of winbase.h.
        std::os::windows::process::CommandExt::creation_flags(command, 0x0000_0200 | 0x0800_0000);
    }
}

/// Lets everything else on this computer go first, children included.
pub(super) fn give_way() -> io::Result<()> {
    #[cfg(unix)]
    rustix::process::nice(10)?;
    Ok(())
}
