//! Completion in the real shells. A shell that is not installed is skipped, and said so.

use std::process::Command;

use crate::lab::{Lab, run};

/// A store with two machines, and the program by its name on `PATH`.
fn lab() -> Lab {
    let lab = Lab::new();
    let bin = lab.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_machine"), bin.join("machine")).unwrap();
    for name in ["lonely", "lab2"] {
        assert_eq!(lab.fake(&[name]).code, Some(0));
    }
    lab
}

fn shell(lab: &Lab, name: &str, args: &[&str]) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        [lab.path().join("bin")].into_iter().chain(std::env::split_paths(&path)),
    )
    .unwrap();
    let mut command = Command::new(name);
    command
        .args(args)
        .env_clear()
        .env("PATH", path)
        .env("HOME", lab.path())
        .env("TERM", "dumb")
        .env("FAKE_CLOUD", lab.path().join("cloud.json"))
        .env("MACHINE_STORAGE_PATH", lab.store());
    if command.output().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        crate::lab::skipped(&format!("{name} is not installed"));
        return None;
    }
    let run = run(&mut command);
    assert_eq!(run.code, Some(0), "{name}: {}{}", run.stdout, run.stderr);
    Some(run.stdout)
}

#[test]
fn bash() {
    let lab = lab();
    // The words of a line as bash splits it, with the cursor at its end.
    let script = r#"
        source <(machine completion bash)
        complete -p machine >/dev/null || exit 1
        words() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
            _clap_complete_machine machine "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[*]}"
        }
        IFS=' '
        words machine env ''
        words machine stop lon
        words machine ls --filter dri
        words machine create -d none --ur
        words machine scp lab
        words machine create --driver fa
        words machine -s /nowhere env ''
        words machine doc
    "#;
    let Some(text) = shell(&lab, "bash", &["-c", script]) else { return };
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("lab2") && lines[0].contains("lonely"), "{text}");
    assert_eq!(lines[1].trim(), "lonely");
    assert!(lines[2].contains("driver=qemu") && lines[2].contains("driver=fake"), "{text}");
    assert_eq!(lines[3].trim(), "--url");
    assert_eq!(lines[4].trim(), "lab2:");
    assert_eq!(lines[5].trim(), "fake");
    assert!(!lines[6].contains("lab2"), "{text}");
    assert_eq!(lines[7].trim(), "doctor");
}

#[test]
fn fish() {
    let lab = lab();
    let script = "machine completion fish | source; \
                  complete -C 'machine env l'; echo ==; complete -C 'machine create -d none --ur'; \
                  echo ==; complete -C 'machine ls --filter state=R'";
    let Some(text) = shell(&lab, "fish", &["--no-config", "-c", script]) else { return };
    let parts: Vec<&str> = text.split("==\n").collect();
    let words: Vec<&str> = parts[0].lines().map(|it| it.split('\t').next().unwrap()).collect();
    assert_eq!(words, ["lab2", "lonely"], "{text}");
    assert!(parts[1].starts_with("--url\t"), "{text}");
    assert_eq!(parts[2].trim(), "state=Running", "{text}");
}

#[test]
fn zsh() {
    let lab = lab();
    // A whole interactive zsh: the tabulator completes the name, and the line is then run.
    let script = r#"
        zmodload zsh/zpty
        zpty z zsh -f -i
        zpty -w z 'autoload -U compinit; compinit -u -D; source <(machine completion zsh); print rea""dy'
        while zpty -r z line; do [[ $line == *ready* ]] && break; done
        zpty -w z $'machine status lon\t'
        while zpty -r z line; do print -r -- "$line"; [[ $line == *Running* ]] && break; done
        zpty -w z exit
    "#;
    let Some(text) = shell(&lab, "timeout", &["60", "zsh", "-f", "-c", script]) else { return };
    assert!(text.contains("machine status lonely"), "{text}");
    assert!(text.contains("Running"), "{text}");
}

#[test]
fn powershell_is_given_a_script() {
    let lab = lab();
    let script = lab.ok(["completion", "powershell"]);
    assert!(script.contains("Register-ArgumentCompleter"), "{script}");
    let named = run(&mut lab.docker_machine(["completion", "bash"])).stdout;
    assert!(named.contains("_clap_complete_docker_machine docker-machine"), "{named}");
}

#[test]
fn completion_asks_no_driver() {
    let lab = lab();
    // A driver that never answers would hold up whoever asks it.
    let cloud = lab.path().join("cloud.json");
    std::fs::write(cloud, "this is no cloud").unwrap();
    let mut command = lab.command();
    command.env("_MACHINE_COMPLETE", "fish").args(["--", "machine", "env", ""]);
    let run = run(&mut command);
    assert!(run.stdout.starts_with("lab2\nlonely\n"), "{}{}", run.stdout, run.stderr);
}
