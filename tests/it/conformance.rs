//! What a script could match, command by command, of what docker-machine says: to the byte, under
//! its name. `compat.rs` holds what was recorded from docker-machine itself; the words here are
//! those of its source.

use std::io::Write;
use std::process::Stdio;

use crate::lab::{Lab, run};

/// A lab with `n1`, a host without a driver, and `d1`, a machine that can be switched.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.ok(["create", "-d", "none", "--url", "tcp://1.2.3.4:2376", "n1"]);
    assert_eq!(lab.fake(&["d1"]).code, Some(0));
    lab
}

const HINT: &str = "# Run this command to configure your shell: \n# eval $(docker-machine ";

#[test]
fn each_command_has_its_words() {
    let lab = lab();
    let one = "Error: Expected one machine name as an argument\n";
    let no_default = "Error: No machine name(s) specified and no \"default\" machine exists\n";
    let unset = format!(
        "unset DOCKER_TLS_VERIFY\nunset DOCKER_HOST\nunset DOCKER_CERT_PATH\n\
         unset DOCKER_MACHINE_NAME\n{HINT}env -u)\n"
    );
    let swarm = "Error checking TLS connection: \"n1\" is not a swarm master. The --swarm flag is \
                 intended for use with swarm masters\n";
    for (line, stdout, stderr, code) in [
        // Section 1.2 to 1.4.
        ("active", "", "No active host found\n", 1),
        ("env a b", "", one, 1),
        ("env", "", no_default, 1),
        ("env -u", &unset, "", 0),
        ("env --unset", &unset.replace("-u)", "--unset)"), "", 0),
        ("env -u n1", "", "Error: Expected no machine name when the -u flag is present\n", 1),
        ("env --swarm n1", "", swarm, 1),
        // 1.5.
        ("inspect n1 -f {{.Driver.URL}}", "tcp://1.2.3.4:2376\n", "", 0),
        ("inspect -f {{.HostOptions.EngineOptions.TlsVerify}} n1", "true\n", "", 0),
        ("inspect n1 -f {{.Driver.SSHPort}}", "0\n", "", 0),
        ("inspect n1 -f {{.Driver.Nope}}", "<no value>\n", "", 0),
        ("inspect n1 -f {{json", "", "template parsing error: template: :1: unclosed action\n", 1),
        // 1.6.
        ("ip n1", "1.2.3.4:2376\n", "", 0),
        ("url n1", "tcp://1.2.3.4:2376\n", "", 0),
        ("status n1", "Running\n", "", 0),
        ("status d1", "Running\n", "", 0),
        ("status a b", "", one, 1),
        ("url a b", "", one, 1),
        ("version a b", "", one, 1),
        // 1.7 and drivers.md 8.
        ("start n1", "Starting \"n1\"...\n", "Machine \"n1\" is already running.\n", 1),
        ("stop n1", "Stopping \"n1\"...\n", "hosts without a driver cannot be stopped\n", 1),
        ("kill n1", "Killing \"n1\"...\n", "hosts without a driver cannot be killed\n", 1),
        ("restart n1", "Restarting \"n1\"...\n", "hosts without a driver cannot be restarted\n", 1),
        // 1.8.
        ("ls -q", "d1\nn1\n", "", 0),
        ("ls -q --filter driver=NONE", "n1\n", "", 0),
        ("ls --filter x", "", "Unsupported filter syntax\n", 1),
        ("ls --filter a=b", "", "Unsupported filter key 'a'\n", 1),
        ("ls --filter name=[", "", "error parsing regexp: missing closing ]: `[`\n", 1),
        ("ls -f {{.Name}}:{{.DriverName}} --filter name=n1", "n1:none\n", "", 0),
        ("ls -f {{.Name}}\\t{{.State}} --filter name=d1", "d1\tRunning\n", "", 0),
        // 1.9.
        ("rm", "", "Error: Expected to get one or more machine names as arguments\n", 1),
        // 1.12 and 1.13.
        ("scp a", "", "Improper number of arguments\n", 1),
        ("scp a b c", "", "Improper number of arguments\n", 1),
        ("mount", "", "Improper number of arguments\n", 1),
        ("mount a b c", "", "Improper number of arguments\n", 1),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let run = run(&mut lab.docker_machine(&words));
        assert_eq!((run.stderr.as_str(), run.code), (stderr, Some(code)), "{line}");
        // Some mistakes are told below the help of the command.
        if !(stdout.is_empty() && run.stdout.starts_with("Usage: docker-machine ")) {
            assert_eq!(run.stdout, stdout, "{line}");
        }
    }
}

#[test]
fn a_machine_that_does_not_say_how_it_is() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["--fake-fail", "state", "f1"]).code, Some(0));
    let why = "step `state` was told to fail\n";
    for (line, stdout, stderr, code) in [
        ("status f1", "", format!("error getting state for host f1: {why}"), 1),
        ("ip f1", "", format!("Error getting IP address: {why}"), 1),
        ("url f1", "", why.to_owned(), 1),
        ("ssh f1", "", why.to_owned(), 1),
        ("ls -f {{.State}}|{{.URL}}|{{.Error}}", &format!("Error||{why}"), String::new(), 0),
        ("stop f1", "Stopping \"f1\"...\nMachine \"f1\" was stopped.\n", String::new(), 0),
        ("kill f1", "Killing \"f1\"...\nMachine \"f1\" was killed.\n", String::new(), 0),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let run = run(&mut lab.docker_machine(&words));
        let said = (run.stdout.as_str(), run.stderr, run.code);
        assert_eq!(said, (stdout, stderr, Some(code)), "{line}");
    }
}

#[test]
fn regenerating_is_asked_first() {
    let lab = lab();
    let question = "Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): ";
    for (answer, stderr, code) in
        [("n\n", "", 0), ("", "EOF\n", 1), ("\n", "unexpected newline\n", 1)]
    {
        let mut command = lab.docker_machine(["regenerate-certs", "d1"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), question, "{answer:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), stderr, "{answer:?}");
        assert_eq!(output.status.code(), Some(code), "{answer:?}");
    }
}

#[test]
fn an_authority_that_cannot_be_used_stops_create() {
    let lab = lab();
    let key = lab.store().join("certs/ca-key.pem");
    std::fs::remove_file(key).unwrap();
    let args = ["create", "-d", "none", "--url", "tcp://1.2.3.4:2376", "n2"];
    let run = run(&mut lab.docker_machine(args));
    let said = format!(
        "Error generating certificates: the authority `{}` has lost its key\n",
        lab.store().join("certs/ca.pem").display()
    );
    assert_eq!((run.stdout.as_str(), run.stderr, run.code), ("", said, Some(1)));
    assert!(!lab.store().join("machines/n2").exists());
}

#[test]
fn the_shell_that_is_not_known_is_asked_for() {
    let lab = lab();
    let env = run(lab.docker_machine(["env", "-u"]).env("SHELL", ""));
    let stdout = "The default lines below are for a sh/bash shell, you can specify the shell you're \
                  using, with the --shell flag.\n\n";
    assert_eq!((env.stdout.as_str(), env.stderr.as_str()), (stdout, "Error: Unknown shell\n"));
    assert_eq!(env.code, Some(1));
}
