//! A Windows of one test: Wine, where drive Z: is this computer's root directory.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::hosts::in_network;
use crate::lab::{Lab, Run, run, skip};

pub(super) struct Wine {
    pub(super) lab: Lab,
    /// The program, with what it needs beside it.
    program: PathBuf,
    /// With a quote, blanks and letters that no code page has all of.
    pub(super) store: PathBuf,
    /// In the network of the SSH hosts instead of this computer's.
    among_hosts: bool,
}

impl Wine {
    /// `None`, with a word about it, where there is no such program or no Wine.
    pub(super) fn new() -> Option<Self> {
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
        Some(Self { lab, program, store, among_hosts: false })
    }

    pub(super) fn among_hosts(mut self) -> Self {
        self.among_hosts = true;
        self
    }

    /// Puts the program into a directory of its own, with these stand-ins beside it, where Windows
    /// looks for programs first.
    pub(super) fn beside(mut self, stand_ins: &[&str]) -> Self {
        let dir = self.lab.path().join("programs");
        std::fs::create_dir(&dir).unwrap();
        let from = self.program.parent().unwrap().to_owned();
        for name in ["machine.exe", "bcryptprimitives.dll"] {
            std::fs::hard_link(from.join(name), dir.join(name))
                .or_else(|_| std::fs::copy(from.join(name), dir.join(name)).map(drop))
                .unwrap();
        }
        for name in stand_ins {
            std::fs::copy(from.join("programs.exe"), dir.join(format!("{name}.exe"))).unwrap();
        }
        self.program = dir.join("machine.exe");
        self
    }

    pub(super) fn program(&self) -> String {
        windows_path(&self.program)
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.wine();
        command.arg(&self.program).arg("--storage-path").arg(windows_path(&self.store)).args(args);
        command
    }

    /// A stand-in under its name.
    pub(super) fn stand_in(&self, name: &str, args: &[&str]) -> Command {
        let path = self.lab.path().join(format!("{name}.exe"));
        std::fs::copy(self.program.with_file_name("programs.exe"), &path).unwrap();
        let mut command = self.wine();
        command.arg(path).args(args);
        command
    }

    /// What Windows calls a new file with this content.
    pub(super) fn file(&self, name: &str, content: &str) -> String {
        let path = self.lab.path().join(name);
        std::fs::write(&path, content).unwrap();
        windows_path(&path)
    }

    pub(super) fn wine(&self) -> Command {
        // Each has a server of its own, which opens the sockets, in its own network.
        let (mut command, prefix) = if self.among_hosts {
            (in_network(WINE), concat!(env!("CARGO_TARGET_TMPDIR"), "/wine-among-hosts"))
        } else {
            (Command::new(WINE), concat!(env!("CARGO_TARGET_TMPDIR"), "/wine"))
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.lab.path())
            .env("USER", "tester")
            .env("FAKE_CLOUD", windows_path(&self.lab.path().join("cloud.json")))
            .env("WINEPREFIX", prefix)
            .env("WINEDEBUG", "-all")
            // Wine takes names of files for this, whatever the system's own language is.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, args: &[&str]) -> Run {
        run(&mut self.command(args))
    }

    #[track_caller]
    pub(super) fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
        run.stdout.replace("\r\n", "\n")
    }

    /// The same, with a console.
    pub(super) fn on_a_console(&self, args: &[&str]) -> Console {
        let command = self.command(args);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', r"'\''")))
            .collect();
        // `script` of util-linux makes a terminal, and passes on what it is told.
        let mut script = Command::new("script");
        script.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]).env_clear();
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        script.env("SHELL", "/bin/sh").env("TERM", "xterm");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Console(script.spawn().unwrap())
    }
}

/// A program on a console.
pub(super) struct Console(Child);

impl Console {
    pub(super) fn types(&mut self, keys: &[u8]) {
        let stdin = self.0.stdin.as_mut().unwrap();
        stdin.write_all(keys).and_then(|()| stdin.flush()).unwrap();
    }

    /// Its exit code and what the console has shown.
    pub(super) fn end(mut self) -> (Option<i32>, String) {
        // Closed only at the end, for that would be told as the end of the terminal.
        let stdin = self.0.stdin.take();
        let mut shown = Vec::new();
        self.0.stdout.take().unwrap().read_to_end(&mut shown).unwrap();
        let code = self.0.wait().unwrap().code();
        drop(stdin);
        (code, String::from_utf8_lossy(&shown).into_owned())
    }
}

const WINE: &str = "/usr/lib/wine/wine64";

pub(super) fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}
