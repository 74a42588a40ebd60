//! What `env` prints, evaluated by the shells themselves. A shell that is not installed is skipped,
//! with a line that says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::golden::records;
use crate::lab::{Lab, Run, run};

/// A shell: how it is started, and how it evaluates what `env` prints, as the hint says.
struct Shell {
    program: &'static str,
    arguments: &'static [&'static str],
    /// The value of `--shell`.
    name: &'static str,
    /// Evaluates `machine env ARGS`; `{}` stands for that command.
    eval: &'static str,
    /// Prints the variable `V`.
    print: &'static str,
}

const fn posix(program: &'static str) -> Shell {
    Shell {
        program,
        arguments: &["-c"],
        name: program,
        eval: "eval \"$({})\"",
        print: "printenv V || true",
    }
}

const SHELLS: [Shell; 10] = [
    posix("sh"),
    posix("bash"),
    posix("zsh"),
    posix("ksh"),
    posix("mksh"),
    Shell {
        program: "fish",
        arguments: &["--no-config", "-c"],
        name: "fish",
        eval: "eval ({})",
        print: "printenv V; true",
    },
    Shell {
        program: "tcsh",
        arguments: &["-f", "-c"],
        name: "tcsh",
        eval: "eval `{}`",
        print: "printenv V",
    },
    Shell {
        program: "nu",
        arguments: &["-n", "-c"],
        name: "nu",
        eval: "{} | from nuon | load-env",
        print: "do -i { ^printenv V }",
    },
    Shell {
        program: "emacs",
        arguments: &["-Q", "--batch", "--eval"],
        name: "emacs",
        eval: "(with-temp-buffer (shell-command \"{}\" (current-buffer)) (eval-buffer))",
        print: "(princ (concat (or (getenv \"V\") \"\") \"\\n\"))",
    },
    Shell {
        program: "pwsh",
        arguments: &["-NoProfile", "-NonInteractive", "-Command"],
        name: "powershell",
        eval: "& {} | Invoke-Expression",
        print: "printenv V",
    },
];

impl Shell {
    /// Where it is; without it says that it is skipped.
    fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .map(|dir| dir.join(self.program))
            .find(|program| program.is_file());
        if found.is_none() {
            let line = format!("skipped: no {}\n", self.program);
            std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
        }
        found
    }

    /// Evaluates `machine env ARGS` with some more variables, then prints each of `shown`, a line
    /// each; a variable that is not there has none.
    fn evaluate(
        &self,
        lab: &Lab,
        args: &str,
        variables: &[(&str, &str)],
        shown: &[&str],
    ) -> Option<Run> {
        let program = self.find()?;
        let machine = env!("CARGO_BIN_EXE_machine");
        let command = format!("{machine} env --shell {} {args}", self.name);
        let mut script = vec![self.eval.replace("{}", command.trim_end())];
        script.extend(shown.iter().map(|name| self.print.replace('V', name)));
        let script = match self.program {
            "emacs" => format!("(progn {})", script.join(" ")),
            _ => script.join("\n"),
        };
        let mut shell = Command::new(program);
        let environment = lab.command();
        let inherited = environment.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell.env_clear().envs(inherited).env("LC_ALL", "C.UTF-8");
        shell.envs(variables.iter().copied());
        Some(run(shell.args(self.arguments).arg(&script).stdin(Stdio::null())))
    }
}

/// A lab with the machine `m`, an Engine that is known by its address.
fn lab() -> Lab {
    let lab = Lab::new();
    let none = records().into_iter().find(|(name, _)| name == "none").unwrap().1;
    lab.put("m", &std::fs::read(none).unwrap());
    lab
}

const NAMES: [&str; 4] =
    ["DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_MACHINE_NAME", "DOCKER_TLS_VERIFY"];

#[test]
fn every_shell_reads_back_what_was_meant() {
    let lab = lab();
    let nasty = ["a b", "it's", "say \"hi\"", "$HOME `id` !x", r"back\slash", "50% & <more>;#(é)"];
    for dir in ["store"].iter().chain(&nasty) {
        let store = lab.path().join(dir);
        if *dir != "store" {
            copy(&lab, &store);
        }
        let expected = format!("tcp://127.0.0.1:1\n{}\nm\n1\n", store.join("machines/m").display());
        // By a variable: the path is not to stand in the command line, which is not under test.
        let place = [("MACHINE_STORAGE_PATH", store.to_str().unwrap())];
        for shell in &SHELLS {
            let Some(run) = shell.evaluate(&lab, "m", &place, &NAMES) else { continue };
            assert_eq!(run.stdout, expected, "{} in {dir}: {}", shell.program, run.stderr);
        }
    }
}

/// Copies the machine into another store.
fn copy(lab: &Lab, store: &Path) {
    let from = lab.store().join("machines/m/config.json");
    let to = store.join("machines/m");
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(from, to.join("config.json")).unwrap();
}

#[test]
fn every_shell_forgets() {
    let lab = lab();
    let before = NAMES.map(|name| (name, "old"));
    for shell in &SHELLS {
        let Some(run) = shell.evaluate(&lab, "-u", &before, &NAMES) else { continue };
        assert_eq!(run.stdout.trim(), "", "{}: {}", shell.program, run.stderr);
    }
}

/// Also the list of hosts without a proxy, of which docker-machine made a line that no shell reads.
#[test]
fn every_shell_takes_the_proxy_out_of_the_way_and_forgets_it() {
    let lab = lab();
    for shell in &SHELLS {
        let old = [("NO_PROXY", "10.127.0.0.1,b.example")];
        let Some(set) = shell.evaluate(&lab, "--no-proxy m", &old, &["NO_PROXY"]) else { continue };
        let expected = "10.127.0.0.1,b.example,127.0.0.1:1\n";
        assert_eq!(set.stdout, expected, "{}: {}", shell.program, set.stderr);
        let unset = shell.evaluate(&lab, "-u --no-proxy", &old, &["NO_PROXY"]).unwrap();
        assert_eq!(unset.stdout.trim(), "", "{}: {}", shell.program, unset.stderr);
    }
}

/// The code for a machine that is not there forgets the old one.
#[test]
fn every_shell_is_told_of_a_failure() {
    let lab = lab();
    let before = [("DOCKER_HOST", "tcp://old:2376")];
    for shell in SHELLS.iter().filter(|shell| shell.program != "nu") {
        let Some(run) = shell.evaluate(&lab, "nope", &before, &["DOCKER_HOST"]) else { continue };
        assert!(!run.stdout.contains("old"), "{}: {}", shell.program, run.stdout);
        // Emacs takes what is on stderr for code as well, and fails at that.
        if shell.program != "emacs" {
            assert!(run.stderr.contains("does not exist"), "{}: {}", shell.program, run.stderr);
        }
    }
}

/// The shell that called counts, whatever the login shell is; docker-machine asks the login shell.
#[test]
fn the_calling_shell_is_known() {
    let lab = lab();
    for (shell, first) in [
        ("bash", "export DOCKER_TLS_VERIFY=\"1\"\n"),
        ("zsh", "export DOCKER_TLS_VERIFY=\"1\"\n"),
        ("fish", "set -gx DOCKER_TLS_VERIFY \"1\";\n"),
        ("tcsh", "setenv DOCKER_TLS_VERIFY \"1\";\n"),
        ("nu", "{\n    DOCKER_TLS_VERIFY: \"1\"\n"),
    ] {
        let shell = SHELLS.iter().find(|known| known.program == shell).unwrap();
        let Some(program) = shell.find() else { continue };
        let login = if first.starts_with("set -gx") { "/bin/tcsh" } else { "/usr/bin/fish" };
        let called = |machine: &str| {
            let environment = lab.command();
            let variables = environment.get_envs().filter_map(|(name, it)| Some((name, it?)));
            let mut command = Command::new(&program);
            command.env_clear().envs(variables).env("SHELL", login).stdin(Stdio::null());
            // A second command, or the shell might put the program in its own place.
            let script = format!("{machine} env m; echo end");
            run(command.args(shell.arguments).arg(script)).stdout
        };
        let code = called(env!("CARGO_BIN_EXE_machine"));
        assert!(code.starts_with(first), "{}: {code}", shell.program);
    }
    let mut command = lab.command();
    std::os::unix::process::CommandExt::arg0(&mut command, "docker-machine");
    let unset = run(command.env("SHELL", "/usr/bin/fish").args(["env", "-u"]));
    assert!(unset.stdout.starts_with("set -e DOCKER_TLS_VERIFY;\n"), "{}", unset.stdout);
    let mut command = lab.command();
    std::os::unix::process::CommandExt::arg0(&mut command, "docker-machine");
    let unknown = run(command.env_remove("SHELL").args(["env", "-u"]));
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("Error: Unknown shell\n"), "{}", unknown.stderr);
    assert!(
        unknown.stdout.starts_with(
            "The default lines below are for a sh/bash shell, you can specify the shell you're \
             using, with the --shell flag.\n\n"
        ),
        "{}",
        unknown.stdout
    );
}

/// The text itself, with the hint, for each shell.
#[test]
fn plain_values_come_in_docker_machines_bytes() {
    let lab = lab();
    let (machine, dir) = (env!("CARGO_BIN_EXE_machine"), lab.store().join("machines/m"));
    let dir = dir.display();
    let run_this = "Run this command to configure your shell: ";
    for (shell, line, end) in [
        ("weird", "export N=\"V\"", format!("# {run_this}\n# eval $(CMD)\n")),
        ("fish", "set -gx N \"V\";", format!("# {run_this}\n# eval (CMD)\n")),
        ("powershell", "$Env:N = \"V\"", format!("# {run_this}\n# & CMD | Invoke-Expression\n")),
        (
            "cmd",
            "SET N=V",
            format!("REM {run_this}\nREM \t@FOR /f \"tokens=*\" %i IN ('CMD') DO @%i\n"),
        ),
        ("tcsh", "setenv N \"V\";", format!(": {run_this}\n: eval `CMD`\n")),
        (
            "emacs",
            "(setenv \"N\" \"V\")",
            format!(
                ";; {run_this}\n;; (with-temp-buffer (shell-command \"CMD\" (current-buffer)) \
                 (eval-buffer))\n"
            ),
        ),
    ] {
        let values = [
            ("DOCKER_TLS_VERIFY", "1".to_owned()),
            ("DOCKER_HOST", "tcp://127.0.0.1:1".to_owned()),
            ("DOCKER_CERT_PATH", dir.to_string()),
            ("DOCKER_MACHINE_NAME", "m".to_owned()),
        ];
        let lines = values.map(|(name, value)| {
            line.replace('N', "\0").replace('V', &value).replace('\0', name) + "\n"
        });
        let lines = lines.concat();
        let command = format!("{machine} env --shell {shell} m");
        let expected = lines + &end.replace("CMD", &command);
        assert_eq!(lab.ok(["env", "--shell", shell, "m"]), expected, "{shell}");
    }
}

#[test]
fn the_swarm_of_a_master() {
    let lab = Lab::new();
    for (name, path) in records() {
        lab.put(&name, &std::fs::read(path).unwrap());
    }
    let refused = lab.run(["env", "--swarm", "none"]);
    assert_eq!(refused.code, Some(1));
    let text = "is not a swarm master. The --swarm flag is intended for use with swarm masters";
    assert!(refused.stderr.contains(&format!("\"none\" {text}")), "{}", refused.stderr);
    let record = std::fs::read_to_string(lab.store().join("machines/none/config.json")).unwrap();
    lab.put("none", record.replace("\"Master\": false", "\"Master\": true").as_bytes());
    let code = lab.ok(["env", "--swarm", "none"]);
    assert!(code.contains("export DOCKER_HOST=\"tcp://127.0.0.1:3376\"\n"), "{code}");
}

#[test]
fn a_name_and_u_exclude_each_other() {
    let refused = lab().run(["env", "-u", "m"]);
    assert!(refused.stderr.contains("Expected no machine name when the -u flag is present"));
}
