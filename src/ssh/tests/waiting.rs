//! Connections that fail, and waiting for one that does not.

use std::error::Error as _;
use std::time::Duration;

use machine_driver::{Error, ErrorKind, keys};
use russh::keys::PrivateKey;
use tokio::net::TcpListener;

use super::super::{connect, pin, wait_ready};
use super::server::Server;
use super::{PATIENCE, target, user_key};

#[tokio::test]
async fn a_refused_connection_is_kept_as_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    user_key(dir.path());
    let port = free_port().await;
    let target = target(dir.path(), port, "docker");
    let error = Error::from(connect(&target, dir.path(), PATIENCE).await.err().unwrap());
    assert_eq!(error.kind(), ErrorKind::NotRunning);
    assert!(error.source().unwrap().to_string().contains("refused"), "{error:?}");
    let waited = wait_ready(&target, dir.path(), Duration::from_millis(300)).await;
    let waited = waited.err().unwrap();
    assert_eq!(waited.kind(), ErrorKind::Timeout);
    let reason = waited.source().unwrap();
    assert_eq!(reason.to_string(), error.to_string());
    assert!(reason.source().unwrap().to_string().contains("refused"));
}

#[tokio::test]
async fn a_port_that_accepts_and_says_nothing_is_a_timeout() {
    let dir = tempfile::tempdir().unwrap();
    user_key(dir.path());
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = target(dir.path(), silent.local_addr().unwrap().port(), "docker");
    let short = Duration::from_millis(200);
    let error = Error::from(connect(&target, dir.path(), short).await.err().unwrap());
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_port_that_accepts_and_hangs_up_is_not_running() {
    let dir = tempfile::tempdir().unwrap();
    user_key(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = target(dir.path(), listener.local_addr().unwrap().port(), "docker");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = Error::from(connect(&target, dir.path(), PATIENCE).await.err().unwrap());
    assert_eq!(error.kind(), ErrorKind::NotRunning, "{error:?}");
}

#[tokio::test]
async fn a_server_that_comes_late_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let user = user_key(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = target(dir.path(), listener.local_addr().unwrap().port(), "docker");
    let host_key = PrivateKey::from_openssh(keys::generate("").unwrap().private).unwrap();
    let boot = async {
        // The first callers meet what a guest that boots does: an end without a word.
        for _ in 0..3 {
            drop(listener.accept().await.unwrap());
        }
        Server::on(listener, vec![host_key], &user.public)
    };
    let (session, _server) = tokio::join!(wait_ready(&target, dir.path(), PATIENCE), boot);
    session.unwrap().check("true").await.unwrap();
}

#[tokio::test]
async fn what_waiting_cannot_mend_ends_the_wait() {
    let dir = tempfile::tempdir().unwrap();
    let user = user_key(dir.path());
    pin(dir.path(), &keys::generate("").unwrap().public).unwrap();
    let server = Server::start(&[&keys::generate("").unwrap()], &user.public).await;
    let target = target(dir.path(), server.port, "docker");
    let error = wait_ready(&target, dir.path(), Duration::from_secs(3600)).await.err().unwrap();
    assert!(error.to_string().starts_with("gave up waiting"), "{error}");
    assert!(!error.hints().is_empty());
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
