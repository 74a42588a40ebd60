//! The vendor's description of its interface stands between the driver and the fake: a wrong request
//! and a wrong answer both fail.

use std::process::Command;

use super::super::prism::Prism;
use super::super::server::Server;
use super::fake::Hetzner;
use super::subject_at;
use crate::lab::{Lab, run};

#[test]
fn the_vendors_description_agrees_with_every_call_and_every_answer() {
    let lab = Lab::new();
    let server = Server::start(Hetzner::new());
    let upstream = format!("{}/v1", server.url());
    let Some(prism) = Prism::before("hetzner", &upstream, &lab, |it| Command::new(it)) else {
        return;
    };
    server.fake(|fake| fake.page = 1);
    let subject = subject_at(&server, &prism.url);
    let more = ["--hetzner-networks", "lab", "--hetzner-server-label", "a=b", "--ttl", "1h"];
    let made = run(subject.create(&lab).args(["--hetzner-server-location", "hel1"]).args(more));
    assert!(made.stderr.contains("the step `ssh` failed"), "{}\n{}", made.stderr, prism.said());
    let second = run(subject
        .machine(&lab)
        .args(["create", "-d", "hetzner", "--hetzner-ssh-port", "9", "--hetzner-image-id", "4242"])
        .args(["--hetzner-additional-key", "ssh-ed25519 AAAAmore you", "m2"])
        .env("MACHINE_PUBLIC_ADDRESS", "198.51.100.1"));
    assert!(second.stderr.contains("the step `ssh` failed"), "{}\n{}", second.stderr, prism.said());
    for args in [&["stop", "m1"][..], &["gc", "--dry-run"], &["rm", "-y", "m1", "m2"]] {
        let ran = run(subject.machine(&lab).args(args));
        assert_eq!(ran.code, Some(0), "{args:?}: {}\n{}", ran.stderr, prism.said());
    }
    assert_eq!(server.left(), [""; 0]);
    assert!(!prism.said().contains("VIOLATIONS"), "{}", prism.said());
}
