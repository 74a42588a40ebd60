use std::io;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Size;

/// Keys reach the other side one by one and unchanged while this is held, Ctrl-C too.
#[must_use = "raw mode ends when this is dropped"]
pub struct RawMode {
    before: Termios,
}

impl RawMode {
    /// Fails if standard input is not a terminal.
    pub fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // The terminal may be gone, and then there is nothing to restore.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.before).ok();
    }
}

/// The size of the terminal on standard output. `None` if it is not one.
pub fn size() -> Option<Size> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    Some(Size { columns: size.ws_col.into(), rows: size.ws_row.into() })
}

/// The size now and each time it changes. Must be called within a tokio runtime.
pub fn sizes() -> watch::Receiver<Size> {
    let (sender, receiver) = watch::channel(size().unwrap_or_default());
    if let Ok(mut changes) = signal(SignalKind::window_change()) {
        tokio::spawn(async move {
            while !sender.is_closed() && changes.recv().await.is_some() {
                sender.send_replace(size().unwrap_or_default());
            }
        });
    }
    receiver
}
