//! Clouds with a TLS of their own: an authority that nobody else knows, and users who prove
//! themselves by a certificate.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use machine::tls::{Authority, Issued};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::server::Server;
use super::fake::OpenStack;
use super::subject_at;
use crate::lab::{Lab, Run, run};

/// Ends the TLS of whoever comes, and hands what they say on to a fake.
struct Front {
    runtime: tokio::runtime::Runtime,
    url: String,
}

impl Front {
    /// With a certificate of `authority`. Whoever comes needs one of `users`, if there are such.
    fn before(upstream: &str, authority: &Authority, users: Option<&Authority>) -> Self {
        let now = time::OffsetDateTime::now_utc();
        let issued = authority.issue_server("cloud", &["127.0.0.1".to_owned()], now).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config(&issued, users)));
        let upstream: SocketAddr = upstream.strip_prefix("http://").unwrap().parse().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Who is not let in hears it from the acceptor.
                    let mut outside = acceptor.accept(stream).await.ok()?;
                    let mut inside = TcpStream::connect(upstream).await.ok()?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok()
                });
            }
        });
        Self { runtime, url }
    }

    fn end(self) {
        self.runtime.shutdown_background();
    }
}

fn config(issued: &Issued, users: Option<&Authority>) -> ServerConfig {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&ring))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match users {
        None => builder.with_no_client_auth(),
        Some(users) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(users.pem().as_bytes()).unwrap()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), ring).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    builder.with_single_cert(vec![certificate], key).unwrap()
}

fn authority(name: &str) -> Authority {
    Authority::create(name, time::OffsetDateTime::now_utc()).unwrap()
}

fn file(lab: &Lab, name: &str, text: &str) -> PathBuf {
    let path = lab.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// A machine is made as far as there is a cloud, and removed with what the record says alone.
fn lives(server: &Server<OpenStack>, url: &str, lab: &Lab, variables: &[(&str, &Path)]) {
    let made = create(server, url, lab, variables);
    assert!(made.stderr.contains("the step `ssh` failed"), "{variables:?}: {}", made.stderr);
    let mut remove = subject_at(server, url).machine(lab);
    let removed = run(remove.args(["rm", "-y", "m1"]));
    assert_eq!(removed.code, Some(0), "{variables:?}: {}", removed.stderr);
    assert_eq!(server.left(), [""; 0]);
}

fn create(server: &Server<OpenStack>, url: &str, lab: &Lab, more: &[(&str, &Path)]) -> Run {
    let mut command = subject_at(server, url).create(lab);
    run(command.envs(more.iter().copied()))
}

#[test]
fn an_authority_of_the_clouds_own() {
    let (lab, server, cloud) = (Lab::new(), Server::start(OpenStack::new()), authority("cloud"));
    let front = Front::before(&server.url(), &cloud, None);
    let other = file(&lab, "other.pem", authority("other").pem());
    for variables in [&[][..], &[("OS_CACERT", other.as_path())]] {
        let refused = create(&server, &front.url, &lab, variables);
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        for expected in ["no TLS connection to Keystone", "UnknownIssuer", "export OS_CACERT="] {
            assert!(refused.stderr.contains(expected), "{}", refused.stderr);
        }
    }
    assert_eq!(server.take_calls(), [""; 0], "nothing was said to a stranger");
    let own = file(&lab, "cloud.pem", cloud.pem());
    lives(&server, &front.url, &lab, &[("OS_CACERT", &own)]);
    lives(&server, &front.url, &lab, &[("OS_INSECURE", Path::new("true"))]);
    front.end();
}

#[test]
fn users_who_need_a_certificate() {
    let (lab, server, cloud) = (Lab::new(), Server::start(OpenStack::new()), authority("cloud"));
    let users = authority("users");
    let front = Front::before(&server.url(), &cloud, Some(&users));
    let now = time::OffsetDateTime::now_utc();
    let own = file(&lab, "cloud.pem", cloud.pem());
    let of = |authority: &Authority, name: &str| {
        let Issued { certificate, key } = authority.issue_client("me", now).unwrap();
        (file(&lab, &format!("{name}.crt"), &certificate), file(&lab, &format!("{name}.key"), &key))
    };
    let ((certificate, key), (foreign, its_key)) = (of(&users, "mine"), of(&cloud, "foreign"));
    let refused = [
        vec![("OS_CACERT", own.as_path())],
        vec![("OS_CACERT", &own), ("OS_CERT", &foreign), ("OS_KEY", &its_key)],
    ];
    for variables in refused {
        let refused = create(&server, &front.url, &lab, &variables);
        assert_eq!(refused.code, Some(3), "{}", refused.stderr);
        assert!(refused.stderr.contains("export OS_CERT="), "{}", refused.stderr);
    }
    let mixed = [("OS_CACERT", own.as_path()), ("OS_CERT", &certificate), ("OS_KEY", &its_key)];
    let refused = create(&server, &front.url, &lab, &mixed);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert_eq!(server.take_calls(), [""; 0]);

    lives(
        &server,
        &front.url,
        &lab,
        &[("OS_CACERT", &own), ("OS_CERT", &certificate), ("OS_KEY", &key)],
    );
    // Both in one file, which an entry of clouds.yaml names.
    let text = [&certificate, &key].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    let both = file(&lab, "both.pem", &text);
    let text = format!(
        "clouds:\n  lab:\n    cacert: {}\n    cert: {}\n    auth: {{auth_url: '{}', username: lab, \
         password: {}, project_name: lab}}\n",
        own.display(),
        both.display(),
        front.url,
        super::PASSWORD,
    );
    let clouds = file(&lab, "clouds.yaml", &text);
    lives(
        &server,
        &front.url,
        &lab,
        &[("OS_CLOUD", Path::new("lab")), ("OS_CLIENT_CONFIG_FILE", &clouds)],
    );
    front.end();
}
