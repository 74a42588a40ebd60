//! The Docker client against a TLS server in this process that asks for a client certificate.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, ErrorKind};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::super::docker::{Api, Client};
use super::super::{Authority, CertPaths, ClientPaths, Issued, ensure};
use super::{names, now, store};

const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a server that behaves as `serve` says, and returns its endpoint.
fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            stream.and_then(&serve).ok();
        }
    });
    endpoint
}

/// Speaks TLS with `server`'s certificate, trusts the clients of `authority`, and gives `answer`
/// to every request.
fn engine(authority: &Authority, server: &Issued, answer: &str) -> String {
    rustls::crypto::ring::default_provider().install_default().ok();
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(der(authority.pem())).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![der(&server.certificate)],
            PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap(),
        )
        .unwrap();
    let (config, answer) = (Arc::new(config), answer.to_owned());
    listen(move |tcp| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut tls = StreamOwned::new(connection, tcp);
        read_head(&mut tls)?;
        tls.write_all(answer.as_bytes())?;
        tls.conn.send_close_notify();
        tls.flush()
    })
}

fn read_head(stream: &mut impl Read) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(())
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nApi-Version: 1.50\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A client of an Engine that gives `answer` to every question; the certificates go to `dir`.
pub(crate) fn engine_that_says(dir: &Path, answer: &str) -> Client {
    let (_, authority) = store(dir);
    client(&engine(&authority, &server(&authority), &ok(answer)), dir)
}

fn server(authority: &Authority) -> Issued {
    authority.issue_server("ada.lab1", &names(&["127.0.0.1"]), now()).unwrap()
}

fn client(endpoint: &str, dir: &Path) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::new(endpoint, &ClientPaths::in_dir(dir)).unwrap()
}

fn cause(error: &Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn both_sides_trust_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (_, authority) = store(dir.path());
    let answer = ok(r#"{"Version":"28.2.2","ApiVersion":"1.50"}"#);
    let client = client(&engine(&authority, &server(&authority), &answer), dir.path());
    assert_eq!(client.ping(PATIENCE).await.unwrap(), Some(Api(1, 50)));
    assert_eq!(client.version(PATIENCE).await.unwrap(), "28.2.2");
}

/// Go's TLS is pickier than ours in places, and it is what people use.
#[test]
fn the_docker_command_accepts_our_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let (_, authority) = store(dir.path());
    let answer = ok(r#"{"Version":"28.2.2","ApiVersion":"1.44","MinAPIVersion":"1.24"}"#);
    let endpoint = engine(&authority, &server(&authority), &answer);
    let run = Command::new("docker")
        .args(["--tlsverify", "-H", &endpoint, "version", "--format", "{{.Server.Version}}"])
        .env("DOCKER_CERT_PATH", dir.path())
        .env("DOCKER_CONFIG", dir.path())
        .env_remove("DOCKER_CONTEXT")
        .output();
    let Ok(output) = run else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "28.2.2", "{said}");
}

#[tokio::test]
async fn a_client_of_another_authority_is_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, authority) = store(dir.path());
    let other = Authority::create("eve", now()).unwrap();
    other
        .issue_client("eve.<bootstrap>", now())
        .unwrap()
        .write(&paths.client_cert, &paths.client_key)
        .unwrap();
    let client = client(&engine(&authority, &server(&authority), &ok("OK")), dir.path());
    let error = client.ping(PATIENCE).await.unwrap_err();
    assert!(error.to_string().contains("does not accept the client certificate"), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Other);
}

#[tokio::test]
async fn a_server_that_is_not_ours_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let (_, authority) = store(dir.path());
    let other = Authority::create("eve", now()).unwrap();
    let elsewhere = authority.issue_server("ada.lab1", &names(&["10.9.9.9"]), now()).unwrap();
    for (wrong, words) in [
        (server(&other), "has a certificate that is not accepted"),
        (elsewhere, "does not name that address"),
    ] {
        let client = client(&engine(&authority, &wrong, &ok("OK")), dir.path());
        let error = client.ping(PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:?}");
        assert!(cause(&error).contains("certificate"), "{error:?}");
        assert!(error.hints()[0].contains("machine regenerate-certs NAME"), "{error:?}");
    }
}

#[tokio::test]
async fn certificates_outside_their_time_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let paths = CertPaths::in_dir(dir.path());
    // Valid from 600 days ago until in 480.
    ensure(&paths, "ada", now() - Duration::from_hours(600 * 24)).unwrap();
    let authority = Authority::load(&paths).unwrap();
    let long_ago = now() - Duration::from_hours(1100 * 24);
    let issue = |at| authority.issue_server("ada.lab1", &names(&["127.0.0.1"]), at).unwrap();
    for (wrong, words, hint) in [
        (issue(long_ago), "has expired", "machine regenerate-certs NAME"),
        (issue(now() + Duration::from_hours(72)), "is not valid yet", "`date`"),
    ] {
        let client = client(&engine(&authority, &wrong, &ok("OK")), dir.path());
        let error = client.ping(PATIENCE).await.unwrap_err();
        assert!(error.to_string().starts_with("the certificate of `127.0.0.1:"), "{error:?}");
        assert!(error.to_string().ends_with(words), "{error:?}");
        assert!(error.hints()[0].contains(hint), "{error:?}");
    }
    let outdated = authority.issue_client("ada", long_ago).unwrap();
    outdated.write(&paths.client_cert, &paths.client_key).unwrap();
    let client = client(&engine(&authority, &server(&authority), &ok("OK")), dir.path());
    let error = client.ping(PATIENCE).await.unwrap_err();
    assert!(error.to_string().ends_with("the client certificate, which has expired"), "{error:?}");
    assert!(error.hints()[0].contains("--client-certs"), "{error:?}");
}

#[tokio::test]
async fn a_guest_that_boots_is_told_from_one_that_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (_, authority) = store(dir.path());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closes = listen(|_| Ok(()));
    let closes_late = listen(|mut tcp| tcp.read(&mut [0; 64]).map(drop));
    for (endpoint, words) in [
        (format!("tcp://{free}"), "nothing listens"),
        (closes, "closed the connection"),
        (closes_late, "closed the connection"),
    ] {
        let error = client(&endpoint, dir.path()).ping(PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::NotRunning);
        assert!(!cause(&error).is_empty());
    }
    let ssh = listen(|mut tcp| tcp.write_all(b"SSH-2.0-OpenSSH_10.0\r\n\r\n"));
    let broken = engine(&authority, &server(&authority), "HTTP/1.1 503 No\r\n\r\n");
    let other = engine(&authority, &server(&authority), &ok("<html>"));
    for (endpoint, words) in
        [(ssh, "does not speak TLS"), (broken, "status 503"), (other, "is not Docker")]
    {
        let error = client(&endpoint, dir.path()).version(PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Other);
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let silent = listen(move |_tcp| {
        held.recv().ok();
        Ok(())
    });
    let client = client(&silent, dir.path());
    let error = client.ping(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    drop(release);
}

#[test]
fn what_is_no_endpoint_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_, _) = store(dir.path());
    rustls::crypto::ring::default_provider().install_default().ok();
    for wrong in ["unix:///var/run/docker.sock", "tcp://", ""] {
        Client::new(wrong, &ClientPaths::in_dir(dir.path())).unwrap_err();
    }
    Client::new("tcp://127.0.0.1:1", &ClientPaths::in_dir(&dir.path().join("none"))).unwrap_err();
}
