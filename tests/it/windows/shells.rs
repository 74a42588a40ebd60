//! `env` on Windows: for the shell that called, in words that it evaluates to the right path.

use std::process::Command;

use super::lab::{Wine, windows_path};
use crate::lab::run;

#[test]
fn the_shell_that_called_is_known() {
    let Some(wine) = Wine::new() else { return };
    wine.ok(&["create", "-d", "fake", "lab1"]);
    let store = windows_path(&wine.store);
    let called_by = |shell: &str, msys: bool| {
        let program = wine.program();
        let mut command =
            wine.stand_in(shell, &[&program, "--storage-path", &store, "env", "lab1"]);
        if msys {
            // As Git Bash and MSYS2 leave them to programs of Windows.
            command
                .env("SHELL", r"C:\Program Files\Git\usr\bin\bash.exe")
                .env("MSYSTEM", "MINGW64");
        }
        let run = run(&mut command);
        assert_eq!(run.code, Some(0), "{shell}: {}{}", run.stdout, run.stderr);
        run.stdout.lines().next().unwrap_or_default().trim_end().to_owned()
    };
    for (shell, msys, line) in [
        ("powershell", false, "$Env:DOCKER_TLS_VERIFY = \"1\""),
        ("pwsh", true, "$Env:DOCKER_TLS_VERIFY = \"1\""),
        ("cmd", false, "SET DOCKER_TLS_VERIFY=1"),
        ("bash", true, "export DOCKER_TLS_VERIFY=\"1\""),
        ("zsh", true, "export DOCKER_TLS_VERIFY=\"1\""),
        ("fish", true, "set -gx DOCKER_TLS_VERIFY \"1\";"),
        ("make", true, "export DOCKER_TLS_VERIFY=\"1\""),
        ("make", false, "SET DOCKER_TLS_VERIFY=1"),
    ] {
        assert_eq!(called_by(shell, msys), line, "called by {shell}");
    }
}

/// A real Bash and Wine's own cmd evaluate it. There is no PowerShell: its line is pure ASCII, for it
/// reads programs in the console's code page, and every other letter is written by its number.
#[test]
fn paths_arrive_whole() {
    let Some(wine) = Wine::new() else { return };
    wine.ok(&["create", "-d", "fake", "lab1"]);
    let dir = windows_path(&wine.store.join("machines/lab1"));

    let code = wine.ok(&["env", "--shell", "bash", "lab1"]);
    let script = format!("{code}\nprintf %s \"$DOCKER_CERT_PATH\"");
    let mut bash = Command::new("bash");
    assert_eq!(run(bash.args(["-c", &script])).stdout, dir);

    let code = wine.ok(&["env", "--shell", "cmd", "lab1"]);
    let batch = wine.lab.path().join("env.bat");
    std::fs::write(&batch, code.replace('\n', "\r\n")).unwrap();
    let mut cmd = wine.wine();
    cmd.args(["cmd", "/c", &format!("call {} & set DOCKER_", windows_path(&batch))]);
    let set = run(&mut cmd).stdout;
    for line in code.lines().filter_map(|line| line.strip_prefix("SET ")) {
        let ascii = line.split_once('ö').map_or(line, |(ascii, _)| ascii);
        assert!(set.contains(ascii), "{line}: {set}");
    }

    let code = wine.ok(&["env", "--shell", "powershell", "lab1"]);
    let line = code.lines().find(|line| line.contains("CERT_PATH")).unwrap();
    assert!(line.is_ascii(), "{line}");
    let words = line.strip_prefix("$Env:DOCKER_CERT_PATH = \"").unwrap().strip_suffix('"').unwrap();
    let letters = [("ö", "F6"), ("測", "6E2C"), ("試", "8A66")];
    let read = letters.iter().fold(words.to_owned(), |words, (letter, number)| {
        words.replace(&format!("$([char]0x{number:0>4})"), letter)
    });
    assert_eq!(read, dir);
    assert!(code.ends_with("| Invoke-Expression\n"), "{code}");
}
