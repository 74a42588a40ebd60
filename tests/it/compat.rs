//! Called as `docker-machine`: the words, the streams and the exit codes of docker-machine.
//!
//! What docker-machine 0.16 printed when it was run for real is in `../shared/gob/recorded`; where
//! that is absent the comparisons say so and are skipped.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lab::{Lab, Run, run};

fn old<const N: usize>(lab: &Lab, args: [&str; N]) -> Run {
    run(&mut lab.docker_machine(args))
}

/// stdout, stderr and exit code, all of them to the byte.
#[track_caller]
fn says(run: &Run, stdout: &str, stderr: &str, code: i32) {
    assert_eq!((run.stdout.as_str(), run.stderr.as_str(), run.code), (stdout, stderr, Some(code)));
}

const UNKNOWN: &str = "Docker machine \"foo\" does not exist. Use \"docker-machine ls\" to list \
                       machines. Use \"docker-machine create\" to add a new one.";

/// One session of docker-machine, recorded.
struct Recorded {
    stdout: String,
    stderr: String,
    code: i32,
}

/// `None` where there are no recordings; a recording that is missing among others is an error.
fn recorded(name: &str) -> Option<Recorded> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/gob/recorded");
    // A worktree lies one directory deeper than the repository.
    let all: PathBuf =
        [all, Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/gob/recorded")]
            .into_iter()
            .find(|dir| dir.is_dir())
            .or_else(|| {
                crate::lab::skipped(
                    "there are no recordings of docker-machine beside this repository",
                );
                None
            })?;
    let text = |file: &str| fs::read_to_string(all.join(name).join(file)).unwrap();
    let command = text("command");
    let code = command.rsplit_once("rc=").unwrap().1.trim().parse().unwrap();
    Some(Recorded { stdout: text("cli.stdout"), stderr: text("cli.stderr"), code })
}

#[test]
fn help_is_docker_machines_and_names_the_drivers_flags() {
    let lab = Lab::new();
    let ours = old(&lab, ["create", "-d", "none", "--help"]);
    assert_eq!((ours.code, ours.stderr.as_str()), (Some(0), ""));
    assert!(ours.stdout.starts_with("Usage: docker-machine create [OPTIONS] [arg...]\n\n"));
    let Some(theirs) = recorded("flags-none") else { return };
    let theirs = theirs.stdout.replace("/home/user/.captures/wrap/core-plugin", "docker-machine");
    let lines: Vec<&str> = ours.stdout.lines().collect();
    for line in theirs.lines() {
        assert!(lines.contains(&line), "missing: {line:?} in\n{}", ours.stdout);
    }
}

#[test]
fn the_program_and_its_commands_have_help() {
    let lab = Lab::new();
    let whole = old(&lab, []);
    assert_eq!(whole.code, Some(0));
    let begin = "Usage: docker-machine [OPTIONS] COMMAND [arg...]\n\nCreate and manage machines \
                 running Docker.\n\nVersion: ";
    assert!(whole.stdout.starts_with(begin), "{}", whole.stdout);
    for part in ["\n  --storage-path, -s ", "\n  --bugsnag-api-token ", "\n  help, h\t"] {
        assert!(whole.stdout.contains(part), "no {part:?} in {}", whole.stdout);
    }
    for command in [
        "active", "config", "create", "env", "inspect", "ip", "kill", "ls", "mount", "restart",
        "rm", "scp", "ssh", "start", "status", "stop", "upgrade", "url", "version",
    ] {
        let driver = if command == "create" { vec!["-d", "none"] } else { Vec::new() };
        let help = run(lab.docker_machine([command, "-h"]).args(driver));
        let first = help.stdout.lines().next().unwrap_or_default().to_owned();
        assert!(first.starts_with(&format!("Usage: docker-machine {command}")), "{first}");
        assert_eq!(help.code, Some(0), "{command}");
    }
    let version = old(&lab, ["version"]).stdout;
    let number = env!("CARGO_PKG_VERSION");
    assert!(version.starts_with(&format!("docker-machine version {number}, build ")), "{version}");
    assert_eq!(old(&lab, ["-v"]).stdout, version);
    assert_eq!(old(&lab, ["--version", "ls"]).stdout, version);
}

#[test]
fn mistakes_in_the_command_line() {
    let lab = Lab::new();
    let see =
        "docker-machine: 'foo' is not a docker-machine command. See 'docker-machine --help'.\n";
    says(&old(&lab, ["foo"]), "", see, 1);
    says(&old(&lab, ["help", "foo"]), "", see, 1);
    for (args, stderr, code) in [
        (&["ls", "--bogus"][..], "flag provided but not defined: -bogus\n", 0),
        (&["--bogus", "ls"], "flag provided but not defined: -bogus\n", 0),
        (&["ls", "-t"], "flag needs an argument: -t\n", 0),
        (&["ls", "-t", "x"], "invalid value \"x\" for flag -timeout: parse error\n", 0),
        (&["create", "-d", "none", "--bogus", "x"], "flag provided but not defined: -bogus\n", 1),
        (&["create", "-d", "none", "--url"], "flag needs an argument: -url\n", 1),
    ] {
        let run = run(&mut lab.docker_machine(args));
        assert_eq!((run.code, run.stderr.as_str()), (Some(code), stderr), "{args:?}");
        assert!(run.stdout.starts_with("Incorrect Usage.\n\nUsage: docker-machine "), "{args:?}");
    }
    let two = "Cannot use two forms of the same flag: f force\n";
    let run = old(&lab, ["rm", "-f", "--force", "x"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), two));
    assert!(run.stdout.starts_with(&format!("{two}\nUsage: docker-machine rm ")));
    let none = "Error: No machine name(s) specified and no \"default\" machine exists\n";
    for command in ["config", "ip", "kill", "restart", "start", "status", "stop", "upgrade", "url"]
    {
        says(&old(&lab, [command]), "", none, 1);
        says(&old(&lab, [command, "foo"]), "", &format!("{UNKNOWN}\n"), 1);
    }
    for command in ["status", "url", "version"] {
        let one = "Error: Expected one machine name as an argument\n";
        says(&old(&lab, [command, "a", "b"]), "", one, 1);
    }
    assert_eq!(old(&lab, ["ls", "passed", "over"]).code, Some(0));
    says(&old(&lab, ["active", "x"]), "", "Error: Too many arguments given\n", 1);
    for command in ["scp", "mount"] {
        let run = old(&lab, [command]);
        assert_eq!(run.stderr, "Improper number of arguments\n");
        assert!(run.stdout.starts_with(&format!("Usage: docker-machine {command} [OPTIONS]")));
    }
    let twice = format!("Error loading host: Error loading host: {UNKNOWN}\n");
    says(&old(&lab, ["scp", "foo:a", "b"]), "", &twice, 1);
    let many = old(&lab, ["stop", "foo", "bar"]);
    assert_eq!(many.stderr, format!("{UNKNOWN}\n{}\n", UNKNOWN.replace("foo", "bar")));
}

#[test]
fn mistakes_of_create_come_in_docker_machines_order() {
    let lab = Lab::new();
    let plugin = |name: &str| {
        format!(
            "Driver \"{name}\" not found. Do you have the plugin binary \
             \"docker-machine-driver-{name}\" accessible in your PATH?\n"
        )
    };
    says(&old(&lab, ["create", "-d", "bogus", "--help"]), "", &plugin("bogus"), 1);
    // Its default driver, where VirtualBox is not installed.
    let default = run(lab.docker_machine(["create", "x"]).env("PATH", ""));
    let missing = "Error with pre-create check: \"VBoxManage not found. Make sure VirtualBox is \
                   installed and VBoxManage is in the path\"\n";
    assert_eq!((default.code, default.stderr.as_str()), (Some(3), missing));
    assert!(lab.machine_files().is_empty());
    let extra = "Invalid command line. Found extra arguments [b c]\n";
    says(&old(&lab, ["create", "-d", "none", "∞", "b", "c"]), "", extra, 1);
    let run = old(&lab, ["create", "-d", "none"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), "Error: No machine name specified\n"));
    assert!(run.stdout.starts_with("Usage: docker-machine create"));
    let name = "Error creating machine: Invalid hostname specified. Allowed hostname chars are: \
                0-9a-zA-Z . -\n";
    for wrong in ["∞", "-", ".", ".."] {
        says(&old(&lab, ["create", "-d", "none", "--url", "none", wrong]), "", name, 1);
    }
    let discovery = "Error parsing swarm discovery: Swarm Discovery URL was in the wrong format: \
                     foo\n";
    says(&old(&lab, ["create", "-d", "none", "--swarm-discovery", "foo", "a"]), "", discovery, 1);
    let flags = "Error setting machine configuration from flags provided: --url option is \
                 required when no driver is selected\n";
    says(&old(&lab, ["create", "-d", "none", "a"]), "", flags, 1);
    assert!(lab.machine_files().is_empty());
    assert_eq!(old(&lab, ["create", "-d", "none", "--url", "none", "a"]).code, Some(0));
    let again = old(&lab, ["create", "-d", "none", "--url", "none", "a"]);
    says(&again, "", "Docker machine \"a\" already exists\n", 1);
    // A variable that cannot be read is passed over.
    let mut lenient = lab.docker_machine(["create", "-d", "qemu"]);
    assert_eq!(run_code(lenient.env("QEMU_MEMORY", "lots")), Some(1));
}

fn run_code(command: &mut std::process::Command) -> Option<i32> {
    let run = run(command);
    assert_eq!(run.stderr, "Error: No machine name specified\n");
    run.code
}

#[test]
fn a_host_without_a_driver_lives_as_it_did() {
    let lab = Lab::new();
    let url = "tcp://127.0.0.1:2376";
    assert_eq!(old(&lab, ["create", "-d", "none", "--url", url, "first"]).code, Some(0));
    let made = old(&lab, ["create", "-d", "none", "--url", url, "--engine-label", "a=b", "n1"]);
    let removed = old(&lab, ["rm", "-y", "n1"]);
    assert_eq!((made.code, removed.code), (Some(0), Some(0)));
    let Some(theirs) = recorded("core-none-create") else { return };
    let theirs = theirs.stdout.replace("/home/user/.captures/wrap/core-plugin", "docker-machine");
    assert_eq!(made.stdout, theirs);
    assert_eq!(removed.stdout, recorded("core-none-rm").unwrap().stdout);
    let active = recorded("active").unwrap();
    says(&old(&lab, ["active"]), &active.stdout, &active.stderr, active.code);
}

/// docker-machine logs in after each start; a machine of the fake driver has no guest.
fn without_guest(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| !line.starts_with("Waiting for SSH") && !line.starts_with("Detecting the"))
        .collect()
}

#[test]
fn power() {
    let lab = Lab::new();
    assert_eq!(old(&lab, ["create", "-d", "fake", "d1"]).code, Some(0));
    let running = "Machine \"d1\" is already running.\n";
    says(&old(&lab, ["start", "d1"]), "Starting \"d1\"...\n", running, 1);
    let restarted = old(&lab, ["restart", "d1"]);
    let stopped = old(&lab, ["stop", "d1"]);
    let off = "Machine \"d1\" is already stopped.\n";
    says(&old(&lab, ["stop", "d1"]), "Stopping \"d1\"...\n", off, 1);
    says(&old(&lab, ["kill", "d1"]), "Killing \"d1\"...\n", off, 1);
    says(&old(&lab, ["url", "d1"]), "", "Host is not running\n", 1);
    says(&old(&lab, ["ip", "d1"]), "", "Error getting IP address: Host is not running\n", 1);
    says(&old(&lab, ["status", "d1"]), "Stopped\n", "", 0);
    let cannot = "Error: Cannot run SSH command: Host \"d1\" is not running\n";
    says(&old(&lab, ["ssh", "d1"]), "", cannot, 1);
    let started = old(&lab, ["start", "d1"]);
    let killed = old(&lab, ["kill", "d1"]);
    let again = old(&lab, ["restart", "d1"]);
    assert!(again.stdout.starts_with("Restarting \"d1\"...\nStarting \"d1\"...\n"));
    for (name, run) in
        [("restart", restarted), ("stop", stopped), ("start", started), ("kill", killed)]
    {
        let Some(theirs) = recorded(name) else { return };
        says(&run, &without_guest(&theirs.stdout), "", theirs.code);
    }
}

#[test]
fn failures_of_create() {
    let lab = Lab::new();
    let pre = old(&lab, ["create", "-d", "fake", "--fake-fail", "pre-check", "f1"]);
    let create = old(&lab, ["create", "-d", "fake", "--fake-fail", "server", "f2"]);
    let line = |text: &str| text.lines().find(|line| line.starts_with("Error")).map(str::to_owned);
    let same = |ours: &Run, name: &str, cause: &str| {
        let Some(theirs) = recorded(name) else { return };
        let expected =
            line(&theirs.stderr).unwrap().replace("pre-create check failed: demo", cause);
        let expected = expected.replace("create failed: demo", cause);
        assert_eq!((ours.stderr.trim_end(), ours.code), (expected.as_str(), Some(theirs.code)));
    };
    same(&pre, "fail-pre", "step `pre-check` was told to fail");
    same(&create, "fail-create", "step `server` was told to fail");
    assert!(!lab.store().join("machines/f1").exists());
    let about = "About to remove f2\nWARNING: This action will delete both local reference and \
                 remote instance.\n";
    says(&old(&lab, ["rm", "-f", "f2"]), &format!("{about}Successfully removed f2\n"), "", 0);
    if let Some(theirs) = recorded("rm-f") {
        assert_eq!(format!("{about}Successfully removed f2\n"), theirs.stdout);
    }
}

#[test]
fn removal() {
    let lab = Lab::new();
    let about = |name: &str| {
        format!(
            "About to remove {name}\nWARNING: This action will delete both local reference and \
             remote instance.\n"
        )
    };
    let run = old(&lab, ["rm", "-y"]);
    let none = "Error: Expected to get one or more machine names as arguments\n";
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), none));
    let unknown = format!("Error removing host \"foo\": {UNKNOWN}\n");
    says(&old(&lab, ["rm", "foo", "-y"]), &about("foo"), &unknown, 1);
    let forced = format!("{unknown}Can't remove \"foo\"\n");
    says(&old(&lab, ["rm", "-f", "foo"]), &about("foo"), &forced, 0);
    let gone = |answer: &str| {
        use std::io::Write;
        assert_eq!(old(&lab, ["create", "-d", "none", "--url", "none", "ba"]).code, Some(0));
        let mut rm = lab.docker_machine(["rm", "ba"]);
        let mut child = rm
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{answer:?}");
        let gone = !lab.store().join("machines/ba").exists();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let end = if gone { "Successfully removed ba\n" } else { "" };
        assert_eq!(stdout, format!("{}Are you sure? (y/n): {end}", about("ba")));
        lab.ok(["rm", "-f", "ba"]);
        gone
    };
    assert!(gone("y\n") && gone("Yes\n"));
    assert!(!gone("n\n") && !gone("") && !gone("\n"));
    assert_eq!(old(&lab, ["create", "-d", "fake", "--fake-fail", "remove-key", "k"]).code, Some(0));
    let kept = old(&lab, ["rm", "-y", "k"]);
    assert!(kept.stderr.starts_with("Error removing host \"k\": "), "{}", kept.stderr);
    assert_eq!((kept.code, kept.stderr.lines().count()), (Some(1), 1));
}

#[test]
fn config_tells_by_its_exit_code_whether_the_engine_answers() {
    let lab = Lab::new();
    let url = "tcp://127.0.0.1:1";
    assert_eq!(old(&lab, ["create", "-d", "none", "--url", url, "n1"]).code, Some(0));
    let run = old(&lab, ["config", "n1"]);
    let begin = "Error running connection boilerplate: Error checking and/or regenerating the \
                 certs: There was an error validating certificates for host \"127.0.0.1:1\": ";
    assert!(run.stderr.starts_with(begin), "{}", run.stderr);
    let end = "\nYou can attempt to regenerate them using 'docker-machine regenerate-certs \
               [name]'.\nBe advised that this will trigger a Docker daemon restart which might \
               stop running containers.\n\n";
    assert!(run.stderr.ends_with(end), "{}", run.stderr);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert_eq!(lab.run(["config", "n1"]).code, Some(0), "our own command asks nobody");
}

#[test]
fn active_knows_a_swarm_by_its_master() {
    let lab = Lab::new();
    let master = ["create", "-d", "none", "--url", "tcp://1.2.3.4:2376", "--swarm-master", "m"];
    assert_eq!(old(&lab, master).code, Some(0));
    for host in ["tcp://1.2.3.4:2376", "tcp://1.2.3.4:3376"] {
        says(&run(lab.docker_machine(["active"]).env("DOCKER_HOST", host)), "m\n", "", 0);
    }
    assert!(lab.ok(["config", "--swarm", "m"]).ends_with("-H=tcp://1.2.3.4:3376\n"));
}

/// What the executor `docker+machine` of GitLab Runner calls, in its order and form.
#[test]
fn gitlab_runner() {
    let lab = Lab::new();
    let call = |args: &[&str]| {
        let words = ["--bugsnag-api-token=no-report"].iter().chain(args);
        run(&mut lab.docker_machine(words))
    };
    let name = "runner-4zdtb93k-gitlab-docker-machine-1700000000-0123abcd";
    let url = "--fake-url=tcp://127.0.0.1:1";
    assert_eq!(call(&["create", "--driver", "fake", url, name]).code, Some(0));
    let dir = lab.store().join("machines").join(name);
    assert!(dir.join("config.json").is_file());
    let template = "{{.HostOptions.AuthOptions.StorePath}}";
    let path = call(&["inspect", name, "-f", template]);
    assert_eq!(path.stdout.trim(), dir.display().to_string());
    for file in ["ca.pem", "cert.pem", "key.pem"] {
        assert!(dir.join(file).is_file(), "{file}");
    }
    says(&call(&["url", name]), "tcp://127.0.0.1:1\n", "", 0);
    says(&call(&["status", name]), "Running\n", "", 0);
    assert_eq!(call(&["config", name]).code, Some(1), "nobody answers there");
    let stopped = format!("Stopping \"{name}\"...\nMachine \"{name}\" was stopped.\n");
    says(&call(&["stop", name]), &stopped, "", 0);
    assert!(call(&["rm", "-y", name]).stdout.ends_with(&format!("Successfully removed {name}\n")));
    assert_eq!((call(&["inspect", name]).code, lab.cloud()), (Some(1), 0));
}

#[test]
fn machines_with_long_names_can_be_used_and_removed() {
    let lab = Lab::new();
    assert_eq!(old(&lab, ["create", "-d", "none", "--url", "none", "a"]).code, Some(0));
    let long = "x".repeat(100);
    let machines = lab.store().join("machines");
    fs::rename(machines.join("a"), machines.join(&long)).unwrap();
    says(&old(&lab, ["url", &long]), "none\n", "", 0);
    assert_eq!(old(&lab, ["rm", "-y", &long]).code, Some(0));
    assert!(lab.machine_files().is_empty());
}
