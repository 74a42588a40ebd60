//! Rows of `docs/compatibility.md`, "Defects that are mended", that no other test is about.

use std::fs;

use crate::lab::Lab;

#[test]
fn a_good_client_certificate_is_made_anew_when_it_is_asked_for() {
    let lab = Lab::new();
    lab.ok(["create", "-d", "none", "--url", "tcp://127.0.0.1:1", "n1"]);
    let certs = lab.store().join("certs");
    let read = |name: &str| fs::read(certs.join(name)).unwrap();
    let before = (read("cert.pem"), read("key.pem"), read("ca.pem"));
    // The host itself has no certificate of ours.
    let run = lab.run(["regenerate-certs", "-f", "--client-certs", "n1"]);
    assert!(run.stdout.contains("Creating client certificate: "), "{}", run.stdout);
    assert_ne!((read("cert.pem"), read("key.pem")), (before.0, before.1));
    assert_eq!(read("ca.pem"), before.2, "the authority stays");
}

#[test]
fn a_failure_of_one_machine_is_no_failure_of_the_others() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["good"]).code, Some(0));
    assert_eq!(lab.fake(&["--fake-fail", "stop", "bad"]).code, Some(0));
    let run = lab.run(["stop", "bad", "good"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("error: bad: step `stop` was told to fail"), "{}", run.stderr);
    assert_eq!(lab.ok(["status", "good"]), "Stopped\n");
    assert_eq!(lab.ok(["status", "bad"]), "Running\n");
}

#[test]
#[cfg(unix)]
fn what_holds_secrets_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::new();
    assert_eq!(lab.fake(&["m"]).code, Some(0));
    for (path, mode) in [
        ("machines", 0o700),
        ("machines/m", 0o700),
        ("machines/m/config.json", 0o600),
        ("machines/m/id_rsa", 0o600),
        ("machines/m/key.pem", 0o600),
        ("certs", 0o700),
        ("certs/ca-key.pem", 0o600),
        ("certs/key.pem", 0o600),
    ] {
        let found = fs::metadata(lab.store().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{path}: {found:o}");
    }
}
