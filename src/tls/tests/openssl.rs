//! What OpenSSL, another implementation, says of our certificates, and we of its keys. Without
//! the program on `PATH` these tests do nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use time::Duration;

use super::super::{Authority, CertPaths, Certificate, ensure};
use super::{names, now, store};

/// Runs `openssl` and returns what it printed on both streams. `None` without it.
fn openssl(dir: &Path, args: &str) -> Option<(bool, String)> {
    let run = Command::new("openssl").args(args.split(' ')).current_dir(dir).output();
    let output = match run {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{error}"),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((output.status.success(), text(&output.stdout) + &text(&output.stderr)))
}

/// The same where it must succeed.
fn must(dir: &Path, args: &str) -> Option<String> {
    let (succeeded, said) = openssl(dir, args)?;
    assert!(succeeded, "openssl {args}: {said}");
    Some(said)
}

fn issue_server(authority: &Authority, dir: &Path) {
    authority
        .issue_server("ada.lab1", &names(&["10.1.2.3", "lab1", "localhost"]), now())
        .unwrap()
        .write(&dir.join("server.pem"), &dir.join("server-key.pem"))
        .unwrap();
}

#[test]
fn our_certificates_stand_up_to_a_strict_check() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (_, authority) = store(dir);
    issue_server(&authority, dir);
    let verify = "verify -x509_strict -CAfile ca.pem -purpose";
    if must(dir, &format!("{verify} sslserver -verify_ip 10.1.2.3 server.pem")).is_none() {
        return;
    }
    must(dir, &format!("{verify} sslserver -verify_hostname lab1 server.pem"));
    must(dir, &format!("{verify} sslclient cert.pem"));
    for wrong in
        ["sslserver -verify_ip 10.1.2.4 server.pem", "sslclient server.pem", "sslserver cert.pem"]
    {
        let (succeeded, said) = openssl(dir, &format!("{verify} {wrong}")).unwrap();
        assert!(!succeeded, "{wrong}: {said}");
    }
}

#[test]
fn contents_are_docker_machines() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (_, authority) = store(dir);
    issue_server(&authority, dir);
    for (file, expected) in [
        (
            "ca.pem",
            &[
                "Subject: O = ada\n",
                "Issuer: O = ada\n",
                "Digital Signature, Key Encipherment, Key Agreement, Certificate Sign\n",
                "CA:TRUE",
                "NIST CURVE: P-256",
            ][..],
        ),
        (
            "cert.pem",
            &[
                "Subject: O = ada.<bootstrap>\n",
                "Issuer: O = ada\n",
                "TLS Web Client Authentication\n",
                "Key Usage: critical\n                Digital Signature\n",
                "Basic Constraints: critical\n                CA:FALSE",
            ],
        ),
        (
            "server.pem",
            &[
                "Subject: O = ada.lab1\n",
                "DNS:lab1, DNS:localhost, IP Address:10.1.2.3\n",
                "TLS Web Server Authentication\n",
                "Digital Signature, Key Encipherment, Key Agreement\n",
            ],
        ),
    ] {
        let show = format!("x509 -noout -text -nameopt space_eq,utf8 -in {file}");
        let Some(text) = must(dir, &show) else { return };
        let text = text.replace("O=", "O = ").replace("O =  ", "O = ");
        for part in expected {
            assert!(text.contains(part), "{file} lacks `{part}`:\n{text}");
        }
    }
}

#[test]
fn an_rsa_authority_of_docker_machine_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    if must(dir, "genrsa -traditional -out ca-key.pem 2048").is_none() {
        return;
    }
    let old = fs::read_to_string(dir.join("ca-key.pem")).unwrap();
    assert!(old.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    must(
        dir,
        "req -x509 -new -key ca-key.pem -subj /O=ada -days 20 -out ca.pem \
         -addext keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement,keyCertSign",
    );
    let paths = CertPaths::in_dir(dir);
    // It has 20 days left: it is renewed at once, with the same key in the same file.
    assert_eq!(ensure(&paths, "somebody else", now()).unwrap().len(), 3);
    assert_eq!(fs::read_to_string(&paths.ca_key).unwrap(), old);
    let authority = Authority::load(&paths).unwrap();
    assert!(authority.certificate().expires() > now() + Duration::days(1000));
    issue_server(&authority, dir);
    must(dir, "verify -x509_strict -CAfile ca.pem -purpose sslserver server.pem");
    must(dir, "verify -x509_strict -CAfile ca.pem -purpose sslclient cert.pem");
}

#[test]
fn what_an_authority_signed_outlives_its_renewal() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    if must(dir, "ecparam -name prime256v1 -genkey -noout -out ca-key.pem").is_none() {
        return;
    }
    let key = fs::read_to_string(dir.join("ca-key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN EC PRIVATE KEY-----"));
    must(dir, "req -x509 -new -key ca-key.pem -subj /O=ada -days 20 -out ca.pem");
    let paths = CertPaths::in_dir(dir);
    let old = Authority::load(&paths).unwrap();
    fs::copy(&paths.ca_cert, dir.join("old.pem")).unwrap();
    issue_server(&old, dir);
    ensure(&paths, "ada", now()).unwrap();
    must(dir, "verify -CAfile ca.pem -purpose sslserver server.pem");
    must(dir, "verify -CAfile old.pem -purpose sslclient cert.pem");
    let client = Certificate::parse(&fs::read_to_string(&paths.client_cert).unwrap()).unwrap();
    assert!(client.is_signed_by(old.certificate()));
}
