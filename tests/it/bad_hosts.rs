//! Hosts that are not as they should be: each has its own message and hint, and nothing is left.

use std::fs;
use std::process::Command;

use crate::hosts::{Base, Host, key, machine};
use crate::lab::{Lab, Run, run};

#[test]
fn what_is_wrong_before_is_said_before() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    let refused = |args: &[&str], message: &str, hint: &str| {
        let run = host.create(&lab, args);
        assert_eq!(run.code, Some(3), "{}{}", run.stdout, run.stderr);
        says(&run, message, hint);
        assert!(lab.machine_files().is_empty(), "something is left after: {message}");
    };
    refused(&["--generic-ssh-user", "plain", "m1"], "asks `plain` for a password", "NOPASSWD");
    refused(&["--generic-ssh-user", "nobody", "m1"], "does not let `nobody` in", "right user");
    refused(&["--generic-ssh-port", "2222", "m1"], "cannot connect", "may port 2222 be reached");

    host.says("mv /usr/bin/sudo /usr/bin/away");
    let plain = ["--generic-ssh-user", "plain", "m1"];
    refused(&plain, "is not root on", "--generic-ssh-user root");
    host.says("mv /usr/bin/away /usr/bin/sudo");

    let other = lab.path().join("other");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&other);
    assert!(keygen.status().unwrap().success());
    let with_key = |key: &str| {
        let mut command = machine(&lab);
        command.args(["create", "-d", "generic", "--generic-ip-address", &host.address]);
        run(command.args(["--generic-ssh-key", key, "m1"]))
    };
    says(
        &with_key(other.to_str().unwrap()),
        "does not let `root` in with the key",
        "authorized_keys",
    );
    says(&with_key(&format!("{}.pub", other.display())), "is a public key", "--generic-ssh-key");
    says(&with_key("/nowhere/id"), "SSH key does not exist: \"/nowhere/id\"", "--generic-ssh-key");
    let mut gone = machine(&lab);
    gone.args([
        "create",
        "-d",
        "generic",
        "--generic-ip-address",
        "10.98.0.2",
        "--generic-ssh-key",
    ]);
    let gone = run(gone.arg(key()).arg("m1").env("MACHINE_BOOT_TIMEOUT", "3"));
    says(&gone, "was not there after 3 s", "is `10.98.0.2` its address");

    // Each is put on the host, tried, and taken away again.
    let (date, release) = ("/usr/local/bin/date", "/etc/os-release");
    for (put, take, message, hint) in [
        (
            "cp -L /etc/os-release /tmp/os; rm /etc/os-release; printf 'ID=plan9\\nPRETTY_NAME=\"Plan 9\"\\n' >/etc/os-release".to_owned(),
            format!("cp /tmp/os {release}"),
            "the host runs Plan 9 (ID `plan9`)",
            "machine adopt NAME",
        ),
        (
            format!("printf '#!/bin/sh\\necho $(($(/usr/bin/date +%%s) - 172800))\\n' >{date}; chmod +x {date}"),
            format!("rm {date}"),
            "the host's clock is 48 hours behind",
            "timedatectl set-ntp true",
        ),
        (
            "echo '{\"tlscacert\": \"/srv/ca.pem\"}' >/etc/docker/daemon.json".to_owned(),
            "rm /etc/docker/daemon.json".to_owned(),
            "says tlscacert = \"/srv/ca.pem\"",
            "take that line out",
        ),
        (
            "echo '{' >/etc/docker/daemon.json".to_owned(),
            "rm /etc/docker/daemon.json".to_owned(),
            "`/etc/docker/daemon.json` on the host cannot be read",
            "mend the file",
        ),
    ] {
        host.says(&put);
        refused(&["m1"], message, hint);
        host.says(&take);
    }
    host.says("test ! -e /etc/docker/ca.pem && test ! -e /etc/systemd/system/docker.service.d");
}

#[test]
fn a_failure_on_the_way_leaves_the_host_as_it_was() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    host.run_container("keep");
    let before = host.container("keep");

    // No room for the certificates.
    host.says("mount -t tmpfs -o size=4k tmpfs /etc/docker; head -c 4096 /dev/zero >/etc/docker/full || true");
    let full = host.create(&lab, &["m1"]);
    says(&full, "cannot write /etc/docker/ca.pem on the host", "the host's disk is full");
    assert_eq!(host.says("ls /etc/docker"), "full\n", "half a file is left");
    host.says("umount /etc/docker");
    assert_eq!(run(machine(&lab).args(["rm", "-y", "m1"])).code, Some(0));

    // An option that the Engine does not know: it runs again as before.
    host.says("echo '{\"debug\": true}' >/etc/docker/daemon.json");
    let wrong = host.create(&lab, &["--engine-opt", "no-such-option", "m1"]);
    says(&wrong, "the Engine does not start on the host", "own configuration is back in place");
    assert!(wrong.stderr.contains("unknown flag: --no-such-option"), "{}", wrong.stderr);
    assert_eq!(host.says("cat /etc/docker/daemon.json"), "{\"debug\": true}\n");
    host.says("test ! -e /etc/systemd/system/docker.service.d/10-machine.conf");
    assert_eq!(host.container("keep"), before, "a container was lost");
    assert_eq!(run(machine(&lab).args(["rm", "-y", "m1"])).code, Some(0));

    // What is there is merged.
    host.says("echo '{\"debug\": true, \"labels\": [\"x=y\"]}' >/etc/docker/daemon.json");
    let made = host.create(&lab, &["--engine-label", "a=b", "m1"]);
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    let text = host.says("cat /etc/docker/daemon.json");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["labels"], serde_json::json!(["x=y", "a=b", "provider=generic"]));
    assert_eq!((&json["debug"], json.get("live-restore")), (&serde_json::json!(true), None));
    let labels = host.says("docker info -f '{{range .Labels}}{{println .}}{{end}}' | sort");
    assert_eq!(labels.trim(), "a=b\nprovider=generic\nx=y");
    assert_eq!(host.container("keep"), before, "a container was lost");

    // The host key is another one than before.
    host.says("rm /etc/ssh/ssh_host_*; ssh-keygen -A >/dev/null; systemctl restart ssh");
    let changed = run(machine(&lab).args(["provision", "m1"]));
    says(&changed, "has another host key than before", "known_hosts");
}

#[test]
fn a_broken_package_manager_and_a_full_disk_are_named() {
    let Some(host) = Host::boot(Base::Bare, |_| {}) else { return };
    let lab = Lab::new();
    host.says("mkdir -p /var/lib/docker; mount -t tmpfs -o size=50m tmpfs /var/lib/docker");
    let full = host.create(&lab, &["--engine-install", "package", "m1"]);
    says(&full, "MB of disk left, and installing Docker needs 300 MB", "make room there");
    host.says("umount /var/lib/docker");
    assert_eq!(run(machine(&lab).args(["rm", "-y", "m1"])).code, Some(0));

    host.says("touch /var/lib/dpkg/updates/0001");
    let broken = host.create(&lab, &["--engine-install", "package", "m1"]);
    says(&broken, "error installing docker", "dpkg --configure -a");
    host.says("rm /var/lib/dpkg/updates/0001");
    assert_eq!(run(machine(&lab).args(["rm", "-y", "m1"])).code, Some(0));

    host.says("mv /srv/repo /srv/away; echo 'deb file:/srv/repo ./' >/etc/apt/sources.list");
    let broken = host.create(&lab, &["--engine-install", "package", "m1"]);
    says(&broken, "cannot bring the host's package lists up to date", "sources.list");
    // `create` goes on where it stopped.
    host.says(
        "mv /srv/away /srv/repo; echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list",
    );
    let again = run(machine(&lab).args(["create", "m1"]));
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
}

#[test]
fn certificates_are_renewed_when_a_host_starts_again() {
    let Some(host) = Host::boot(Base::Docker, |_| {}) else { return };
    let lab = Lab::new();
    assert_eq!(host.create(&lab, &["m1"]).code, Some(0));
    let dir = lab.store().join("machines/m1");
    let inspect =
        |key: &str| lab.ok(["inspect", "-f", &format!("{{{{.Certificates.{key}}}}}"), "m1"]);
    assert!(inspect("DaysLeft").trim().parse::<i64>().unwrap() > 1000);
    assert!(!run(lab.command().args(["env", "m1"])).stderr.contains("warning"));

    lab.certify("m1", &host.address, None);
    let warned = run(lab.command().args(["env", "m1"]));
    assert!(
        warned.stderr.contains("the certificates of `m1` expire in 9 days"),
        "{}",
        warned.stderr
    );
    assert!(warned.stdout.contains("export DOCKER_HOST"), "{}", warned.stdout);

    let boot = host.says("cut -d' ' -f22 /proc/1/stat");
    let restarted = run(machine(&lab).args(["restart", "m1"]));
    assert_eq!(restarted.code, Some(0), "{}{}", restarted.stdout, restarted.stderr);
    assert!(restarted.stdout.contains("expires soon: renewing it..."), "{}", restarted.stdout);
    assert_ne!(host.says("cut -d' ' -f22 /proc/1/stat"), boot, "it did not restart");
    assert!(inspect("DaysLeft").trim().parse::<i64>().unwrap() > 1000);
    assert_eq!(run(machine(&lab).args(["version", "m1"])).stdout, "20.10.24+dfsg1\n");

    if lab.certify("m1", &host.address, Some("-2y")) {
        let pem = fs::read_to_string(dir.join("server.pem")).unwrap();
        let put =
            format!("printf '%s' '{pem}' >/etc/docker/server.pem && systemctl restart docker");
        host.says(&put);
        let expired = format!("the certificate of `{}:2376` has expired", host.address);
        says(
            &run(machine(&lab).args(["version", "m1"])),
            &expired,
            "machine regenerate-certs NAME",
        );
        let warned = run(lab.command().args(["env", "m1"]));
        assert!(
            warned.stderr.contains("the certificates of `m1` have expired"),
            "{}",
            warned.stderr
        );
        let restarted = run(machine(&lab).args(["restart", "m1"]));
        assert!(restarted.stdout.contains("has expired: renewing it..."), "{}", restarted.stdout);
        assert_eq!(run(machine(&lab).args(["version", "m1"])).stdout, "20.10.24+dfsg1\n");
    }

    // The host has moved: the certificate does not name its new address.
    let moved = host.address.replace("10.98.0.", "10.98.1.");
    host.says(&format!("ip addr add {moved}/16 dev eth0"));
    let mut way = crate::hosts::in_network("ip");
    let led = run(way.args(["route", "replace", "10.98.1.0/24", "dev", "mtbr0"]));
    assert_eq!(led.code, Some(0), "{}", led.stderr);
    let config = dir.join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    let ip = format!("\"IPAddress\": \"{}\"", host.address);
    assert!(text.contains(&ip), "{text}");
    fs::write(&config, text.replace(&ip, &format!("\"IPAddress\": \"{moved}\""))).unwrap();
    let refused = run(machine(&lab).args(["version", "m1"]));
    says(&refused, "does not name that address", "machine regenerate-certs NAME");
    let again = run(machine(&lab).args(["restart", "m1"]));
    assert_eq!(again.code, Some(0), "{}{}", again.stdout, again.stderr);
    assert!(again.stdout.contains(&format!("does not name {moved}: renewing it...")));
    assert_eq!(run(machine(&lab).args(["version", "m1"])).stdout, "20.10.24+dfsg1\n");
}

/// The error and its hint, both on stderr.
fn says(run: &Run, message: &str, hint: &str) {
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    assert!(run.stderr.contains(message), "no `{message}` in\n{}", run.stderr);
    let hints = run.stderr.split_once("\nhint: ").map_or("", |(_, hints)| hints);
    assert!(hints.contains(hint), "no hint with `{hint}` in\n{}", run.stderr);
}
