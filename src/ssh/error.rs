use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::ErrorKind;

use super::ExitStatus;

/// What can go wrong on the way to a machine's shell. `address` is `HOST:PORT`.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    #[error("cannot connect to `{address}`")]
    Connect { address: String, source: io::Error },
    #[error("`{address}` did not answer as an SSH server within {seconds:.0} s",
        seconds = after.as_secs_f32())]
    TimedOut { address: String, after: Duration },
    #[error("SSH to `{address}` failed")]
    Transport { address: String, source: russh::Error },
    /// The connection ended before the command did.
    #[error("the connection to `{address}` was lost")]
    Lost { address: String },
    #[error("`{address}` has another host key than before: {fingerprint}")]
    HostKeyChanged { address: String, fingerprint: String, known_hosts: PathBuf },
    /// By the system's `ssh`, which looks into the user's own `known_hosts`.
    #[error("the host key of `{address}` is not the one that is known")]
    HostKeyRefused { address: String, said: String },
    #[error("`{path}` cannot be used", path = path.display())]
    KnownHosts { path: PathBuf, source: io::Error },
    #[error("the machine has no SSH key, which the built-in client needs")]
    NoKey,
    #[error("the SSH key `{path}` cannot be used", path = path.display())]
    Key { path: PathBuf, source: russh::keys::Error },
    #[error("`{address}` does not let {who}", who = who(user, key))]
    Denied { address: String, user: String, key: PathBuf },
    #[error("`{address}` refused {what}")]
    Refused { address: String, what: &'static str },
    #[error("`{command}` {status} on the machine")]
    Failed { command: String, status: ExitStatus, said: String },
    #[error("cannot pass the output on")]
    Stream { source: io::Error },
    #[error("cannot copy `{path}`", path = path.display())]
    Local { path: PathBuf, source: io::Error },
    #[error("cannot copy the machine's `{path}`")]
    Remote { path: String, source: russh_sftp::client::error::Error },
    #[error("cannot copy `{path}`: {why}")]
    NotCopied { path: String, why: &'static str },
}

impl SshError {
    pub(super) fn transport(address: &str, source: russh::Error) -> Self {
        Self::Transport { address: address.to_owned(), source }
    }

    pub(super) fn local(path: &Path, source: io::Error) -> Self {
        Self::Local { path: path.to_owned(), source }
    }

    /// Whether no amount of waiting will make it better.
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::HostKeyChanged { .. }
                | Self::HostKeyRefused { .. }
                | Self::KnownHosts { .. }
                | Self::Key { .. }
                | Self::NoKey
        )
    }

    /// What the user can do about it.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::HostKeyChanged { known_hosts, .. } => format!(
                "if the machine was installed anew, remove `{}`; if not, somebody may be \
                 pretending to be it",
                known_hosts.display()
            ),
            Self::HostKeyRefused { .. } => {
                "if the host was installed anew, `ssh-keygen -R HOST` forgets its old key; if not, \
                 somebody may be pretending to be it"
                    .to_owned()
            }
            Self::Denied { user, .. } => format!(
                "is `{user}` the right user, and is the key in its `authorized_keys`? \
                 `ssh-copy-id` puts it there"
            ),
            Self::NoKey => "install OpenSSH, whose `ssh` also asks the agent".to_owned(),
            Self::Key { source: russh::keys::Error::KeyIsEncrypted, .. } => {
                "install OpenSSH, whose `ssh` asks for the key's passphrase".to_owned()
            }
            _ => return Vec::new(),
        };
        vec![hint]
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect { .. }
            | Self::Lost { .. }
            | Self::Transport {
                source: russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP,
                ..
            } => ErrorKind::NotRunning,
            Self::TimedOut { .. } => ErrorKind::Timeout,
            _ => ErrorKind::Other,
        }
    }
}

/// Who was not let in.
fn who(user: &str, key: &Path) -> String {
    let user = if user.is_empty() { "this user".to_owned() } else { format!("`{user}`") };
    match key.as_os_str().is_empty() {
        true => format!("{user} in with the agent's and the default keys"),
        false => format!("{user} in with the key `{}`", key.display()),
    }
}

impl From<SshError> for machine_driver::Error {
    fn from(error: SshError) -> Self {
        let hints = error.hints();
        let wrapped = Self::new(error.kind(), error.to_string());
        let wrapped = match error {
            SshError::Connect { source, .. }
            | SshError::KnownHosts { source, .. }
            | SshError::Stream { source }
            | SshError::Local { source, .. } => wrapped.caused_by(source),
            SshError::Transport { source, .. } => wrapped.caused_by(source),
            SshError::Key { source, .. } => wrapped.caused_by(source),
            SshError::Remote { source, .. } => wrapped.caused_by(source),
            SshError::HostKeyRefused { said, .. } => wrapped.caused_by(said),
            SshError::Failed { said, .. } if !said.is_empty() => wrapped.caused_by(said),
            _ => wrapped,
        };
        hints.into_iter().fold(wrapped, Self::hint)
    }
}
