//! A host as root: commands and files.

use machine_driver::{Error, Result, process};

use crate::ssh::{ExitStatus, Output, Shell, quoted};

/// A host on which we are root, or become it without a password.
pub(super) struct Host {
    shell: Shell,
    sudo: &'static str,
}

impl Host {
    /// Finds out how to be root there.
    pub(super) async fn open(shell: Shell) -> Result<Self> {
        let id = shell.run("id -u").await?;
        if id.stdout.trim() == "0" {
            return Ok(Self { shell, sudo: "" });
        }
        let output = shell.run("sudo -n true").await?;
        if output.status == ExitStatus::Code(0) {
            return Ok(Self { shell, sudo: "sudo -n " });
        }
        Err(no_root(shell.user(), shell.address(), &output))
    }

    /// The shell of the user that is logged in.
    pub(super) fn user_shell(&self) -> &Shell {
        &self.shell
    }

    /// Runs a script as root and returns whatever its status is. A connection that breaks while
    /// the script is sent leaves it undone, not half done.
    pub(super) async fn run(&self, script: &str) -> Result<Output> {
        let Self { shell, sudo } = self;
        // The shell reads a group to its end before it runs any of it.
        let script = format!("{{ {PATH}\n{script}\n}}\n");
        Ok(shell.run_with_input(&format!("{sudo}sh"), script.as_bytes()).await?)
    }

    /// Runs a script that must succeed. `what` reads after "cannot".
    pub(super) async fn check(&self, what: &str, script: &str) -> Result<String> {
        let output = self.run(script).await?;
        if output.status == ExitStatus::Code(0) {
            return Ok(output.stdout);
        }
        Err(failure(what, &output))
    }

    /// Writes a file whole: a reader sees the old bytes or the new ones.
    pub(super) async fn write(&self, path: &str, content: &str, mode: u32) -> Result<()> {
        let written = self.shell.upload(self.sudo, path, content.as_bytes(), mode).await;
        written.map_err(|error| explained(error.into(), path))
    }

    /// Deletes a file, if it is there.
    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        self.check(&format!("delete {path}"), &format!("rm -f {}", quoted(path))).await.map(drop)
    }
}

/// Non-interactive shells of some systems do not look where `dockerd` and `ip` are.
const PATH: &str =
    "export LC_ALL=C PATH=\"$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"";

/// What went wrong with a command as root, with what it said, and what helps.
pub(super) fn failure(what: &str, output: &Output) -> Error {
    let said = format!("{}\n{}", output.stdout, output.stderr);
    let error = Error::other(format!("cannot {what}: the command {}", output.status));
    let error = match said.trim() {
        "" => error,
        said => error.caused_by(process::tail(said, 12)),
    };
    advice(&said).into_iter().fold(error, Error::hint)
}

/// The hints that go with the end of an error's chain.
fn explained(error: Error, path: &str) -> Error {
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let error = error.context(format!("cannot write {path} on the host"));
    advice(&said).into_iter().fold(error, Error::hint)
}

/// What helps against what Unix tools and package managers complain of.
fn advice(said: &str) -> Vec<&'static str> {
    ADVICE.iter().filter(|(text, _)| said.contains(text)).map(|(_, hint)| *hint).collect()
}

const ADVICE: [(&str, &str); 11] = [
    (
        "No space left on device",
        "the host's disk is full: make room there, for example with `docker system prune` or `apt-get clean`",
    ),
    ("Read-only file system", "the host's file system cannot be written"),
    (
        "dpkg was interrupted",
        "its package manager was interrupted: `sudo dpkg --configure -a` there mends it",
    ),
    (
        "Unmet dependencies",
        "its packages are broken: `sudo apt-get --fix-broken install` there mends them",
    ),
    (
        "unmet dependencies",
        "its packages are broken: `sudo apt-get --fix-broken install` there mends them",
    ),
    (
        "is not valid yet",
        "the host's clock is behind: `sudo timedatectl set-ntp true` there sets it",
    ),
    (
        "does not have a Release file",
        "a package source of the host is wrong: see /etc/apt/sources.list there",
    ),
    ("NO_PUBKEY", "the host lacks the key of a package source: see /etc/apt/sources.list there"),
    ("Temporary failure resolving", "the host cannot look names up: see /etc/resolv.conf there"),
    ("Could not resolve host", "the host cannot look names up: see /etc/resolv.conf there"),
    ("Unable to fetch some archives", "the host does not reach its package mirror"),
];

/// Why one cannot become root there.
fn no_root(user: &str, address: &str, output: &Output) -> Error {
    let said = output.stderr.trim();
    let user = if user.is_empty() { "this user" } else { user };
    if output.status == ExitStatus::Code(127) || said.contains("not found") {
        return Error::other(format!("`{user}` is not root on `{address}`, and there is no sudo"))
            .hint("log in as root: `--generic-ssh-user root`")
            .hint("or install sudo there, and let the user use it without a password");
    }
    let error = if said.contains("password is required") || said.contains("terminal is required") {
        Error::other(format!("sudo on `{address}` asks `{user}` for a password"))
    } else {
        Error::other(format!("sudo on `{address}` does not let `{user}` be root"))
            .caused_by(process::tail(said, 3))
    };
    error.hint(format!(
        "allow it there: `echo '{user} ALL=(ALL) NOPASSWD:ALL' | sudo tee /etc/sudoers.d/{user}`"
    ))
    .hint("or use the host as it is, without changing it: `machine adopt NAME ssh://USER@HOST`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(code: u32, stderr: &str) -> Output {
        Output { status: ExitStatus::Code(code), stdout: String::new(), stderr: stderr.to_owned() }
    }

    #[test]
    fn what_package_managers_complain_of_has_advice() {
        for (said, hint) in [
            ("E: Unmet dependencies. Try 'apt --fix-broken install'", "--fix-broken install"),
            ("E: dpkg was interrupted, you must manually run", "dpkg --configure -a"),
            ("cannot write: No space left on device", "docker system prune"),
            ("E: Release file for http://x is not valid yet", "timedatectl set-ntp true"),
            ("E: Unable to fetch some archives, maybe run apt-get update", "package mirror"),
        ] {
            let error = failure("install x", &output(100, said));
            assert_eq!(error.to_string(), "cannot install x: the command exited with 100");
            assert!(error.hints().iter().any(|it| it.contains(hint)), "{said}: {error:?}");
        }
    }

    #[test]
    fn there_are_three_ways_not_to_become_root() {
        for (code, said, message) in [
            (127, "sh: 1: sudo: not found", "is not root on `h:22`, and there is no sudo"),
            (1, "sudo: a password is required", "asks `u` for a password"),
            (1, "u is not in the sudoers file.", "does not let `u` be root"),
        ] {
            let error = no_root("u", "h:22", &output(code, said));
            assert!(error.to_string().contains(message), "{error}");
            assert!(!error.hints().is_empty(), "{error:?}");
        }
    }
}
