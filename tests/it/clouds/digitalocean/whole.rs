//! A whole machine: the droplet is a real Debian in a network namespace, which lets in the key
//! that the driver uploaded, and nobody else does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::super::{has_an_engine, server::Server};
use super::fake::DigitalOcean;
use super::subject;
use crate::hosts::{Base, Host, in_network, machine};
use crate::lab::{Lab, run};

#[test]
fn a_droplet_becomes_a_machine_and_leaves_nothing() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    let server = Server::start_in("mt-client", DigitalOcean::new());
    server.fake(|fake| fake.addresses = vec![host.address.clone()]);
    let in_cloud = |args: &[&str]| {
        let mut command = machine(&lab);
        let subject = subject(&server);
        command
            .envs(subject.variables)
            .env("MACHINE_CACHE_PATH", lab.path().join("cache"))
            .env("MACHINE_PUBLIC_ADDRESS", "10.98.0.1")
            .args(args);
        command
    };
    let create =
        in_cloud(&["create", "-d", "digitalocean", "--engine-label", "a=b", "--ttl", "2h", "m1"]);
    let made = std::thread::scope(|scope| {
        let made = scope.spawn(|| run(&mut { create }));
        // What DigitalOcean does with the keys of a new droplet.
        while !made.is_finished() && server.fake(|fake| fake.droplets.is_empty()) {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let key = server.fake(|fake| {
            fake.keys.values().next().map(|key| key["public_key"].as_str().unwrap().to_owned())
        });
        host.says(&format!("echo '{}' >>~/.ssh/authorized_keys", key.unwrap_or_default()));
        made.join().unwrap()
    });
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    for line in [
        "(m1) Creating Digital Ocean droplet...",
        "Provisioning with debian...",
        "Docker is up and running!",
    ] {
        assert!(made.stdout.contains(line), "{}", made.stdout);
    }
    assert_eq!(host.says("hostname"), "m1\n");

    let listed = run(&mut in_cloud(&["ls", "--format", "{{.State}} {{.DockerVersion}} {{.URL}}"]));
    let expected = format!("Running v20.10.24+dfsg1 tcp://{}:2376\n", host.address);
    assert_eq!(listed.stdout, expected, "{}", listed.stderr);
    let private = run(&mut in_cloud(&["ip", "--private", "m1"]));
    assert_eq!(private.stdout, "10.128.0.2\n", "{}", private.stderr);
    has_an_engine(in_network("bash"), &lab, "digitalocean");
    for (word, status) in [("restart", "active"), ("stop", "off"), ("start", "active")] {
        let done = run(&mut in_cloud(&[word, "m1"]));
        assert_eq!(done.code, Some(0), "{word}: {}{}", done.stdout, done.stderr);
        let droplet = server.fake(|fake| fake.droplets.values().next().unwrap().clone());
        assert_eq!(droplet["status"], status, "{word}");
    }
    // `env` and `ssh` need no token.
    let ssh = run(in_cloud(&["ssh", "m1", "hostname"]).env_remove("DIGITALOCEAN_ACCESS_TOKEN"));
    assert_eq!(ssh.stdout, "m1\n", "{}", ssh.stderr);

    // What cloud-init would have run there keeps the time, over a restart of the service too.
    let user_data = server.fake(|fake| fake.user_data[0].clone());
    host.says(&format!(
        "cat >/root/user-data <<'END-OF-USER-DATA'\n{user_data}END-OF-USER-DATA\nsh /root/user-data"
    ));
    host.says("systemctl is-active machine-ttl && pgrep -f 'sleep 7[0-9][0-9][0-9]'");

    let removed = run(&mut in_cloud(&["rm", "-y", "m1"]));
    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    assert_eq!(server.left(), [""; 0]);
    assert!(lab.machine_files().is_empty());
    let unit = "/etc/systemd/system/machine-ttl.service";
    host.says(&format!("sed -i 's/(( [0-9]* -/(( 1000 -/' {unit} && systemctl daemon-reload"));
    host.ssh("systemctl restart --no-block machine-ttl");
    let end = Instant::now() + Duration::from_secs(60);
    while host.ssh("true").code == Some(0) {
        assert!(Instant::now() < end, "its time was up, and it went on");
        std::thread::sleep(Duration::from_millis(300));
    }
    let mode = fs::metadata(lab.store()).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}
