//! The program for Windows, under Wine. `scripts/test` builds it and says where it is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::lab::{Lab, Run, run, skip};

/// A Windows of one test: drive Z: is this computer's root directory.
struct Wine {
    lab: Lab,
    program: PathBuf,
    /// With a quote, blanks and letters that no code page has all of.
    store: PathBuf,
}

impl Wine {
    /// `None`, with a word about it, where there is no such program or no Wine.
    fn new() -> Option<Self> {
        let Some(program) = std::env::var_os("MACHINE_WINDOWS_EXE").map(PathBuf::from) else {
            skip("MACHINE_WINDOWS_EXE names no program for Windows");
            return None;
        };
        if !Path::new(WINE).exists() {
            skip("no wine64");
            return None;
        }
        let lab = Lab::new();
        let store = lab.path().join("Jörg O'Neil 測試/store of two  blanks");
        Some(Self { lab, program, store })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(WINE);
        command
            .arg(&self.program)
            .arg("--storage-path")
            .arg(windows_path(&self.store))
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.lab.path())
            .env("USER", "tester")
            .env("WINEPREFIX", concat!(env!("CARGO_TARGET_TMPDIR"), "/wine"))
            .env("WINEDEBUG", "-all")
            // Wine takes names of files for this, whatever the system's own language is.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
        run.stdout.replace("\r\n", "\n")
    }
}

const WINE: &str = "/usr/lib/wine/wine64";

fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

#[test]
fn a_machine_from_cradle_to_grave() {
    let Some(wine) = Wine::new() else { return };
    assert!(wine.ok(&["version"]).starts_with("machine "));
    wine.ok(&["create", "-d", "fake", "lab1"]);
    assert!(wine.ok(&["ls"]).contains("lab1"));
    let dir = windows_path(&wine.store.join("machines/lab1"));

    let powershell = wine.ok(&["env", "--shell", "powershell", "lab1"]);
    assert!(powershell.contains(&format!("$Env:DOCKER_CERT_PATH = \"{dir}\"\n")), "{powershell}");
    assert!(powershell.ends_with("| Invoke-Expression\n"), "{powershell}");
    let cmd = wine.ok(&["env", "--shell", "cmd", "lab1"]);
    assert!(cmd.contains(&format!("SET DOCKER_CERT_PATH={dir}\n")), "{cmd}");
    // There is nobody who called: the system's own shell.
    assert_eq!(wine.ok(&["env", "lab1"]).lines().next(), cmd.lines().next());

    // The store is the same for a program on Linux.
    let mut native = wine.lab.command();
    let listed = run(native.env("MACHINE_STORAGE_PATH", &wine.store).args(["ls", "-q"]));
    assert_eq!(listed.stdout, "lab1\n");
    wine.ok(&["rm", "-y", "lab1"]);
    assert_eq!(wine.ok(&["ls", "-q"]), "");
}

/// The second is told who works on the machine; whoever reads is never told half of a record.
#[test]
fn two_processes_on_one_store() {
    let Some(wine) = Wine::new() else { return };
    let slow = ["create", "-d", "fake", "--fake-delay", "disk=6000", "lab1"];
    let mut first = wine.command(&slow);
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let record = wine.store.join("machines/lab1/config.json");
    while !record.exists() && first.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let second = wine.run(&["create", "-d", "fake", "lab1"]);
    assert_ne!(second.code, Some(0), "{}", second.stdout);
    assert!(second.stderr.contains("create lab1"), "{}", second.stderr);
    assert!(first.wait().unwrap().success());

    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..2 {
                wine.ok(&["stop", "lab1"]);
                wine.ok(&["start", "lab1"]);
            }
        });
        while !writer.is_finished() {
            assert_eq!(wine.ok(&["inspect", "-f", "{{.Name}}", "lab1"]), "lab1\n");
        }
    });
}

/// Longer than the 260 characters that Windows' old functions take.
#[test]
fn a_store_with_a_long_path() {
    let Some(mut wine) = Wine::new() else { return };
    wine.store =
        (0..12).fold(wine.lab.path().to_owned(), |dir, _| dir.join("a long name for a directory"));
    assert!(windows_path(&wine.store).len() > 300);
    wine.ok(&["create", "-d", "fake", "lab1"]);
    assert_eq!(wine.ok(&["ls", "-q"]), "lab1\n");
    wine.ok(&["rm", "-y", "lab1"]);
}
