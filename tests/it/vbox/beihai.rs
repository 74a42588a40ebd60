//! The example that this project was asked for, from the firmware through the boot loader, over AHCI and
//! e1000, to an Engine at an address of its own; and what becomes of that machine.

use std::fs;

use super::host::{Host, Namespace};
use crate::lab::{cache, run};
use crate::releases::{Releases, iso, sha256};

/// What `docker-machine create --driver virtualbox beihai` says, each line when it happens. The
/// address is that of GitHub without encryption: a proxy answers.
const SAID: &str = "\
Running pre-create checks...
(beihai) Default Boot2Docker ISO is out-of-date, downloading the latest release...
(beihai) Latest release for github.com/boot2docker/boot2docker is v18.09.4
(beihai) Downloading STORE/cache/boot2docker.iso from http://github.com/boot2docker/boot2docker/releases/download/v18.09.4/boot2docker.iso...
(beihai) 0%....10%....20%....30%....40%....50%....60%....70%....80%....90%....100%
Creating machine...
(beihai) Copying STORE/cache/boot2docker.iso to STORE/machines/beihai/boot2docker.iso...
(beihai) Creating VirtualBox VM...
(beihai) Creating SSH key...
(beihai) Starting the VM...
(beihai) Check network to re-create if needed...
(beihai) Waiting for an IP...
Waiting for machine to be running, this may take a few minutes...
Detecting operating system of created instance...
Waiting for SSH to be available...
Detecting the provisioner...
Provisioning with boot2docker...
Copying certs to the local machine directory...
Copying certs to the remote machine...
Setting Docker configuration on the remote daemon...
Checking connection to Docker...
Docker is up and running!
To see how to connect your Docker Client to the Docker Engine running on this virtual machine, run: docker-machine env beihai
";

/// Our image as the release `tag` of boot2docker: under its label (ECMA-119, section 8.4.7).
fn release(host: &Host, tag: &str) -> Vec<u8> {
    let version = crate::vm::image_version(&host.lab);
    let mut iso = fs::read(cache().join("images").join(version).join("machine.iso")).unwrap();
    iso[0x8028..0x8048].copy_from_slice(format!("{:32}", format!("b2d-{tag}")).as_bytes());
    iso
}

#[test]
fn beihai() {
    if crate::lab::in_a_hurry() || crate::vm::skipped() {
        return;
    }
    let Some(network) = Namespace::new() else { return };
    let mut host = Host::new();
    let (old, new) = (iso("v18.09.3"), release(&host, "v18.09.4"));
    let server = Releases::on(network.listen());
    host.network = Some(network);
    host.variables = vec![
        ("HTTP_PROXY", format!("http://{}", server.host())),
        (
            "MACHINE_BOOT2DOCKER_RELEASES",
            "http://api.github.com/repos/boot2docker/boot2docker/releases".to_owned(),
        ),
        ("MACHINE_CACHE_PATH", host.lab.path().join("cache").display().to_string()),
        // It is provisioned over SSH, which a busy computer without hardware acceleration makes slow.
        ("MACHINE_BOOT_TIMEOUT", "1800".to_owned()),
        ("STANDIN_NETWORK", "real".to_owned()),
    ];
    // Somebody has used this store before: there are an authority, and an image of an earlier release.
    host.ok(&["create", "-d", "none", "--url", "tcp://127.0.0.1:1", "first"]);
    host.ok(&["rm", "-y", "first"]);
    let cached = host.lab.store().join("cache/boot2docker.iso");
    fs::create_dir_all(cached.parent().unwrap()).unwrap();
    fs::write(&cached, old).unwrap();
    server.publish("v18.09.4", new.clone());

    let created =
        run(host.program("docker-machine").args(["create", "--driver", "virtualbox", "beihai"]));
    assert_eq!(created.code, Some(0), "{}{}", created.stdout, created.stderr);
    let store = host.lab.store().display().to_string();
    assert_eq!(created.stdout, SAID.replace("STORE", &store), "{}", created.stderr);
    assert_eq!(created.stderr, "");
    let calls = host.calls();
    assert!(calls.len() <= 25, "{} calls: {calls:#?}", calls.len());

    // Each phase has happened.
    assert_eq!(server.downloads(), [0], "it was downloaded once");
    let own = host.lab.store().join("machines/beihai/boot2docker.iso");
    for path in [cached, own] {
        assert_eq!(sha256(&fs::read(path).unwrap()), sha256(&new));
    }
    assert_eq!(host.has(), (vec!["beihai".to_owned()], vec!["vboxnet0".to_owned()]));
    assert_eq!(host.ok(&["ssh", "beihai", "hostname"]), "beihai\n");
    let hello = "eval \"$(docker-machine env --shell bash beihai)\"
        mkdir -p /tmp/$$/bin && cp \"$(command -v busybox)\" /tmp/$$/bin/
        tar -C /tmp/$$ -c bin | docker import - bb >/dev/null
        rm -r /tmp/$$
        docker run --rm bb /bin/busybox echo hello";
    assert_eq!(host.shell(hello), "hello\n");

    host.calls();
    assert_eq!(host.ok(&["ip", "beihai"]), "192.168.59.100\n");
    assert_eq!(host.ok(&["url", "beihai"]), "tcp://192.168.59.100:2376\n");
    assert_eq!(host.calls().len(), 0, "what is on record costs no call");
    assert_eq!(host.ok(&["status", "beihai"]), "Running\n");
    assert!(host.calls().len() <= 2);
    let listed = host.ok(&["ls"]);
    assert!(listed.contains("Running") && listed.contains("tcp://192.168.59.100:2376"), "{listed}");
    assert_eq!(host.calls().len(), 1);

    another_address(&host);
    another_image(&host, &server);
    host.ok(&["rm", "-y", "beihai"]);
    host.has_nothing();
}

/// The network gives it another address: the certificate follows by itself.
fn another_address(host: &Host) {
    host.ok(&["stop", "beihai"]);
    let path = host.home().join("host.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("192.168.59.100\"\n", "192.168.59.107\"\n")).unwrap();
    let started = host.ok(&["start", "beihai"]);
    assert!(started.contains("does not name 192.168.59.107"), "{started}");
    assert_eq!(host.ok(&["ip", "beihai"]), "192.168.59.107\n");
    assert!(host.ok(&["ls"]).contains("tcp://192.168.59.107:2376"));
    assert_eq!(host.has().1, ["vboxnet0"], "the interface was used again");
}

/// There is a newer release: `upgrade` fetches it and boots it. What is on the disk stays.
fn another_image(host: &Host, server: &Releases) {
    let newer = release(host, "v18.09.5");
    server.publish("v18.09.5", newer.clone());
    let upgraded = run(host.program("docker-machine").args(["upgrade", "beihai"]));
    assert_eq!(upgraded.code, Some(0), "{}{}", upgraded.stdout, upgraded.stderr);
    for line in [
        "Default Boot2Docker ISO is out-of-date, downloading the latest release...\n",
        "\nLatest release for github.com/boot2docker/boot2docker is v18.09.5\n",
        "Upgrading docker...\nStopping machine to do the upgrade...\nUpgrading machine \"beihai\"...\n",
    ] {
        assert!(upgraded.stdout.contains(line), "no `{line}` in {}", upgraded.stdout);
    }
    let own = host.lab.store().join("machines/beihai/boot2docker.iso");
    assert_eq!(sha256(&fs::read(own).unwrap()), sha256(&newer));
    assert_eq!(host.record("beihai")["ImageVersion"], "v18.09.5");
    let again = "eval \"$(docker-machine env --shell bash beihai)\"
        docker run --rm bb /bin/busybox echo hello again";
    assert_eq!(host.shell(again), "hello again\n");
    let nothing = run(host.program("docker-machine").args(["upgrade", "beihai"]));
    assert!(nothing.stdout.contains("has the image v18.09.5 already"), "{}", nothing.stdout);
    assert_eq!(server.downloads(), [0, 0]);
}
