//! Go's ways of writing options, through the whole program.

use std::path::Path;
use std::process::Command;

use crate::lab::{Lab, Run, run};

fn url(lab: &Lab, name: &str) -> String {
    lab.ok(["url", name])
}

#[test]
fn every_form_of_an_option_makes_the_same_machine() {
    let forms = [
        "create -d none --url tcp://1.2.3.4:2376 NAME",
        "create -driver none -url tcp://1.2.3.4:2376 NAME",
        "create -d=none -url=tcp://1.2.3.4:2376 NAME",
        "create NAME --driver=none --url tcp://1.2.3.4:2376",
        "create -d none NAME --url tcp://1.2.3.4:2376",
        "create -d none --swarm=false --url tcp://1.2.3.4:2376 -- NAME",
        "create -d fake --driver=none --url=x --url tcp://1.2.3.4:2376 NAME",
    ];
    let lab = Lab::new();
    for (number, form) in forms.iter().enumerate() {
        // Both forms of one option are refused, so the last form names the driver once more.
        let form = form.replace("-d fake --driver=none", "-d fake -d none");
        let name = format!("m{number}");
        for as_docker_machine in [false, true] {
            let name = format!("{name}{as_docker_machine}");
            let words: Vec<String> = form.split(' ').map(|it| it.replace("NAME", &name)).collect();
            let made = match as_docker_machine {
                true => run(&mut lab.docker_machine(&words)),
                false => lab.run(&words),
            };
            assert_eq!(made.code, Some(0), "{form}: {}", made.stderr);
            assert_eq!(url(&lab, &name), "tcp://1.2.3.4:2376\n", "{form}");
            assert!(!lab.ok(["inspect", &name]).contains("\"IsSwarm\": true"), "{form}");
        }
    }
}

#[test]
fn drivers_options_have_every_form_too() {
    let lab = Lab::new();
    let made = lab.run(["create", "a", "-d", "fake", "-fake-url=tcp://1.1.1.1:1"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert_eq!(url(&lab, "a"), "tcp://1.1.1.1:1\n");
    // A variable that is empty is not set, and one that is a list is split at commas.
    let mut command = lab.command();
    command.env("FAKE_URL", "").env("FAKE_FAIL", "stop:1, kill:1").args(["create", "-d=fake", "b"]);
    assert_eq!(run(&mut command).code, Some(0));
    assert_eq!(lab.run(["stop", "b"]).code, Some(1));
    assert_eq!(lab.run(["kill", "b"]).code, Some(1));
    assert_eq!(lab.run(["stop", "b"]).code, Some(0));
}

#[test]
fn the_shared_options_reach_the_record() {
    let lab = Lab::new();
    let mut command = lab.command();
    command.env("ENGINE_REGISTRY_MIRROR", "http://a, http://b").env("MACHINE_SWARM_IMAGE", "s:1");
    command.env("MACHINE_DOCKER_INSTALL_URL", "").args(["create", "-d", "none", "--url", "x"]);
    command.args(["--engine-registry-mirror", "http://c", "--engine-opt", "log-level=warn"]);
    command.args(["-engine-label=a=b", "--engine-env", "X=1", "--engine-insecure-registry", "r:1"]);
    command.args([
        "--swarm",
        "--swarm-discovery",
        "token://x",
        "--swarm-opt",
        "o",
        "--tls-san",
        "s",
    ]);
    command.args(["--swarm-join-opt=j", "--swarm-addr", "1.2.3.4", "--swarm-experimental", "m"]);
    let made = run(&mut command);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let record: serde_json::Value = serde_json::from_str(&lab.ok(["inspect", "m"])).unwrap();
    let engine = &record["HostOptions"]["EngineOptions"];
    let list = |text: &[&str]| serde_json::json!(text);
    assert_eq!(engine["RegistryMirror"], list(&["http://a", "http://b", "http://c"]));
    assert_eq!(engine["ArbitraryFlags"], list(&["log-level=warn"]));
    assert_eq!(engine["Labels"], list(&["a=b"]));
    assert_eq!(engine["Env"], list(&["X=1"]));
    assert_eq!(engine["InsecureRegistry"], list(&["r:1"]));
    assert_eq!(engine["InstallURL"], "https://get.docker.com");
    let swarm = &record["HostOptions"]["SwarmOptions"];
    let expected = serde_json::json!({
        "IsSwarm": true, "Address": "1.2.3.4", "Discovery": "token://x", "Agent": true,
        "Master": false, "Host": "tcp://0.0.0.0:3376", "Image": "s:1", "Strategy": "spread",
        "Heartbeat": 0, "Overcommit": 0, "ArbitraryFlags": ["o"], "ArbitraryJoinFlags": ["j"],
        "Env": null, "IsExperimental": true
    });
    assert_eq!(*swarm, expected);
    assert_eq!(record["HostOptions"]["AuthOptions"]["ServerCertSANs"], list(&["s"]));
    let wrong = lab.run(["create", "-d", "none", "--url", "x", "--swarm-discovery", "foo", "n"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("Swarm Discovery URL was in the wrong format: foo"));
}

/// Runs with programs of ours in front of everything else on `PATH`.
fn with_programs(lab: &Lab, command: &mut Command, names: &[&str]) -> Run {
    use std::os::unix::fs::PermissionsExt;
    let bin = lab.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in names {
        let path = bin.join(name);
        let script = "#!/bin/sh\nprintf '%s\\n' \"$(basename \"$0\")\" \"$@\"\nexit 42\n";
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&path)));
    run(command.env("PATH", path.unwrap()))
}

/// Machines at ports where nobody is: the programs that are called are ours.
fn with_ssh(lab: &Lab) {
    crate::remote::machine_at(lab, "m", 2201, "docker");
    crate::remote::machine_at(lab, "n", 2202, "docker");
}

#[test]
fn ssh_hands_everything_on() {
    let lab = Lab::new();
    with_ssh(&lab);
    let ssh = |args: &[&str]| {
        let mut command = lab.command();
        command.arg("ssh").args(args);
        with_programs(&lab, &mut command, &["ssh"])
    };
    let run = ssh(&["m", "-L", "80:x:80", "-D", "--", "ls", "--help"]);
    assert_eq!(run.code, Some(42), "{}", run.stderr);
    assert!(run.stdout.ends_with("\n2201\n-L\n80:x:80\n-D\n--\nls\n--help\n"), "{}", run.stdout);
    let mut old = lab.docker_machine(["ssh", "m", "false"]);
    let old = with_programs(&lab, &mut old, &["ssh"]);
    assert_eq!((old.code, old.stderr.as_str()), (Some(1), "exit status 42\n"));
    assert!(ssh(&["-help"]).stdout.contains("Usage: machine ssh"));
}

#[test]
fn scp_and_mount_call_their_programs() {
    let lab = Lab::new();
    with_ssh(&lab);
    let call = |args: &[&str]| {
        let mut command = lab.command();
        command.args(args);
        with_programs(&lab, &mut command, &["scp", "rsync", "sshfs", "fusermount"])
    };
    let up = call(&["scp", "-r", "-q", "a", "m:/tmp/b"]);
    assert_eq!(up.code, Some(42), "{}", up.stderr);
    assert!(up.stdout.contains("\n-r\n-q\n"), "{}", up.stdout);
    assert!(up.stdout.ends_with("\n-P\n2201\n--\na\ndocker@127.0.0.1:/tmp/b\n"), "{}", up.stdout);
    let delta = call(&["scp", "-d", "m:/a", "b"]);
    assert!(delta.stdout.starts_with("rsync\n--progress\n-e\nssh "), "{}", delta.stdout);
    assert!(delta.stdout.ends_with("docker@127.0.0.1:/a\nb\n"), "{}", delta.stdout);
    let mount = call(&["mount", "me@m:/data", "here"]);
    assert!(mount.stdout.starts_with("sshfs\n-F\n/dev/null\n"), "{}", mount.stdout);
    assert!(mount.stdout.contains("\n-o\nPort=2201\n"), "{}", mount.stdout);
    assert!(mount.stdout.ends_with("\nme@127.0.0.1:/data\nhere\n"), "{}", mount.stdout);
    let unmount = call(&["mount", "-u", "m:/data"]);
    assert_eq!(unmount.stdout, "fusermount\n-u\n/data\n");
}

#[test]
fn programs_that_are_missing_are_named() {
    let lab = Lab::new();
    with_ssh(&lab);
    for (args, says) in [
        (&["scp", "a", "m:b"][..], "a copy of the scp binary locally to use the scp feature"),
        (
            &["scp", "-d", "a", "m:b"],
            "a copy of the rsync binary locally to use the --delta option",
        ),
        (&["mount", "m:/"], "a copy of the sshfs binary locally to use the mount feature"),
        (
            &["mount", "-u", "m:/"],
            "a copy of the fusermount binary locally to use the unmount option",
        ),
    ] {
        let run = run(lab.docker_machine(args).env("PATH", lab.path()));
        assert_eq!(run.code, Some(1));
        assert_eq!(run.stderr, format!("You must have {says}\n"));
    }
}

#[test]
fn debug_is_heard_wherever_it_stands() {
    let lab = Lab::new();
    for args in [&["-D", "ls"][..], &["ls", "-debug"], &["--debug=true", "ls"]] {
        assert_eq!(lab.run(args).code, Some(0), "{args:?}");
    }
    let wrong = run(lab.docker_machine(["ls"]).env("MACHINE_DEBUG", "xx"));
    assert_eq!(wrong.code, Some(1));
    assert_eq!(
        wrong.stderr,
        "Error parsing boolean value from MACHINE_DEBUG: strconv.ParseBool: parsing \"xx\": \
         invalid syntax\n"
    );
    let first = |args: &[&str], debug: &str| {
        run(lab.docker_machine(args).env("MACHINE_DEBUG", debug)).stderr
    };
    assert!(first(&["ls"], "1").starts_with("Docker Machine Version:  "));
    assert_eq!(first(&["-D", "ls"], "0"), "");
}

#[test]
fn help_is_in_many_places() {
    let lab = Lab::new();
    let whole = lab.ok([""; 0]);
    assert!(whole.contains("Usage: machine [OPTIONS] [COMMAND]"), "{whole}");
    for args in [&["help"][..], &["h"], &["--help"], &["-help"]] {
        assert!(lab.ok(args).contains("Usage: machine [OPTIONS] [COMMAND]"), "{args:?}");
    }
    for args in [&["help", "url"][..], &["url", "--help"], &["url", "-help"], &["url", "x", "-h"]] {
        assert!(lab.ok(args).contains("Usage: machine url"), "{args:?}");
    }
    assert_eq!(lab.run(["help", "lss"]).code, Some(2));
    let man = lab.path().join("man");
    lab.ok(["help", "--man", man.to_str().unwrap()]);
    let page = |name: &str| std::fs::read_to_string(Path::new(&man).join(name)).unwrap();
    assert!(page("machine.1").contains(".TH machine 1"));
    assert!(page("machine-create.1").contains("engine\\-label"));
    assert!(page("machine-image-build.1").contains("mirror"));
}
