//! A shell on a machine, through whichever client can log in there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine_driver::{SshTarget, process};

use super::external::ssh_argv;
use super::session::{address, connect_if_greeted};
use super::{ExitStatus, Output, Session, SshError, quoted};

/// Runs commands on a machine. With a key of its own a machine is reached by the built-in client;
/// without, by the system's `ssh`, which knows the user's configuration, agent and default keys.
pub enum Shell {
    BuiltIn(Session),
    System(SystemSsh),
}

/// The system's `ssh`, one process for each command.
pub struct SystemSsh {
    program: PathBuf,
    argv: Vec<OsString>,
    address: String,
    user: String,
}

impl Shell {
    /// Logs in once. A port that is silent for `greeting` is given up early.
    pub(super) async fn open(
        target: &SshTarget,
        machine_dir: &Path,
        search_path: &OsStr,
        greeting: Duration,
        deadline: Duration,
    ) -> Result<Self, SshError> {
        if !target.key.as_os_str().is_empty() {
            let session = connect_if_greeted(target, machine_dir, greeting, deadline).await?;
            return Ok(Self::BuiltIn(session));
        }
        let shell = Self::at_first_use(target, machine_dir, search_path)?;
        match tokio::time::timeout(deadline, shell.run("exit 0")).await {
            Ok(output) => output?.success("exit 0").map(|_nothing| shell),
            Err(_elapsed) => Err(SshError::TimedOut { address: address(target), after: deadline }),
        }
    }

    /// The system's `ssh`, which logs in with the first command and not before.
    pub fn at_first_use(
        target: &SshTarget,
        machine_dir: &Path,
        search_path: &OsStr,
    ) -> Result<Self, SshError> {
        let program = process::find("ssh", search_path).ok_or(SshError::NoKey)?;
        let argv = ssh_argv(target, machine_dir, ["-o", "BatchMode=yes"]);
        let user = target.user.clone();
        Ok(Self::System(SystemSsh { program, argv, address: address(target), user }))
    }

    /// The user that is logged in; empty if the user's configuration decides.
    pub fn user(&self) -> &str {
        match self {
            Self::BuiltIn(session) => &session.user,
            Self::System(ssh) => &ssh.user,
        }
    }

    /// `HOST:PORT`, for messages.
    pub fn address(&self) -> &str {
        match self {
            Self::BuiltIn(session) => &session.address,
            Self::System(ssh) => &ssh.address,
        }
    }

    /// Runs a command in the user's login shell, with an empty standard input, and returns
    /// whatever its status is.
    pub async fn run(&self, command: &str) -> Result<Output, SshError> {
        self.run_with_input(command, b"").await
    }

    /// The same with bytes for its standard input.
    pub async fn run_with_input(&self, command: &str, input: &[u8]) -> Result<Output, SshError> {
        match self {
            Self::BuiltIn(session) => session.run_with_input(command, input).await,
            Self::System(ssh) => ssh.run_with_input(command, input).await,
        }
    }

    /// Runs a command that must succeed, and returns what it printed on stdout.
    pub async fn check(&self, command: &str) -> Result<String, SshError> {
        self.run(command).await?.success(command)
    }

    /// As [`Session::upload`]. `sudo` stands before the command: empty, or for example `sudo -n `.
    pub async fn upload(
        &self,
        sudo: &str,
        path: &str,
        content: &[u8],
        mode: u32,
    ) -> Result<(), SshError> {
        let (script, file) = (quoted(super::upload::SCRIPT), quoted(path));
        let command = format!("{sudo}sh -c {script} {file} {mode:o} {}", content.len());
        self.run_with_input(&command, content).await?.success(&format!("writing {path}")).map(drop)
    }
}

impl SystemSsh {
    async fn run_with_input(&self, command: &str, input: &[u8]) -> Result<Output, SshError> {
        let failed = |source| SshError::Stream { source };
        let run = process::Run::new(&self.program)
            .args(&self.argv)
            .arg("--")
            .arg(command)
            .input(input)
            .deadline(LONGEST);
        let (status, output) =
            run.status().await.map_err(|error| failed(std::io::Error::other(error)))?;
        let status = match status {
            // ssh's own failure; a command may end with 255 too, but says nothing of the kind.
            Some(255) => match self.why_not(&output.stderr) {
                Some(error) => return Err(error),
                None => ExitStatus::Code(255),
            },
            Some(code) => ExitStatus::Code(u32::try_from(code).unwrap_or(255)),
            None => ExitStatus::Signal("KILL".to_owned()),
        };
        Ok(Output { status, stdout: output.stdout, stderr: output.stderr })
    }

    /// What OpenSSH's words mean.
    fn why_not(&self, stderr: &str) -> Option<SshError> {
        let address = self.address.clone();
        let says = |text: &str| stderr.contains(text);
        let io = |kind, text: &str| SshError::Connect {
            address: address.clone(),
            source: std::io::Error::new(kind, text.to_owned()),
        };
        let last = process::tail(stderr, 1);
        Some(
            if says("REMOTE HOST IDENTIFICATION HAS CHANGED")
                || says("Host key verification failed")
            {
                SshError::HostKeyRefused { address, said: process::tail(stderr, 3) }
            } else if says("Permission denied (") || says("Too many authentication failures") {
                SshError::Denied { address, user: self.user.clone(), key: PathBuf::new() }
            } else if says("Connection refused") {
                io(std::io::ErrorKind::ConnectionRefused, &last)
            } else if says("timed out")
                || says("No route to host")
                || says("Could not resolve hostname")
            {
                io(std::io::ErrorKind::TimedOut, &last)
            } else if says("closed by remote host")
                || says("Connection reset")
                || says("Broken pipe")
                || says("kex_exchange")
            {
                SshError::Lost { address }
            } else {
                return None;
            },
        )
    }
}

/// Installing an Engine over a slow line takes minutes.
const LONGEST: Duration = Duration::from_secs(3600);
