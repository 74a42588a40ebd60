//! The vendor's description of its interface stands between the driver and the fake: a wrong
//! request and a wrong answer both fail.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::super::prism::Prism;
use super::super::server::Server;
use super::fake::DigitalOcean;
use super::subject_at;
use crate::lab::{Lab, run};

#[test]
fn the_vendors_description_agrees_with_every_call_and_every_answer() {
    let lab = Lab::new();
    let server = Server::start(DigitalOcean::new());
    let prism = Prism::before("digitalocean", &server.url(), &lab, |it| Command::new(it));
    let Some(prism) = prism else { return };
    server.fake(|fake| fake.page = 1);
    let subject = subject_at(&server, &prism.url);
    let ttl = ["--ttl", "1h", "--digitalocean-tags", "a, b"];
    let more =
        ["--digitalocean-private-networking", "--digitalocean-ipv6", "--digitalocean-backups"];
    let made = run(subject.create(&lab).args(ttl).args(more));
    assert!(made.stderr.contains("the step `ssh` failed"), "{}\n{}", made.stderr, prism.said());
    let second = run(subject
        .machine(&lab)
        .args(["create", "-d", "digitalocean", "--digitalocean-ssh-port", "9", "m2"])
        .env("MACHINE_PUBLIC_ADDRESS", "198.51.100.1"));
    assert!(second.stderr.contains("the step `ssh` failed"), "{}\n{}", second.stderr, prism.said());
    for args in [&["stop", "m1"][..], &["gc", "--dry-run"], &["rm", "-y", "m1", "m2"]] {
        let ran = run(subject.machine(&lab).args(args));
        assert_eq!(ran.code, Some(0), "{args:?}: {}\n{}", ran.stderr, prism.said());
    }
    assert_eq!(server.left(), [""; 0]);
    assert!(!prism.said().contains("VIOLATIONS"), "{}", prism.said());

    // It does find what is wrong: an answer without what the description demands, and a request.
    server.fake(|fake| {
        fake.droplets.insert(7, serde_json::json!({ "id": 7, "tags": ["machine-store:x"] }))
    });
    let broken = run(subject
        .machine(&lab)
        .args(["gc", "-d", "digitalocean", "--dry-run"])
        .env("MACHINE_STORAGE_PATH", broken_store(&lab)));
    assert_eq!(broken.code, Some(1), "{}", broken.stdout);
    assert!(prism.said().contains("VIOLATIONS"), "{}", prism.said());
}

/// A store whose mark is on the droplet that no real one could be.
fn broken_store(lab: &Lab) -> PathBuf {
    let store = lab.path().join("broken");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("store-id"), "x\n").unwrap();
    store
}
