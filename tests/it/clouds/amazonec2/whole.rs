//! A whole machine: the instance is a real Debian in a network namespace, which lets in the key
//! that the driver imported.

use super::super::server::Server;
use super::moto::Moto;
use super::subject;
use crate::hosts::{Base, Host, machine};
use crate::lab::{Lab, run};

#[test]
fn an_instance_becomes_a_machine_and_leaves_nothing() {
    if crate::lab::in_a_hurry() {
        return;
    }
    let Some(mut moto) = Moto::start() else { return };
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    moto.address.clone_from(&host.address);
    let lab = Lab::new();
    // moto itself stays where it is: only what stands before it is in the namespace.
    let server = Server::start_in("mt-client", moto);
    let in_cloud = |args: &[&str]| {
        let mut command = machine(&lab);
        command
            .envs(subject(&server).variables)
            .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
            .env("MACHINE_PUBLIC_ADDRESS", "10.98.0.1")
            .args(args);
        command
    };
    let create = in_cloud(&["create", "-d", "amazonec2", "--amazonec2-ssh-user", "root", "m1"]);
    let made = std::thread::scope(|scope| {
        let made = scope.spawn(|| run(&mut { create }));
        while !made.is_finished() && server.fake(|moto| moto.instances().is_empty()) {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        // What EC2 does with the key pair of a new instance.
        let key = std::fs::read_to_string(lab.store().join("machines/m1/id_rsa.pub"));
        host.says(&format!("echo '{}' >>~/.ssh/authorized_keys", key.unwrap_or_default().trim()));
        made.join().unwrap()
    });
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    assert!(made.stdout.contains("(m1) Launching instance..."), "{}", made.stdout);
    assert_eq!(host.says("hostname"), "m1\n");
    let listed = run(&mut in_cloud(&["ls", "--format", "{{.State}} {{.URL}}"]));
    assert_eq!(
        listed.stdout,
        format!("Running tcp://{}:2376\n", host.address),
        "{}",
        listed.stderr
    );
    let removed = run(&mut in_cloud(&["rm", "-y", "m1"]));
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(server.left(), [""; 0]);
    assert_eq!(server.fake(|moto| moto.faults.clone()), [""; 0]);
}
