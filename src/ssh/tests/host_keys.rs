//! Whom we talk to.

use std::fs;

use machine_driver::keys;

use super::super::{SshError, connect, pin};
use super::server::Server;
use super::{PATIENCE, target, user_key};

#[tokio::test]
async fn the_first_contact_pins_and_another_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let user = user_key(dir.path());
    let (ours, other) = (keys::generate("").unwrap(), keys::generate("").unwrap());
    let real = Server::start(&[&ours], &user.public).await;
    connect(&target(dir.path(), real.port, "docker"), dir.path(), PATIENCE).await.unwrap();
    let known_hosts = dir.path().join("known_hosts");
    let pinned = fs::read_to_string(&known_hosts).unwrap();
    assert_eq!(pinned.trim_end(), format!("machine {}", ours.public.trim_end()));

    let moved = Server::start(&[&ours], &user.public).await;
    connect(&target(dir.path(), moved.port, "docker"), dir.path(), PATIENCE).await.unwrap();

    let false_one = Server::start(&[&other], &user.public).await;
    let false_target = target(dir.path(), false_one.port, "docker");
    let error = connect(&false_target, dir.path(), PATIENCE).await.err().unwrap();
    assert!(matches!(error, SshError::HostKeyChanged { .. }), "{error:?}");
    assert!(error.hints()[0].contains(known_hosts.to_str().unwrap()), "{:?}", error.hints());
    assert_eq!(fs::read_to_string(&known_hosts).unwrap(), pinned);
    assert_eq!(*false_one.algorithm.lock().unwrap(), "", "our key was shown to a stranger");
}

#[tokio::test]
async fn a_key_that_was_pinned_before_the_first_boot_counts() {
    let dir = tempfile::tempdir().unwrap();
    let user = user_key(dir.path());
    let (ours, other) = (keys::generate("").unwrap(), keys::generate("").unwrap());
    pin(dir.path(), &ours.public).unwrap();
    let real = Server::start(&[&ours], &user.public).await;
    connect(&target(dir.path(), real.port, "docker"), dir.path(), PATIENCE).await.unwrap();
    let false_one = Server::start(&[&other], &user.public).await;
    let false_target = target(dir.path(), false_one.port, "docker");
    assert!(connect(&false_target, dir.path(), PATIENCE).await.is_err());
}
