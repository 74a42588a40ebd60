//! An SSH server in the test process.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use machine_driver::keys::KeyPair;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, Session, VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, ChannelMsg, Disconnect, Sig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// A running server; it ends with the test's runtime.
pub(super) struct Server {
    pub(super) port: u16,
    /// How many clients are connected.
    pub(super) clients: Arc<AtomicUsize>,
    /// The algorithm of the last login, for example `rsa-sha2-512`.
    pub(super) algorithm: Arc<Mutex<String>>,
}

impl Server {
    /// Listens on a port of its own, shows `host_keys`, and lets in who has `authorized`.
    pub(super) async fn start(host_keys: &[&KeyPair], authorized: &str) -> Self {
        let keys = host_keys.iter().map(|pair| PrivateKey::from_openssh(&pair.private).unwrap());
        Self::with_keys(keys.collect(), authorized).await
    }

    pub(super) async fn with_keys(keys: Vec<PrivateKey>, authorized: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, keys, authorized)
    }

    pub(super) fn on(listener: TcpListener, keys: Vec<PrivateKey>, authorized: &str) -> Self {
        let config =
            Config { keys, auth_rejection_time: std::time::Duration::ZERO, ..Config::default() };
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            clients: Arc::default(),
            algorithm: Arc::default(),
        };
        let client = Client {
            authorized: PublicKey::from_openssh(authorized).unwrap(),
            algorithm: Arc::clone(&server.algorithm),
            channels: HashMap::new(),
        };
        let (config, clients) = (Arc::new(config), Arc::clone(&server.clients));
        tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let (config, client) = (Arc::clone(&config), client.copy());
                let clients = Arc::clone(&clients);
                tokio::spawn(async move {
                    clients.fetch_add(1, Ordering::SeqCst);
                    if let Ok(session) = run_stream(config, stream, client).await {
                        session.await.ok();
                    }
                    clients.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }
}

struct Client {
    authorized: PublicKey,
    algorithm: Arc<Mutex<String>>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl Client {
    fn copy(&self) -> Self {
        Self {
            authorized: self.authorized.clone(),
            algorithm: Arc::clone(&self.algorithm),
            channels: HashMap::new(),
        }
    }
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        *self.algorithm.lock().unwrap() = key.algorithm.to_string();
        if key.public_key.key_data() == self.authorized.key_data() {
            return Ok(Auth::Accept);
        }
        Ok(Auth::reject())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let port = u16::try_from(port).unwrap();
        let Ok(mut there) = TcpStream::connect((host, port)).await else { return Ok(()) };
        reply.accept().await;
        tokio::spawn(async move {
            let mut here = channel.into_stream();
            tokio::io::copy_bidirectional(&mut here, &mut there).await.ok();
        });
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let command = String::from_utf8(command.to_vec()).unwrap();
        if command == "refuse" {
            return session.channel_failure(id);
        }
        session.channel_success(id)?;
        let channel = self.channels.remove(&id).unwrap();
        tokio::spawn(run(channel, command, session.handle()));
        Ok(())
    }
}

/// Runs a command as sshd does. `drop` ends the connection without a word of the command.
async fn run(channel: Channel<Msg>, command: String, session: Handle) {
    if command == "drop" {
        session.disconnect(Disconnect::ByApplication, String::new(), String::new()).await.ok();
        return;
    }
    let id = channel.id();
    let (mut reader, writer) = channel.split();
    let mut child = Command::new("/bin/sh")
        .args(["-c", &command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // What the command does not read yet must not keep this server from hearing its client.
    let (queue, mut queued) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(message) = reader.wait().await {
            match message {
                ChannelMsg::Data { data } => drop(queue.send(data)),
                ChannelMsg::Eof => break,
                _ => {}
            }
        }
    });
    tokio::spawn(async move {
        while let Some(data) = queued.recv().await {
            stdin.write_all(&data).await.ok();
        }
    });
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let pass_stdout = async { writer.data(&mut stdout).await.ok() };
    let pass_stderr = async {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).await.unwrap();
        writer.extended_data_bytes(1, said).await.ok()
    };
    tokio::join!(pass_stdout, pass_stderr);
    if let Some(code) = child.wait().await.unwrap().code() {
        writer.exit_status(u32::try_from(code).unwrap()).await.ok();
    } else {
        let empty = String::new;
        session.exit_signal_request(id, Sig::TERM, false, empty(), empty()).await.ok();
    }
    writer.eof().await.ok();
    writer.close().await.ok();
}
