//! The terminal: the only place that writes to the standard streams or reads an answer.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::error::CliError;
use super::exit;
use super::system::Signals;

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

/// How often the user has asked to stop.
static INTERRUPTS: LazyLock<watch::Sender<u32>> = LazyLock::new(|| watch::Sender::new(0));

/// Begins to listen for Ctrl-C, and for SIGTERM where there is such a thing. Called before there is
/// work to interrupt, so that none is missed.
///
/// The second one ends the program: the work may wait in a call that nothing interrupts (another
/// command's lock, a file system that does not answer). That is no worse than `kill -9`, after which
/// everything carries on as well.
#[expect(clippy::exit, reason = "there is no other way out of a call that blocks")]
pub(super) fn listen() -> io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        INTERRUPTS.send_modify(|count| *count += 1);
        signals.next().await;
        eprint(&CliError::interrupted().text());
        std::process::exit(exit::INTERRUPTED.into());
    });
    Ok(())
}

/// How long a call to a cloud may take to end that was under way when the user wanted to stop.
const WIND_DOWN: Duration = Duration::from_secs(30);

/// Resolves when the user wants to stop, or has wanted to since [`listen`], and no call is under way
/// any more that makes or deletes something in a cloud: what it makes is to be recorded.
pub(super) async fn interrupted() {
    let wanted = INTERRUPTS.subscribe().wait_for(|count| *count > 0).await.is_ok();
    assert!(wanted, "the sender is never dropped");
    let mut end = std::pin::pin!(machine_driver::rest::wind_down());
    if timeout(Duration::from_millis(500), &mut end).await.is_err() {
        eprint("Waiting for the end of a call that is under way; Ctrl-C again ends at once.\n");
        timeout(WIND_DOWN, end).await.ok();
    }
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
