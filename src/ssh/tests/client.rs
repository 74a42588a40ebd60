//! Commands, input and output, files and forwards.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use machine_driver::keys;
use russh::keys::{Algorithm, PrivateKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::{ExitStatus, Session, SshError, connect};
use super::server::Server;
use super::{PATIENCE, private, target, user_key};

/// A server and a session with it, as `root`, which needs no `sudo`.
async fn session() -> (tempfile::TempDir, Server, Session) {
    let dir = tempfile::tempdir().unwrap();
    let user = user_key(dir.path());
    let server = Server::start(&[&keys::generate("host").unwrap()], &user.public).await;
    let target = target(dir.path(), server.port, "root");
    let session = connect(&target, dir.path(), PATIENCE).await.unwrap();
    (dir, server, session)
}

#[tokio::test]
async fn streams_and_status_are_kept_apart() {
    let (_dir, _server, session) = session().await;
    let output = session.run("echo out; echo err >&2; exit 42").await.unwrap();
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    assert_eq!((&output.status, output.status.code()), (&ExitStatus::Code(42), 42));
    assert_eq!(session.check("printf %s \"$0\"").await.unwrap(), "/bin/sh");
    let error = session.check("echo no such thing >&2; exit 3").await.unwrap_err();
    let error = machine_driver::Error::from(error);
    assert!(error.to_string().ends_with("exited with 3 on the machine"), "{error}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no such thing");
}

#[tokio::test]
async fn megabytes_pass_both_ways_at_once() {
    let (_dir, _server, session) = session().await;
    let big = "0123456789abcdef".repeat(512 * 1024);
    let output = session.run_with_input("cat", big.as_bytes()).await.unwrap();
    assert!(output.stdout == big, "{} of {} bytes", output.stdout.len(), big.len());
    // A command that does not read its input is not wrong.
    let output = session.run_with_input("exit 7", big.as_bytes()).await.unwrap();
    assert_eq!(output.status, ExitStatus::Code(7));
}

#[tokio::test]
async fn commands_share_a_session() {
    let (_dir, _server, session) = session().await;
    let commands = ["exit 1", "exit 2", "exit 3"];
    let outputs = commands.map(|command| session.run(command));
    for (output, code) in futures_util::future::join_all(outputs).await.into_iter().zip(1..) {
        assert_eq!(output.unwrap().status, ExitStatus::Code(code));
    }
}

#[tokio::test]
async fn an_end_without_status_is_not_success() {
    let (_dir, _server, session) = session().await;
    let killed = session.run("kill -TERM $$").await.unwrap();
    assert_eq!((&killed.status, killed.status.code()), (&ExitStatus::Signal("TERM".into()), 255));
    assert!(matches!(session.run("refuse").await, Err(SshError::Refused { .. })));
    let lost = session.run("drop").await.unwrap_err();
    assert!(matches!(lost, SshError::Lost { .. }), "{lost:?}");
}

#[tokio::test]
async fn a_dropped_session_hangs_up() {
    let (_dir, server, session) = session().await;
    assert_eq!(server.clients.load(Ordering::SeqCst), 1);
    drop(session);
    while server.clients.load(Ordering::SeqCst) != 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_uploaded_file_is_whole_or_not_there() {
    let (dir, _server, session) = session().await;
    let path = dir.path().join("it's a key.pem");
    let name = path.to_str().unwrap();
    session.upload(name, b"first", 0o644).await.unwrap();
    session.upload(name, &[0, 159, 146, 150], 0o600).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0, 159, 146, 150]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let nowhere = dir.path().join("nowhere/file");
    assert!(session.upload(nowhere.to_str().unwrap(), b"x", 0o600).await.is_err());
    let files = fs::read_dir(dir.path()).unwrap().count();
    // Half of what was promised, as from a connection that breaks.
    let script = super::super::quoted(super::super::upload::SCRIPT);
    let half = format!("sh -c {script} {} 600 9", super::super::quoted(name));
    let output = session.run_with_input(&half, b"half").await.unwrap();
    assert_ne!(output.status, ExitStatus::Code(0));
    assert_eq!(fs::read(&path).unwrap(), [0, 159, 146, 150]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), files);
}

#[tokio::test]
async fn a_forward_leads_through_the_machine() {
    let (_dir, _server, session) = session().await;
    let there = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there_port = there.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = there.accept().await {
            let mut word = [0; 4];
            stream.read_exact(&mut word).await.unwrap();
            word.reverse();
            stream.write_all(&word).await.unwrap();
        }
    });
    let here = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here_address = here.local_addr().unwrap();
    let ask = async {
        let mut stream = TcpStream::connect(here_address).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    };
    tokio::select! {
        ended = session.forward(here, "127.0.0.1", there_port) => panic!("{ended:?}"),
        answer = ask => assert_eq!(&answer, b"gnip"),
    }
}

#[tokio::test]
async fn a_key_that_is_not_known_is_turned_away() {
    let (dir, server, _session) = session().await;
    user_key(dir.path());
    let target = target(dir.path(), server.port, "docker");
    let error = connect(&target, dir.path(), PATIENCE).await.err().unwrap();
    assert!(matches!(error, SshError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("`docker`"), "{error}");
}

#[tokio::test]
async fn old_rsa_keys_sign_with_sha2() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("id_rsa");
    let made = Command::new("openssl")
        .args(["genrsa", "-traditional", "-out"])
        .args([path.as_os_str(), "2048".as_ref()])
        .output();
    let Ok(_) = made else { return };
    private(&path);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN RSA PRIVATE KEY-----"), "{text}");
    let public = russh::keys::load_secret_key(&path, None).unwrap().public_key().clone();
    let host = keys::generate("host").unwrap();
    let server = Server::start(&[&host], &public.to_openssh().unwrap()).await;
    let target = target(dir.path(), server.port, "docker");
    connect(&target, dir.path(), PATIENCE).await.unwrap();
    assert_eq!(*server.algorithm.lock().unwrap(), "rsa-sha2-512");
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_named() {
    let (dir, server, _session) = session().await;
    let mut target = target(dir.path(), server.port, "docker");
    target.key = dir.path().join("nothing");
    let missing = connect(&target, dir.path(), PATIENCE).await.err().unwrap();
    assert!(missing.to_string().contains("nothing"), "{missing}");
    target.key = "".into();
    let none = connect(&target, dir.path(), PATIENCE).await.err().unwrap();
    assert!(matches!(none, SshError::NoKey) && !none.hints().is_empty());
}

/// A pinned key of one kind is asked for before a preferred one that is not pinned.
#[tokio::test]
async fn the_pinned_kind_of_key_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let user = user_key(dir.path());
    let random =
        |algorithm| PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).unwrap();
    let curve = russh::keys::EcdsaCurve::NistP256;
    let pinned = random(Algorithm::Ecdsa { curve });
    super::super::pin(dir.path(), &pinned.public_key().to_openssh().unwrap()).unwrap();
    let host_keys = vec![random(Algorithm::Ed25519), pinned];
    let server = Server::with_keys(host_keys, &user.public).await;
    let target = target(dir.path(), server.port, "docker");
    connect(&target, dir.path(), PATIENCE).await.unwrap();
}
