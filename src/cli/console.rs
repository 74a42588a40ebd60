//! The terminal: the only place that writes to the standard streams or reads an answer.

use std::io::{self, BufRead, IsTerminal, Write};

/// Writes data to stdout. A reader that went away is not an error: there is nobody to tell.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

pub(super) fn println(line: &str) -> io::Result<()> {
    print(&format!("{line}\n"))
}

/// Writes to stderr; there is nowhere to report a failure of that.
pub(super) fn eprint(text: &str) {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()).ok();
}

/// Asks for a yes on the terminal. `None` without one: nobody is there to answer.
pub(super) fn confirm(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    print(question)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(answer.trim_start().starts_with(['y', 'Y'])))
}

/// Asks, and takes a yes from whatever stdin is; its end is a no.
pub(super) fn ask(question: &str) -> io::Result<bool> {
    print(question)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.starts_with(['y', 'Y']))
}

/// Resolves when the user wants to stop: Ctrl-C, or SIGTERM where there is such a thing.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}

/// Shows the cursor again and leaves raw mode before a panic is printed.
pub(super) fn restore_on_panic() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if io::stderr().is_terminal() {
            eprint("\x1b[?25h");
        }
        default(panic);
        eprint(
            "\nThis is a mistake in `machine` itself. What was begun can be removed or resumed.\n",
        );
    }));
}
