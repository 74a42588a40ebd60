//! The bootstrap: what it makes, mends, renews and leaves alone.

use std::fs;
use std::process::Command;

use time::Duration;

use super::super::{Authority, CertPaths, Certificate, Event, Renewal, TlsError, ensure};
use super::{names, now, store};

fn words(events: &[Event]) -> Vec<&'static str> {
    let word = |event: &Event| match event {
        Event::AuthorityOutdated => "CA outdated",
        Event::AuthorityCreated(_) => "CA",
        Event::ClientOutdated => "client outdated",
        Event::ClientCreated(_) => "client",
    };
    events.iter().map(word).collect()
}

#[test]
fn the_second_call_has_nothing_to_do_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let paths = CertPaths::in_dir(&dir.path().join("certs"));
    let events = ensure(&paths, "ada", now()).unwrap();
    assert_eq!(words(&events), ["CA", "client"]);
    assert_eq!(events[0].to_string(), format!("Creating CA: {}", paths.ca_cert.display()));
    fs::remove_file(dir.path().join("certs/.lock")).unwrap();
    assert_eq!(ensure(&paths, "ada", now()).unwrap(), []);
    assert_eq!(fs::read_dir(dir.path().join("certs")).unwrap().count(), 4);
}

#[test]
#[cfg(unix)]
fn only_the_owner_can_read_keys() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (paths, _) = store(&dir.path().join("certs"));
    let copies = paths.copy_into(&dir.path().join("lab1")).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([&paths.ca_key, &paths.client_key, &copies.key].map(mode), [0o600; 3]);
    assert_eq!([&paths.ca_cert, &paths.client_cert, &copies.ca].map(mode), [0o644; 3]);
    assert_eq!(mode(&dir.path().join("certs")), 0o700);
}

#[test]
fn many_threads_make_one_authority() {
    let dir = tempfile::tempdir().unwrap();
    let paths = CertPaths::in_dir(dir.path());
    let made: Vec<Event> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| ensure(&paths, "ada", now()).unwrap())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(words(&made), ["CA", "client"]);
    assert_eq!(ensure(&paths, "ada", now()).unwrap(), []);
}

/// Runs this very test again in eight processes, which the variable tells what to do.
#[test]
fn many_processes_make_one_authority() {
    const DIR: &str = "MACHINE_TEST_CERTS";
    if let Some(dir) = std::env::var_os(DIR) {
        ensure(&CertPaths::in_dir(dir.as_ref()), "ada", now()).unwrap();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (_crate, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::many_processes_make_one_authority");
    let run = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--quiet"])
            .env(DIR, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..8).map(|_| run()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(ensure(&CertPaths::in_dir(dir.path()), "ada", now()).unwrap(), []);
}

#[test]
fn a_key_without_its_certificate_is_what_a_crash_leaves_and_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, authority) = store(dir.path());
    let server = authority.issue_server("ada.lab1", &names(&["lab1"]), now()).unwrap();
    let key = fs::read(&paths.ca_key).unwrap();
    fs::remove_file(&paths.ca_cert).unwrap();
    fs::remove_file(&paths.client_cert).unwrap();
    assert_eq!(words(&ensure(&paths, "ada", now()).unwrap()), ["CA", "client"]);
    assert_eq!(fs::read(&paths.ca_key).unwrap(), key);
    let again = Authority::load(&paths).unwrap();
    let server = Certificate::parse(&server.certificate).unwrap();
    assert_eq!(server.renewal(again.certificate(), &names(&["lab1"]), now()), None);
}

#[test]
fn renewal_keeps_the_key_so_that_machines_stay_good() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, authority) = store(dir.path());
    let later = now() + Duration::days(1070);
    let server = authority.issue_server("ada.lab1", &names(&["lab1"]), now()).unwrap();
    let server = Certificate::parse(&server.certificate).unwrap();
    let events = ensure(&paths, "ada", later).unwrap();
    assert_eq!(words(&events), ["CA outdated", "CA", "client outdated", "client"]);
    let renewed = Authority::load(&paths).unwrap();
    assert!(renewed.certificate().expires() > later + Duration::days(1000));
    assert!(server.is_signed_by(renewed.certificate()));
    assert_eq!(server.renewal(renewed.certificate(), &[], later), Some(Renewal::ExpiresSoon));
    // Without a renewed authority there would be nothing to win.
    assert_eq!(server.renewal(authority.certificate(), &[], later), None);
    assert_eq!(ensure(&paths, "ada", later).unwrap(), []);
}

#[test]
fn a_client_certificate_of_another_authority_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, _) = store(dir.path());
    let other = Authority::create("ada", now()).unwrap();
    let foreign = other.issue_client("ada.<bootstrap>", now()).unwrap();
    foreign.write(&paths.client_cert, &paths.client_key).unwrap();
    assert_eq!(words(&ensure(&paths, "ada", now()).unwrap()), ["client outdated", "client"]);
    // But not one that nobody but the user can have put there.
    let users_own = other.issue_client("Ada Lovelace", now()).unwrap();
    users_own.write(&paths.client_cert, &paths.client_key).unwrap();
    assert_eq!(ensure(&paths, "ada", now()).unwrap(), []);
}

#[test]
fn a_client_key_and_certificate_of_different_pairs_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, authority) = store(dir.path());
    let other = authority.issue_client("ada.<bootstrap>", now()).unwrap();
    fs::write(&paths.client_key, other.key).unwrap();
    assert_eq!(words(&ensure(&paths, "ada", now()).unwrap()), ["client"]);
}

#[test]
fn what_cannot_be_mended_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, _) = store(dir.path());
    let other = Authority::create("eve", now()).unwrap().to_issued();
    fs::write(&paths.ca_key, &other.key).unwrap();
    let error = ensure(&paths, "ada", now()).unwrap_err();
    assert!(matches!(error, TlsError::Mismatch { .. }) && !error.hints().is_empty(), "{error}");
    fs::remove_file(&paths.ca_key).unwrap();
    let error = ensure(&paths, "ada", now()).unwrap_err();
    assert!(matches!(error, TlsError::KeyMissing { .. }) && !error.hints().is_empty(), "{error}");
    fs::write(&paths.ca_key, "rubbish").unwrap();
    let error = ensure(&paths, "ada", now()).unwrap_err();
    assert!(error.to_string().contains("ca-key.pem"), "{error}");
    assert!(!error.hints().is_empty());
}

#[test]
fn a_server_certificate_is_made_again_for_a_new_name_only() {
    let dir = tempfile::tempdir().unwrap();
    let (_, authority) = store(dir.path());
    let issue = |list: &[&str]| authority.issue_server("ada.lab1", &names(list), now());
    let server = issue(&["127.0.0.1", "Lab1", "fd00::1", "127.0.0.1", "*.lab"]).unwrap();
    let server = Certificate::parse(&server.certificate).unwrap();
    assert_eq!(server.names(), names(&["Lab1", "*.lab", "127.0.0.1", "fd00::1"]));
    let renewal = |list: &[&str]| server.renewal(authority.certificate(), &names(list), now());
    assert_eq!(renewal(&["lab1", "fd00:0::1"]), None);
    assert_eq!(renewal(&["lab1", "10.0.0.9"]), Some(Renewal::Unnamed(names(&["10.0.0.9"]))));
    assert!(server.expires() <= authority.certificate().expires());
    for wrong in ["two words", "", "a..b", "ümlaut"] {
        assert!(matches!(issue(&[wrong]), Err(TlsError::Name { .. })), "{wrong}");
    }
}
