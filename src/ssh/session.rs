use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use machine_driver::SshTarget;
use russh::Disconnect;
use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use tokio::net::TcpStream;

use super::{SshError, host_key, key};

/// A connection to a machine, as its user. Any number of commands may run on it at once.
///
/// A peer that falls silent is noticed within a minute; what runs then ends with
/// [`SshError::Lost`]. Apart from that nothing here has a deadline but [`connect`]: how long a
/// command may take is for the caller to say. Dropping a session closes it.
pub struct Session {
    pub(super) handle: Handle<Gate>,
    pub(super) address: String,
    pub(super) user: String,
}

/// Connects, checks the host key against the one that is pinned in the machine's directory, or
/// pins it there, and logs in with the target's key. All that takes `deadline` at the most.
pub async fn connect(
    target: &SshTarget,
    machine_dir: &Path,
    deadline: Duration,
) -> Result<Session, SshError> {
    connect_if_greeted(target, machine_dir, deadline, deadline).await
}

/// As [`connect`], but gives up early on a port behind which nobody says a word: a forwarded port
/// accepts connections long before the guest listens. Whoever greets within `greeting` has the
/// whole `deadline`, which a guest without acceleration needs for its arithmetic.
pub(super) async fn connect_if_greeted(
    target: &SshTarget,
    machine_dir: &Path,
    greeting: Duration,
    deadline: Duration,
) -> Result<Session, SshError> {
    let address = address(target);
    let known_hosts = host_key::file(machine_dir);
    match tokio::time::timeout(deadline, open(target, &known_hosts, &address, greeting)).await {
        Ok(session) => session,
        Err(_elapsed) => Err(SshError::TimedOut { address, after: deadline }),
    }
}

/// Pins the host key of a machine that has none pinned yet, by logging in once. OpenSSH needs
/// this before it can copy between two machines; see [`super::external::scp_argv`]. The key of a
/// host without a key of ours is in the user's own `known_hosts`.
pub async fn learn_host_key(
    target: &SshTarget,
    machine_dir: &Path,
    deadline: Duration,
) -> Result<(), SshError> {
    let has_key = !target.key.as_os_str().is_empty();
    if has_key && !host_key::is_pinned(&host_key::file(machine_dir)) {
        connect(target, machine_dir, deadline).await?.close().await;
    }
    Ok(())
}

impl Session {
    /// Says goodbye, where dropping the session would only hang up.
    pub async fn close(self) {
        self.handle.disconnect(Disconnect::ByApplication, "", "").await.ok();
    }
}

async fn open(
    target: &SshTarget,
    known_hosts: &Path,
    address: &str,
    greeting: Duration,
) -> Result<Session, SshError> {
    // The key first: without it there is nothing to wait for.
    let secret = key::load(&target.key)?;
    let config = config(&host_key::read(known_hosts)?);
    let cannot_connect = |source| SshError::Connect { address: address.to_owned(), source };
    let stream = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(cannot_connect)?;
    match tokio::time::timeout(greeting, stream.peek(&mut [0])).await {
        Ok(greeted) => greeted.map(drop).map_err(cannot_connect)?,
        Err(_elapsed) => {
            return Err(SshError::TimedOut { address: address.to_owned(), after: greeting });
        }
    }
    let gate = Gate { address: address.to_owned(), known_hosts: known_hosts.to_owned() };
    let mut handle =
        connect_stream(Arc::new(config), stream, gate).await.map_err(|error| match error {
            GateError::Refused(error) => error,
            GateError::Transport(source) => SshError::transport(address, source),
        })?;
    key::authenticate(&mut handle, target, address, secret).await?;
    Ok(Session { handle, address: address.to_owned(), user: target.user.clone() })
}

fn config(known_hosts: &str) -> Config {
    let mut config = Config {
        keepalive_interval: Some(Duration::from_secs(15)),
        keepalive_max: 3,
        ..Config::default()
    };
    let pinned = host_key::algorithms(known_hosts);
    if !pinned.is_empty() {
        let mut algorithms = config.preferred.key.to_vec();
        // RSA keys go by several names, of which the file has only the first.
        algorithms.sort_by_key(|algorithm| {
            !pinned
                .iter()
                .any(|pinned| pinned == algorithm || (is_rsa(pinned) && is_rsa(algorithm)))
        });
        config.preferred.key = Cow::Owned(algorithms);
    }
    config
}

fn is_rsa(algorithm: &Algorithm) -> bool {
    matches!(algorithm, Algorithm::Rsa { .. })
}

pub(super) fn address(target: &SshTarget) -> String {
    let SshTarget { host, port, .. } = target;
    if *port == 0 {
        return host.clone();
    }
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Looks at the host key while the connection is made.
pub(super) struct Gate {
    address: String,
    known_hosts: PathBuf,
}

/// Why a connection was not made; russh wants to add errors of its own.
#[derive(Debug)]
pub(super) enum GateError {
    Refused(SshError),
    Transport(russh::Error),
}

impl From<russh::Error> for GateError {
    fn from(error: russh::Error) -> Self {
        Self::Transport(error)
    }
}

impl Handler for Gate {
    type Error = GateError;

    async fn check_server_key(
        &mut self,
        server_key: &PublicKeyOrCertificate,
    ) -> Result<bool, GateError> {
        host_key::admit(&self.known_hosts, &self.address, &server_key.public_key())
            .map(|()| true)
            .map_err(GateError::Refused)
    }
}
