use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use super::console;

/// A standard stream that several machines write to: each line is whole and has a prefix.
pub(super) struct Prefixed {
    prefix: String,
    is_stdout: bool,
    line: Vec<u8>,
}

impl Prefixed {
    pub(super) fn stdout(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), is_stdout: true, line: Vec::new() }
    }

    pub(super) fn stderr(prefix: &str) -> Self {
        Self { is_stdout: false, ..Self::stdout(prefix) }
    }

    /// Writes what is left of a last line that has no end.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.line.is_empty() {
            return Ok(());
        }
        self.line.push(b'\n');
        self.write_lines()
    }

    fn write_lines(&mut self) -> io::Result<()> {
        let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        let rest = self.line.split_off(end + 1);
        let lines = std::mem::replace(&mut self.line, rest);
        let lines = String::from_utf8_lossy(&lines).into_owned();
        let text = lines.lines().fold(String::new(), |all, line| all + &self.prefix + line + "\n");
        if self.is_stdout {
            return console::print(&text);
        }
        console::eprint(&text);
        Ok(())
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.line.extend_from_slice(bytes);
        Poll::Ready(this.write_lines().map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
