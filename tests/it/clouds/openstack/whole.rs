//! A whole machine: the server is a real Debian in a network namespace, which lets in the key
//! that the driver uploaded, and nobody else does.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::{has_an_engine, server::Server};
use super::fake::OpenStack;
use super::subject;
use crate::hosts::{Base, Host, in_network, machine};
use crate::lab::{Lab, run};

#[test]
fn a_server_becomes_a_machine_and_leaves_nothing() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    let server = Server::start_in("mt-client", OpenStack::new());
    server.fake(|fake| fake.addresses = vec![host.address.clone()]);
    let in_cloud = |args: &[&str]| {
        let mut command = machine(&lab);
        let subject = subject(&server);
        command
            .envs(subject.variables)
            .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
            .env("MACHINE_PUBLIC_ADDRESS", "10.98.0.1")
            .env("OS_SSH_PORT", "22")
            .args(args);
        command
    };
    let create = in_cloud(&["create", "-d", "openstack", "--engine-label", "a=b", "m1"]);
    let made = std::thread::scope(|scope| {
        let made = scope.spawn(|| run(&mut { create }));
        // What cloud-init does with the key of a new server.
        while !made.is_finished() && server.fake(|fake| fake.servers.is_empty()) {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let key = server.fake(|fake| {
            fake.keypairs.values().next().map(|key| key["public_key"].as_str().unwrap().to_owned())
        });
        host.says(&format!("echo '{}' >>~/.ssh/authorized_keys", key.unwrap_or_default()));
        made.join().unwrap()
    });
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    for line in
        ["(m1) Creating machine...", "Provisioning with debian...", "Docker is up and running!"]
    {
        assert!(made.stdout.contains(line), "{}", made.stdout);
    }
    assert_eq!(host.says("hostname"), "m1\n");

    let listed = run(&mut in_cloud(&["ls", "--format", "{{.State}} {{.DockerVersion}} {{.URL}}"]));
    let expected = format!("Running v20.10.24+dfsg1 tcp://{}:2376\n", host.address);
    assert_eq!(listed.stdout, expected, "{}", listed.stderr);
    has_an_engine(in_network("bash"), &lab, "openstack");
    // `env` and `ssh` need no password.
    let ssh = run(in_cloud(&["ssh", "m1", "hostname"]).env_remove("OS_PASSWORD"));
    assert_eq!(ssh.stdout, "m1\n", "{}", ssh.stderr);

    let removed = run(&mut in_cloud(&["rm", "-y", "m1"]));
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(server.left(), [""; 0]);
    assert!(lab.machine_files().is_empty());
    let mode = fs::metadata(lab.store()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
