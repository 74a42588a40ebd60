//! What a guest must bear: an interrupted and a killed `create`, a changed profile, boot scripts, a
//! pause, a larger disk. Booting is dear, so the tests share two machines.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::interrupt::{signal, start, until};
use crate::lab::{Lab, end, run};
use crate::releases::Releases;
use crate::streams::streams_work;
use crate::vm::{docker_ok, fetch, import, qemus, skipped};

const CREATE: [&str; 4] = ["create", "--qemu-memory", "1024", "lab1"];

#[test]
fn a_guest_bears_all_this() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    interrupted_and_killed(&lab);
    import(&lab, "lab1");
    streams_work(&lab, "lab1");
    the_profile_is_obeyed(&lab);
    let (stays, goes) = forwards(&lab);
    boot_scripts_are_left(&lab);
    a_pause_does_not_stop_the_clock(&lab);

    lab.ok(["stop", "lab1"]);
    let before = grow_the_disk(&lab);
    lab.ok(["start", "lab1"]);
    let size = lab.ok(["ssh", "lab1", "df -m /mnt/sda1 | tail -n 1 | awk '{print $2}'"]);
    let size: u64 = size.trim().parse().unwrap();
    assert!(size > before + 4000, "{before} MB became {size} MB");
    assert!(docker_ok(&lab, "lab1", &["images"]).contains("bb"), "and what was on it still is");
    boot_scripts_have_run(&lab);
    assert!(docker_ok(&lab, "lab1", &["info"]).contains("mood=changed"));
    assert!(fetch(&stays).starts_with("HTTP/1"));
    assert!(std::net::TcpStream::connect(&goes).is_err(), "what was taken away stays away");
    assert!(!lab.ok(["forward", "lab1"]).contains(&goes));

    lab.ok(["rm", "-y", "lab1"]);
    assert!(lab.machine_files().is_empty());
    assert_eq!(qemus(&lab.store()), 0);
}

/// Ctrl-C when the guest boots, then `kill -9` of the next `create`; the third one ends well, and
/// it is the same machine all the time.
fn interrupted_and_killed(lab: &Lab) {
    let create = start(lab, &CREATE);
    until("QEMU", || qemus(&lab.store()) > 0);
    std::thread::sleep(Duration::from_secs(2));
    signal(&create, "INT");
    let run = end(create);
    assert_eq!(run.code, Some(130), "{}", run.stderr);
    assert!(run.stderr.contains("carry on with `machine create lab1`"), "{}", run.stderr);
    let process = lab.ok(["inspect", "lab1", "-f", "{{.Driver.Process.PID}}"]);
    assert_eq!(qemus(&lab.store()), 1, "the guest boots on, and the record knows its process");
    let mut create = start(lab, &CREATE);
    std::thread::sleep(Duration::from_secs(1));
    create.kill().unwrap();
    assert_eq!(create.wait().unwrap().code(), None);
    lab.ok(CREATE);
    assert_eq!(lab.ok(["inspect", "lab1", "-f", "{{.Driver.Process.PID}}"]), process);
    assert_eq!(qemus(&lab.store()), 1);
}

/// An edited profile, as docker-machine's documentation tells people to do it.
fn the_profile_is_obeyed(lab: &Lab) {
    let edit = "sudo sed -i 's/--label provider=qemu/--label provider=qemu --label mood=changed/' \
                /var/lib/boot2docker/profile";
    lab.ok(["ssh", "lab1", edit]);
    lab.ok(["ssh", "lab1", "sudo /etc/init.d/docker restart"]);
    let mut info = String::new();
    until("the Engine with its new label", || {
        let mut docker = crate::vm::docker(lab, "lab1");
        info = crate::lab::run(docker.arg("info")).stdout;
        info.contains("mood=changed")
    });
    assert!(info.contains("provider=qemu"), "{info}");
    // One after the other while it still starts.
    let twice = "sudo /etc/init.d/docker restart; sudo /etc/init.d/docker restart";
    lab.ok(["ssh", "lab1", twice]);
    until("the Engine again", || {
        let mut docker = crate::vm::docker(lab, "lab1");
        crate::lab::run(docker.arg("ps")).code == Some(0)
    });
    assert_eq!(lab.ok(["ssh", "lab1", "pidof dockerd | wc -w"]).trim(), "1");
}

/// Two forwards to a web server; one is taken away while the machine runs.
fn forwards(lab: &Lab) -> (String, String) {
    let serve = ["run", "-d", "--restart", "always", "-p", "8080:80", "bb", "/bin/busybox"];
    docker_ok(lab, "lab1", &[&serve[..], &["httpd", "-f", "-p", "80", "-h", "/bin"]].concat());
    let made = lab.ok(["forward", "lab1", "0:8080", "0:8080"]);
    let addresses: Vec<String> =
        made.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let [stays, goes] = addresses.try_into().unwrap();
    assert!(fetch(&stays).starts_with("HTTP/1") && fetch(&goes).starts_with("HTTP/1"));
    let port = goes.rsplit(':').next().unwrap();
    lab.ok(["forward", "lab1", "--rm", port]);
    assert!(std::net::TcpStream::connect(&goes).is_err(), "it is gone at once");
    assert!(fetch(&stays).starts_with("HTTP/1"));
    let again = lab.run(["forward", "lab1", "--rm", port]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("`machine forward lab1` lists them"), "{}", again.stderr);
    (stays, goes)
}

fn boot_scripts_are_left(lab: &Lab) {
    // As people wrote them for boot2docker: one executable, one not; one before the Engine, one after.
    let script = "cd /var/lib/boot2docker; \
        printf '#!/bin/sh\\npidof dockerd >/dev/null || echo before >/tmp/sync\\n' | \
        sudo tee bootsync.sh >/dev/null; sudo chmod +x bootsync.sh; \
        printf 'until docker version >/dev/null 2>&1; do sleep 1; done\\necho after >/tmp/local\\n' | \
        sudo tee bootlocal.sh >/dev/null; sudo chmod -x bootlocal.sh";
    lab.ok(["ssh", "lab1", script]);
}

fn boot_scripts_have_run(lab: &Lab) {
    assert_eq!(lab.ok(["ssh", "lab1", "cat /tmp/sync"]), "before\n");
    until("bootlocal.sh", || lab.run(["ssh", "lab1", "cat /tmp/local"]).stdout == "after\n");
}

/// The laptop sleeps: the guest's processors stand still, then the clock is put right.
fn a_pause_does_not_stop_the_clock(lab: &Lab) {
    monitor(lab, "stop");
    assert_eq!(lab.ok(["status", "lab1"]), "Paused\n");
    std::thread::sleep(Duration::from_secs(15));
    monitor(lab, "cont");
    let mut behind = 0;
    until("the clock", || {
        let guest: i64 = lab.ok(["ssh", "lab1", "date +%s"]).trim().parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        behind = now.cast_signed() - guest;
        // The guest's own second, ours, and a slow login between them.
        behind.abs() <= 4
    });
    docker_ok(lab, "lab1", &["ps"]);
    // A paused machine is also one that `start` lets go on.
    monitor(lab, "stop");
    lab.ok(["start", "lab1"]);
    assert_eq!(lab.ok(["status", "lab1"]), "Running\n");
}

/// Gives QEMU's monitor one command.
fn monitor(lab: &Lab, command: &str) {
    let sockets = std::fs::read_dir(lab.store().join("run")).unwrap();
    let socket = sockets.map(|entry| entry.unwrap().path());
    let socket = socket.into_iter().find(|path| path.extension().is_some_and(|it| it == "qmp"));
    let mut stream = UnixStream::connect(socket.unwrap()).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().contains("QMP"), "the greeting");
    for command in ["qmp_capabilities", command] {
        writeln!(stream, "{{\"execute\": \"{command}\"}}").unwrap();
        let answer = lines.find(|line| !line.contains("\"event\"")).unwrap();
        assert!(answer.contains("\"return\""), "{answer}");
    }
}

/// Makes the image file 5 GB larger, and returns the size that the file system had, in MB.
fn grow_the_disk(lab: &Lab) -> u64 {
    let disk = std::fs::File::options()
        .write(true)
        .open(lab.store().join("machines/lab1/disk.img"))
        .unwrap();
    let before = disk.metadata().unwrap().len();
    disk.set_len(before + (5000 << 20)).unwrap();
    before >> 20
}

/// boot2docker's contract over SSH: the image comes from a page of releases, as one that somebody
/// else might have made, so only the SSH key reaches the guest before its first boot, as with
/// docker-machine.
#[test]
fn a_machine_that_is_provisioned_over_ssh() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    lab.ok(["image", "ls"]);
    let images: serde_json::Value =
        serde_json::from_str(&lab.ok(["image", "ls", "--format", "json"])).unwrap();
    let Some(image) = images.as_array().unwrap().last() else {
        // The image is there when any other test of this kind has run.
        lab.ok(["image", "build"]);
        return a_machine_that_is_provisioned_over_ssh();
    };
    let version = image["version"].as_str().unwrap();
    let iso = crate::lab::cache().join("images").join(version).join("machine.iso");
    let server = Releases::start();
    server.publish("v99.0.0", std::fs::read(iso).unwrap());
    let mut create = lab.command();
    create.env("MACHINE_CACHE_PATH", lab.path().join("cache"));
    create.args(["create", "--qemu-memory", "1024", "--qemu-boot2docker-url", &server.api()]);
    let created = run(create.args(["--engine-label", "made=by-ssh", "lab1"]));
    assert_eq!(created.code, Some(0), "{}{}", created.stdout, created.stderr);
    let created = created.stdout;
    let downloads =
        format!("(lab1) Downloading boot2docker.iso from {}", server.iso_url("v99.0.0"));
    assert!(created.contains(&downloads), "{created}");
    for line in ["Detecting the provisioner", "Provisioning with boot2docker", "up and running"] {
        assert!(created.contains(line), "no `{line}` in {created}");
    }
    let info = docker_ok(&lab, "lab1", &["info"]);
    assert!(info.contains("made=by-ssh") && info.contains("Name: lab1"), "{info}");
    import(&lab, "lab1");
    let hello = ["run", "--rm", "bb", "/bin/busybox", "echo", "hello"];
    assert_eq!(docker_ok(&lab, "lab1", &hello), "hello\n");
    assert_eq!(lab.ok(["ssh", "lab1", "hostname"]), "lab1\n");
    lab.ok(["rm", "-y", "lab1"]);
    assert!(lab.machine_files().is_empty());
    assert_eq!(qemus(&lab.store()), 0);
}
