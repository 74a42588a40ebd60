//! A machine that begins as a copy of another one: both run at once, and have nothing in common but what
//! was on the disk.

use crate::lab::{Lab, run, skip};
use crate::vm::{docker_ok, import, qemus, skipped};

/// What a guest is known by, with the word for it.
const MARKS: [(&str, &str); 7] = [
    ("name", "hostname"),
    ("machine id", "cat /etc/machine-id"),
    ("host key", "sudo cat /var/lib/boot2docker/ssh/ssh_host_ed25519_key.pub"),
    ("who may log in", "cat /home/docker/.ssh/authorized_keys"),
    ("certificate", "sudo sha256sum /var/lib/boot2docker/server.pem"),
    ("Engine", "docker info -f {{.ID}}"),
    ("addresses", "ip -o -4 addr show | grep -v -e 10.0.2 -e 127.0 -e docker"),
];

#[test]
fn a_clone_has_nothing_in_common_but_the_disk() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    lab.ok(["create", "--qemu-memory", "768", "--qemu-network", "n", "one"]);
    import(&lab, "one");
    docker_ok(&lab, "one", &["swarm", "init", "--advertise-addr", "127.0.0.1"]);
    docker_ok(&lab, "one", &["run", "-d", "--name", "keep", "bb", "/bin/busybox", "sleep", "9999"]);
    let cloned = lab.ok(["clone", "one", "two"]);
    assert!(cloned.contains("Giving it an identity of its own..."), "{cloned}");
    assert_eq!(qemus(&lab.store()), 2);
    for (what, command) in MARKS {
        let [one, two] = ["one", "two"].map(|name| lab.ok(["ssh", name, command]));
        assert!(!one.trim().is_empty() && one != two, "{what}: {one} and {two}");
    }
    for file in ["id_rsa", "server.pem", "machine-id", "known_hosts"] {
        let [one, two] = ["one", "two"]
            .map(|name| std::fs::read(lab.store().join("machines").join(name).join(file)).unwrap());
        assert_ne!(one, two, "{file}");
    }
    for command in [&["url"][..], &["ip", "--private"]] {
        let [one, two] = ["one", "two"].map(|name| lab.ok(command.iter().chain(&[name])));
        assert_ne!(one, two);
    }
    // What was on the disk is there, and is no part of the original's swarm.
    assert_eq!(docker_ok(&lab, "two", &["images", "-q", "bb"]).lines().count(), 1);
    assert_eq!(docker_ok(&lab, "two", &["ps", "-a", "--format", "{{.Names}}"]), "keep\n");
    let swarm = |name| docker_ok(&lab, name, &["info", "-f", "{{.Swarm.LocalNodeState}}"]);
    assert_eq!((swarm("one").trim(), swarm("two").trim()), ("active", "inactive"));
    let ping = run(lab.command().args(["ssh", "one", "sudo ping -c 2 -w 20 two"]));
    assert_eq!(ping.code, Some(0), "{}{}", ping.stdout, ping.stderr);
    // Nor does it let in whom the original lets in.
    let others = lab.store().join("machines/one/id_rsa");
    let port = lab.ok(["inspect", "two", "-f", "{{.Driver.SSHPort}}"]);
    let mut ssh = std::process::Command::new("ssh");
    ssh.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "IdentitiesOnly=yes"]);
    ssh.args(["-o", "UserKnownHostsFile=/dev/null", "-i"]).arg(others);
    let refused = run(ssh.args(["-p", port.trim(), "docker@127.0.0.1", "true"]));
    assert_eq!(refused.code, Some(255), "{}", refused.stderr);

    // It is the same machine after a boot, and one that is off can be copied too.
    lab.ok(["stop", "one", "two"]);
    lab.ok(["start", "two"]);
    assert_eq!(lab.ok(["ssh", "two", "hostname"]), "two\n");
    lab.ok(["clone", "one", "three"]);
    assert_eq!(lab.ok(["ssh", "three", "hostname"]), "three\n");
    // Which the original hears when it is on again.
    lab.ok(["start", "one"]);
    assert!(lab.ok(["ssh", "one", "cat /etc/hosts"]).contains(" three\n"));
    let again = lab.run(["clone", "one", "two"]);
    assert!(again.stderr.contains("\"two\" already exists"), "{}", again.stderr);
    lab.ok(["rm", "-y", "one", "two", "three"]);
    assert_eq!(qemus(&lab.store()), 0);
    assert!(lab.machine_files().is_empty());
}

/// `kill -9` in the middle: nobody takes what there is for a machine, and it can be removed.
#[test]
fn a_clone_that_was_interrupted_is_no_machine() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    lab.ok(["create", "--qemu-memory", "768", "one"]);
    lab.ok(["stop", "one"]);
    let mut clone = lab.command().args(["clone", "one", "two"]).spawn().unwrap();
    while qemus(&lab.store()) == 0 && clone.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    if clone.try_wait().unwrap().is_some() {
        return skip("the clone was quicker than its killer");
    }
    clone.kill().unwrap();
    clone.wait().unwrap();
    for args in [&["create", "two"][..], &["start", "two"], &["env", "two"]] {
        let run = lab.run(args);
        assert_eq!(run.code, Some(1), "{args:?}");
        assert!(run.stderr.contains("machine rm -y two"), "{args:?}: {}", run.stderr);
    }
    lab.ok(["rm", "-y", "one", "two"]);
    assert_eq!(qemus(&lab.store()), 0);
    assert!(lab.machine_files().is_empty());
}
