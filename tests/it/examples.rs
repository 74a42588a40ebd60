//! The examples, as people run them, on three machines; before and after them what a lab goes through:
//! killed half-way, a machine that leaves the swarm, one that comes late.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::lab::{Lab, Run, run, skip};
use crate::vm::{docker, docker_ok, qemus, skipped};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

const REGISTRY: &str = "version: 0.1\nhttp: {addr: ':5000'}\n\
    storage: {filesystem: {rootdirectory: /var/lib/registry}}\n";

/// The program with the lab file of the examples.
fn machine(lab: &Lab, args: &[&str]) -> Command {
    let mut command = lab.command();
    command.env("LAB_MEMORY", "768").current_dir(Path::new(REPOSITORY).join("examples")).args(args);
    command
}

#[track_caller]
fn ok(lab: &Lab, args: &[&str]) -> Run {
    let run = run(&mut machine(lab, args));
    assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
    run
}

#[track_caller]
fn example(lab: &Lab, name: &str) -> String {
    let mut script = Command::new(Path::new(REPOSITORY).join("examples").join(name));
    let machine = machine(lab, &[]);
    script.env_clear().envs(machine.get_envs().filter_map(|(key, value)| Some((key, value?))));
    script.env("MACHINE", machine.get_program()).env("DOCKER_CONFIG", lab.path().join("docker"));
    let run = run(script.env("IMAGES", "redis busybox").stdin(Stdio::null()));
    assert_eq!(run.code, Some(0), "{name}: {}{}", run.stdout, run.stderr);
    run.stdout
}

/// The least of them: one file, one command, a swarm that answers.
#[test]
fn a_web_service_on_a_swarm_by_one_command() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    ok(&lab, &["up"]);
    be_patient(&lab);
    let status = ok(&lab, &["swarm", "status", "--format", "{{.Machine}} {{.Role}} {{.State}}"]);
    assert_eq!(status.stdout, "node1 manager ready\nnode2 worker ready\nnode3 worker ready\n");
    assert!(status.stderr.contains("1 of 1 managers"), "{}", status.stderr);
    let busybox = [(Path::new("/bin/busybox"), "bin/busybox")];
    let archive = lab.path().join("busybox.tar");
    pack(&lab.path().join("busybox"), &busybox, &archive);
    for node in ["node1", "node2", "node3"] {
        import(&lab, node, "busybox", &archive);
    }
    let web = example(&lab, "swarm-web");
    assert!(web.contains("http://127.0.0.1:"), "{web}");
    every_machine_runs_a_command(&lab);
    ok(&lab, &["down", "-y"]);
    assert_eq!(qemus(&lab.store()), 0);
    assert!(lab.machine_files().is_empty());
}

#[test]
fn three_machines_and_all_that_the_examples_show() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    let Some(images) = images(lab.path()) else { return };

    // Killed half-way, and run again.
    let mut killed = machine(&lab, &["up"]).stdout(Stdio::null()).spawn().unwrap();
    while qemus(&lab.store()) < 2 && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    ok(&lab, &["up"]);
    assert_eq!(qemus(&lab.store()), 3);
    let plan = ok(&lab, &["plan"]);
    assert!(plan.stderr.contains("Nothing to do"), "{}", plan.stderr);
    be_patient(&lab);
    for (name, archive) in images {
        import(&lab, "node1", name, &archive);
    }
    example(&lab, "registry-mirror");
    let web = example(&lab, "swarm-web");
    assert!(web.contains("http://127.0.0.1:"), "{web}");
    example(&lab, "redis-one-host");
    example(&lab, "redis-two-hosts");

    // A worker leaves in order, and its task goes to another; one comes late.
    let service = ["service", "create", "-d", "-q", "--name", "s", "--mode", "replicated"];
    let more =
        ["--constraint", "node.role==worker", "--no-resolve-image", "busybox", "sleep", "999"];
    docker_ok(&lab, "node1", &[&service[..], &more[..]].concat());
    let down = ok(&lab, &["down", "-y", "node3"]);
    assert!(down.stdout.contains("(node3) Leaving the swarm..."), "{}", down.stdout);
    let nodes = docker_ok(&lab, "node1", &["node", "ls", "--format", "{{.Hostname}}"]);
    assert_eq!(nodes.lines().count(), 2, "{nodes}");
    let last = run(&mut machine(&lab, &["down", "-y", "node1"]));
    assert_eq!(last.code, Some(1));
    assert!(last.stderr.contains("is its last manager"), "{}", last.stderr);
    ok(&lab, &["up", "node3"]);
    let nodes = docker_ok(&lab, "node1", &["node", "ls", "--format", "{{.Status}}"]);
    assert_eq!(nodes, "Ready\nReady\nReady\n");
    let hosts = lab.ok(["ssh", "node1", "getent hosts node3 || grep node3 /etc/hosts"]);
    assert!(hosts.contains(lab.ok(["ip", "--private", "node3"]).trim()), "{hosts}");

    ok(&lab, &["down", "-y"]);
    assert_eq!(qemus(&lab.store()), 0);
    assert!(lab.machine_files().is_empty());
}

/// Makes an image on a machine, which has no registry to pull it from.
#[track_caller]
fn import(lab: &Lab, machine: &str, name: &str, archive: &Path) {
    let server = "CMD [\"docker-registry\", \"serve\", \"/etc/registry.yml\"]";
    let mut import = docker(lab, machine);
    let import = import.args(["import", "-c", server]).arg(archive).arg(name).output().unwrap();
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
}

/// Without hardware acceleration, and beside other tests, a machine may be silent for longer than the five
/// seconds after which a swarm begins to take it for lost.
#[track_caller]
fn be_patient(lab: &Lab) {
    docker_ok(lab, "node1", &["swarm", "update", "--dispatcher-heartbeat", "30s"]);
}

fn every_machine_runs_a_command(lab: &Lab) {
    let all = ok(lab, &["exec", "node*", "--", "hostname"]);
    let mut lines: Vec<&str> = all.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["node1 | node1", "node2 | node2", "node3 | node3"]);
    let some = run(&mut machine(lab, &["exec", "node1", "node2", "--", "[ $(hostname) = node1 ]"]));
    assert_eq!(some.code, Some(1));
    assert!(some.stderr.contains("node2   1"), "{}", some.stderr);
    let same = run(&mut machine(lab, &["exec", "node*", "--", "exit 9"]));
    assert_eq!(same.code, Some(9));
}

/// Archives from which `docker import` makes the images of the examples: programs of Debian with
/// the libraries that they need. `None` where they cannot be had.
fn images(scratch: &Path) -> Option<Vec<(&'static str, PathBuf)>> {
    let root = scratch.join("registry");
    std::fs::create_dir(&root).unwrap();
    let fetch = "apt-get download docker-registry && dpkg-deb -x docker-registry*.deb .";
    let fetched = Command::new("sh").args(["-c", fetch]).current_dir(&root).output().unwrap();
    // The server is one program with its checkers, and goes by the name that it is called by.
    let redis = Path::new("/usr/bin/redis-check-rdb");
    if !fetched.status.success() || !redis.exists() {
        skip("Debian's packages docker-registry and redis-tools are not there");
        return None;
    }
    let registry = root.join("usr/bin/docker-registry");
    let programs = [
        ("registry:2", vec![(registry.as_path(), "usr/bin/docker-registry")]),
        (
            "redis",
            vec![
                (redis, "usr/bin/redis-server"),
                (Path::new("/usr/bin/redis-cli"), "usr/bin/redis-cli"),
            ],
        ),
        ("busybox", vec![(Path::new("/bin/busybox"), "bin/busybox")]),
    ];
    let archive = |(name, programs): (&'static str, Vec<(&Path, &str)>)| {
        let archive = scratch.join(format!("{}.tar", name.replace(':', "-")));
        pack(&scratch.join(name.replace(':', "-")), &programs, &archive);
        (name, archive)
    };
    Some(programs.into_iter().map(archive).collect())
}

fn pack(root: &Path, programs: &[(&Path, &str)], archive: &Path) {
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    };
    for (program, place) in programs {
        copy(program, &root.join(place));
        let needs = Command::new("ldd").arg(program).output().unwrap();
        let needs = String::from_utf8_lossy(&needs.stdout).into_owned();
        for library in needs.split_whitespace().filter(|word| word.starts_with('/')) {
            copy(Path::new(library), &root.join(&library[1..]));
        }
    }
    for directory in ["bin", "etc", "tmp", "var/lib/registry"] {
        std::fs::create_dir_all(root.join(directory)).unwrap();
    }
    for applet in ["sh", "mkdir", "hostname", "httpd", "sleep"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    // Debian's own asks for a password.
    std::fs::write(root.join("etc/registry.yml"), REGISTRY).unwrap();
    let tar = Command::new("tar").arg("-cf").arg(archive).arg("-C").arg(root).arg(".").status();
    assert!(tar.unwrap().success());
}
