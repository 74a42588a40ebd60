use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Session, SshError};

impl Session {
    /// Leads each connection to `listener` through the machine to `host:port` as seen from there:
    /// `ssh -L`. Goes on until it is dropped, or until the connection to the machine is lost. A
    /// port on which nothing listens there costs only the one who asked for it.
    pub async fn forward(
        &self,
        listener: TcpListener,
        host: &str,
        port: u16,
    ) -> Result<(), SshError> {
        let mut connections = JoinSet::new();
        loop {
            let (mut local, peer) =
                listener.accept().await.map_err(|source| SshError::Stream { source })?;
            while connections.try_join_next().is_some() {}
            let opened = self.handle.channel_open_direct_tcpip(
                host,
                port.into(),
                peer.ip().to_string(),
                peer.port().into(),
            );
            match opened.await {
                Ok(channel) => {
                    let mut remote = channel.into_stream();
                    connections.spawn(async move {
                        copy_bidirectional(&mut local, &mut remote).await.ok();
                    });
                }
                Err(_) if self.handle.is_closed() => {
                    return Err(SshError::Lost { address: self.address.clone() });
                }
                Err(error) => refuse(local, &error),
            }
        }
    }
}

/// The client sees its connection close, which is all that TCP can say.
fn refuse(local: TcpStream, error: &russh::Error) {
    tracing::debug!(%error, "forward refused");
    drop(local);
}
