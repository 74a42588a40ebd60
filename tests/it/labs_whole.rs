//! Labs of whole machines: what is done to them when they are ready, managers that come and go, files
//! that say what there is, and a machine that moves away under another name.

use std::fs;
use std::process::Stdio;

use crate::lab::{Lab, Run, in_a_hurry, run};
use crate::vm::{docker_ok, import, qemus, skipped};

fn up(lab: &Lab, text: &str, args: &[&str]) -> Run {
    fs::write(lab.path().join("lab.yaml"), text).unwrap();
    let run = run(lab.command().current_dir(lab.path()).arg("up").args(args));
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run
}

fn ok(lab: &Lab, args: &[&str]) -> Run {
    let run = run(lab.command().current_dir(lab.path()).args(args));
    assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
    run
}

/// One manager becomes three, the one that leads goes, and it comes back; killed in between.
#[test]
fn managers_come_and_go_and_the_swarm_goes_on() {
    if in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    let text = |managers: u8, more: &str| {
        format!(
            "name: three\ndefaults: {{driver: qemu, memory: 768}}\n\
             machines: [{{name: m, count: 3{more}}}]\nswarm: {{managers: {managers}}}\n"
        )
    };
    let status = || {
        let args = ["swarm", "status", "--format", "{{.Machine}} {{.Role}} {{.State}}"];
        let run = ok(&lab, &args);
        (run.stdout, run.stderr)
    };
    up(&lab, &text(1, ""), &[]);
    assert_eq!(status().0, "m1 manager ready\nm2 worker ready\nm3 worker ready\n");
    docker_ok(&lab, "m1", &["swarm", "update", "--dispatcher-heartbeat", "30s"]);

    // More of them, and something to do on each.
    fs::write(lab.path().join("hello"), "first\n").unwrap();
    let more = ", files: {from: hello, to: /home/docker/hello}, \
                run: ['cat hello >>said', 'docker info -f \"{{.Swarm.LocalNodeState}}\" >>said']";
    up(&lab, &text(3, more), &[]);
    let (nodes, said) = status();
    assert_eq!(nodes, "m1 manager ready\nm2 manager ready\nm3 manager ready\n");
    assert!(said.contains("3 of 3 managers"), "{said}");
    let each = |expected: &str| {
        for name in ["m1", "m2", "m3"] {
            assert_eq!(lab.ok(["ssh", name, "cat said"]), expected, "{name}");
        }
    };
    each("first\nactive\n");
    up(&lab, &text(3, more), &[]);
    each("first\nactive\n");
    fs::write(lab.path().join("hello"), "second\n").unwrap();
    up(&lab, &text(3, more), &[]);
    each("first\nactive\nsecond\nactive\n");

    // The one that leads goes; another one leads then.
    let gone = ok(&lab, &["down", "-y", "m1"]);
    assert!(gone.stdout.contains("(m1) Leaving the swarm..."), "{}", gone.stdout);
    assert_eq!(status().0, "m2 manager ready\nm3 manager ready\n");

    // It comes back by an `up` that is killed as soon as the machine runs, and by another one.
    let mut killed = lab.command();
    killed.current_dir(lab.path()).arg("up").stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = killed.spawn().unwrap();
    while qemus(&lab.store()) < 3 && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    up(&lab, &text(3, more), &[]);
    assert_eq!(status().0, "m1 manager ready\nm2 manager ready\nm3 manager ready\n");

    // And two are made workers again.
    up(&lab, &text(1, more), &[]);
    assert_eq!(status().0, "m1 manager ready\nm2 worker ready\nm3 worker ready\n");
    ok(&lab, &["down", "-y"]);
    assert_eq!(qemus(&lab.store()), 0);
    assert!(lab.machine_files().is_empty());
}

/// What `inspect --as-lab` writes is the lab that makes the same machine again; and a machine that was
/// exported is there under another name elsewhere, with what was on its disk.
#[test]
fn a_machine_becomes_a_lab_and_moves_away() {
    if in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    let options = ["--qemu-memory", "768", "--qemu-cpu-count", "1", "--qemu-disk-size", "3000"];
    lab.ok(["create"].iter().chain(&options).chain(&["--engine-label", "of=mine", "one"]));
    let look = "{{.Driver.Memory}} {{.Driver.CPU}} {{.Driver.DiskSize}} \
                {{json .HostOptions.EngineOptions.Labels}}";
    let made = lab.ok(["inspect", "one", "-f", look]);
    assert_eq!(made, "768 1 3000 [\"of=mine\"]\n");
    let text = ok(&lab, &["inspect", "--as-lab", "one"]).stdout;
    fs::write(lab.path().join("lab.yaml"), &text).unwrap();
    let plan = || ok(&lab, &["plan", "--format", "{{.Machine}} {{.Action}}"]).stdout;
    assert_eq!(plan(), "one adopt\n");
    up(&lab, &text, &["--adopt"]);
    assert_eq!(plan(), "one keep\n");
    ok(&lab, &["down", "-y"]);
    assert_eq!(plan(), "one create\n");
    up(&lab, &text, &[]);
    assert_eq!(lab.ok(["inspect", "one", "-f", look]), made);

    import(&lab, "one");
    docker_ok(&lab, "one", &["run", "-d", "--name", "keep", "bb", "/bin/busybox", "sleep", "9999"]);
    let file = lab.path().join("one.machine").display().to_string();
    let running = lab.run(["export", "-o", &file, "one"]);
    assert_eq!(running.code, Some(1), "{}", running.stdout);
    lab.ok(["stop", "one"]);
    lab.ok(["export", "-o", &file, "one"]);
    let there = Lab::new();
    assert_eq!(there.ok(["import", "--name", "two", &file]).lines().last(), Some("two"));
    there.ok(["start", "two"]);
    lab.ok(["start", "one"]);
    assert_eq!(there.ok(["ssh", "two", "hostname"]), "two\n");
    let name = |lab: &Lab, machine| docker_ok(lab, machine, &["info", "-f", "{{.Name}}"]);
    assert_eq!((name(&lab, "one").as_str(), name(&there, "two").as_str()), ("one\n", "two\n"));
    assert_eq!(docker_ok(&there, "two", &["ps", "-a", "--format", "{{.Names}}"]), "keep\n");
    // Until it is given certificates of its own store it lets in whom it let in before.
    let certificates = lab.store().join("certs");
    let as_before = || {
        let mut docker = std::process::Command::new("docker");
        docker.env("DOCKER_CONFIG", lab.path()).arg("--tlsverify");
        for (option, file) in
            [("--tlscacert", "ca.pem"), ("--tlscert", "cert.pem"), ("--tlskey", "key.pem")]
        {
            docker.arg(option).arg(certificates.join(file));
        }
        run(docker.args(["-H", there.ok(["url", "two"]).trim(), "version"])).code
    };
    assert_eq!(as_before(), Some(0));
    there.ok(["regenerate-certs", "-f", "two"]);
    assert_ne!(as_before(), Some(0));
    assert_eq!(name(&there, "two"), "two\n");
    for (lab, name) in [(&lab, "one"), (&there, "two")] {
        lab.ok(["rm", "-y", name]);
        assert_eq!(qemus(&lab.store()), 0);
        assert!(lab.machine_files().is_empty());
    }
}
