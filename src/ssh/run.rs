use std::fmt;
use std::future::pending;

use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::terminal::Size;
use super::{Session, SshError};

/// How a command on a machine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitStatus {
    Code(u32),
    /// The name of the signal, without `SIG`.
    Signal(String),
}

/// What a command on a machine left behind. Bytes that are not UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A terminal for the other side.
#[derive(Debug, Clone)]
pub struct Pty {
    /// The value of `TERM`, for example `xterm-256color`.
    pub term: String,
    /// The size now, and each time it changes; see [`super::terminal::sizes`].
    pub sizes: watch::Receiver<Size>,
}

impl Session {
    /// Runs a command in the user's login shell, with an empty standard input, and returns
    /// whatever its status is.
    pub async fn run(&self, command: &str) -> Result<Output, SshError> {
        self.run_with_input(command, b"").await
    }

    /// The same with bytes for its standard input.
    pub async fn run_with_input(&self, command: &str, input: &[u8]) -> Result<Output, SshError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = self.pass_through(Some(command), input, &mut stdout, &mut stderr).await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let output = Output { status, stdout: text(&stdout), stderr: text(&stderr) };
        tracing::debug!(command, status = %output.status, stderr = output.stderr, "ssh");
        Ok(output)
    }

    /// Runs a command that must succeed, and returns what it printed on stdout.
    pub async fn check(&self, command: &str) -> Result<String, SshError> {
        let output = self.run(command).await?;
        output.success(command)
    }

    /// Runs a command, or the login shell, with the caller's streams as its own and without a
    /// terminal.
    pub async fn pass_through(
        &self,
        command: Option<&str>,
        stdin: impl AsyncRead + Unpin,
        stdout: impl AsyncWrite + Unpin,
        stderr: impl AsyncWrite + Unpin,
    ) -> Result<ExitStatus, SshError> {
        let channel = self.start(command, None).await?;
        self.drive(channel, None, stdin, stdout, stderr).await
    }

    /// Runs a command, or the login shell, in a terminal. `stdin` should come from a terminal in
    /// raw mode ([`super::terminal::RawMode`]).
    pub async fn interactive(
        &self,
        command: Option<&str>,
        pty: Pty,
        stdin: impl AsyncRead + Unpin,
        stdout: impl AsyncWrite + Unpin,
    ) -> Result<ExitStatus, SshError> {
        let channel = self.start(command, Some(&pty)).await?;
        self.drive(channel, Some(pty.sizes), stdin, stdout, tokio::io::sink()).await
    }

    async fn start(
        &self,
        command: Option<&str>,
        pty: Option<&Pty>,
    ) -> Result<Channel<russh::client::Msg>, SshError> {
        let failed = |source| SshError::transport(&self.address, source);
        let channel = self.handle.channel_open_session().await.map_err(failed)?;
        if let Some(pty) = pty {
            let Size { columns, rows } = *pty.sizes.borrow();
            channel
                .request_pty(false, &pty.term, columns, rows, 0, 0, &[])
                .await
                .map_err(failed)?;
        }
        match command {
            Some(command) => channel.exec(true, command).await.map_err(failed)?,
            None => channel.request_shell(true).await.map_err(failed)?,
        }
        Ok(channel)
    }

    /// Moves bytes in all directions until the command has ended.
    async fn drive(
        &self,
        channel: Channel<russh::client::Msg>,
        sizes: Option<watch::Receiver<Size>>,
        stdin: impl AsyncRead + Unpin,
        stdout: impl AsyncWrite + Unpin,
        stderr: impl AsyncWrite + Unpin,
    ) -> Result<ExitStatus, SshError> {
        let (reader, writer) = channel.split();
        // Only the other side ends a command: the end of our input does not, and neither does a
        // failure to send more of it, for which the command's own status is the explanation.
        let feeding = async {
            feed(stdin, &writer).await.ok();
            pending().await
        };
        let resizing = async {
            follow(sizes, &writer).await;
            pending().await
        };
        tokio::select! {
            ended = drain(reader, stdout, stderr) => match ended? {
                Some(Ended::With(status)) => Ok(status),
                Some(Ended::Refused) => {
                    Err(SshError::Refused { address: self.address.clone(), what: "the command" })
                }
                None => Err(SshError::Lost { address: self.address.clone() }),
            },
            never = feeding => never,
            never = resizing => never,
        }
    }
}

impl Output {
    /// What it printed on stdout, if it succeeded.
    pub fn success(self, command: &str) -> Result<String, SshError> {
        if self.status == ExitStatus::Code(0) {
            return Ok(self.stdout);
        }
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        Err(SshError::Failed {
            command: command.to_owned(),
            said: machine_driver::process::tail(said, 10),
            status: self.status,
        })
    }
}

impl ExitStatus {
    /// What a program that stands for the command should exit with: the command's status, or 255
    /// for a signal, as OpenSSH's `ssh` does.
    pub fn code(&self) -> u8 {
        match self {
            Self::Code(code) => u8::try_from(*code).unwrap_or(255),
            Self::Signal(_) => 255,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(name) => write!(f, "was killed by SIG{name}"),
        }
    }
}

enum Ended {
    With(ExitStatus),
    Refused,
}

/// Passes output on until the channel closes. `None` if it closed without a word.
async fn drain(
    mut reader: ChannelReadHalf,
    mut stdout: impl AsyncWrite + Unpin,
    mut stderr: impl AsyncWrite + Unpin,
) -> Result<Option<Ended>, SshError> {
    let failed = |source| SshError::Stream { source };
    let mut ended = None;
    while let Some(message) = reader.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                stdout.write_all(&data).await.map_err(failed)?;
                stdout.flush().await.map_err(failed)?;
            }
            ChannelMsg::ExtendedData { data, ext: STDERR } => {
                stderr.write_all(&data).await.map_err(failed)?;
                stderr.flush().await.map_err(failed)?;
            }
            ChannelMsg::ExitStatus { exit_status } => {
                ended = Some(Ended::With(ExitStatus::Code(exit_status)));
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                let name = signal_name_text(signal_name);
                ended = Some(Ended::With(ExitStatus::Signal(name)));
            }
            ChannelMsg::Failure => return Ok(Some(Ended::Refused)),
            ChannelMsg::Close => break,
            _ => {}
        }
    }
    Ok(ended)
}

/// `SSH_EXTENDED_DATA_STDERR`: RFC 4254, section 5.2.
const STDERR: u32 = 1;

fn signal_name_text(signal: russh::Sig) -> String {
    match signal {
        russh::Sig::Custom(name) => name,
        known => format!("{known:?}"),
    }
}

async fn feed(
    mut stdin: impl AsyncRead + Unpin,
    writer: &ChannelWriteHalf<russh::client::Msg>,
) -> Result<(), russh::Error> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match stdin.read(&mut buffer).await.unwrap_or(0) {
            0 => return writer.eof().await,
            n => writer.data_bytes(buffer[..n].to_vec()).await?,
        }
    }
}

async fn follow(
    sizes: Option<watch::Receiver<Size>>,
    writer: &ChannelWriteHalf<russh::client::Msg>,
) {
    let Some(mut sizes) = sizes else { return };
    while sizes.changed().await.is_ok() {
        let Size { columns, rows } = *sizes.borrow_and_update();
        writer.window_change(columns, rows, 0, 0).await.ok();
    }
}
