//! A local socket that leads to the Docker Engine of a machine.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::local::relay;
use super::{ExitStatus, LocalListener, Session, SshError};

/// Where every Engine listens.
const DOCKER_SOCK: &str = "/var/run/docker.sock";

/// How the Engine's socket is reached from the user that is logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dial {
    /// The SSH server opens it.
    Socket,
    /// Only root may: `docker system dial-stdio`, as docker itself does over SSH.
    Sudo,
}

impl Session {
    /// Finds out how the Engine can be reached.
    pub async fn dial(&self) -> Result<Dial, SshError> {
        let output =
            self.run(&format!("[ -w {DOCKER_SOCK} ] || sudo -n true && echo sudo")).await?;
        let dial = if output.stdout.contains("sudo") && self.user != "root" {
            Dial::Sudo
        } else {
            Dial::Socket
        };
        if output.status != ExitStatus::Code(0) && dial == Dial::Sudo {
            return Err(SshError::Refused {
                address: self.address.clone(),
                what: "the Engine's socket",
            });
        }
        Ok(dial)
    }

    /// Leads each connection to `listener` to the Engine. Goes on until it is dropped, or until
    /// the connection to the machine is lost.
    pub async fn forward_docker(
        &self,
        listener: &LocalListener,
        dial: Dial,
    ) -> Result<(), SshError> {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.closed() => {
                    return Err(SshError::Lost { address: self.address.clone() });
                }
            };
            let local = accepted.map_err(|source| SshError::Stream { source })?;
            while connections.try_join_next().is_some() {}
            match self.open_docker(dial).await {
                Ok(remote) => {
                    connections.spawn(async move {
                        if let Err(error) = relay(local, remote).await {
                            tracing::debug!(%error, "a client's connection broke");
                        }
                    });
                }
                Err(_) if self.handle.is_closed() => {
                    return Err(SshError::Lost { address: self.address.clone() });
                }
                // The client sees its connection close.
                Err(error) => tracing::debug!(%error, "forward refused"),
            }
        }
    }

    async fn open_docker(
        &self,
        dial: Dial,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, SshError> {
        let failed = |source| SshError::transport(&self.address, source);
        let channel = match dial {
            Dial::Socket => {
                self.handle.channel_open_direct_streamlocal(DOCKER_SOCK).await.map_err(failed)?
            }
            Dial::Sudo => {
                let channel = self.handle.channel_open_session().await.map_err(failed)?;
                let command = "sudo -n docker system dial-stdio";
                channel.exec(true, command).await.map_err(failed)?;
                channel
            }
        };
        Ok(channel.into_stream())
    }

    /// Resolves when the connection is gone; russh has no event for it.
    async fn closed(&self) {
        while !self.handle.is_closed() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
