//! The one way in which drivers run other programs.
//!
//! Arguments are passed as a list, never as a shell string; every run has a deadline; output is
//! captured; known complaints of the program are turned into advice.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use crate::{Error, ErrorKind, Result};

/// A program to run, and how.
#[derive(Debug, Clone)]
pub struct Run {
    program: PathBuf,
    args: Vec<OsString>,
    input: Vec<u8>,
    deadline: Duration,
    advice: &'static [(&'static str, &'static str)],
}

/// What a program that ended well printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            input: Vec::new(),
            deadline: Duration::from_secs(60),
            advice: &[],
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Bytes for the program's standard input; it is empty otherwise.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// How long the program may take, 60 s unless said; then it is killed.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Pairs of a piece of the program's stderr and the hint that goes with it.
    #[must_use]
    pub fn advice(mut self, advice: &'static [(&'static str, &'static str)]) -> Self {
        self.advice = advice;
        self
    }

    /// Runs to the end. An exit status other than 0 is an error that carries the command, the
    /// status and the end of stderr.
    pub async fn output(self) -> Result<Output> {
        let (status, output) = self.clone().status().await?;
        if status == Some(0) {
            return Ok(output);
        }
        Err(self.failure(status, &output))
    }

    /// Runs to the end and returns the exit status (`None` if a signal ended it) whatever it is.
    pub async fn status(self) -> Result<(Option<i32>, Output)> {
        tracing::debug!(program = %self.program.display(), args = ?self.args, "run");
        let mut child = tokio::process::Command::new(&self.program)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.cannot_run(error))?;
        let stdin = child.stdin.take();
        let input = self.input.clone();
        let feed = async move {
            if let Some(mut stdin) = stdin {
                // A program that does not read its input is not wrong: its status decides.
                stdin.write_all(&input).await.ok();
            }
        };
        let run = async { tokio::join!(child.wait_with_output(), feed).0 };
        let ended = tokio::time::timeout(self.deadline, run).await.map_err(|_elapsed| {
            let seconds = self.deadline.as_secs_f32();
            Error::new(ErrorKind::Timeout, format!("`{}` took over {seconds} s", self.shown()))
        })?;
        let ended = ended.map_err(|error| self.cannot_run(error))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let output = Output { stdout: text(&ended.stdout), stderr: text(&ended.stderr) };
        tracing::debug!(status = ?ended.status.code(), stderr = %output.stderr.trim_end(), "ended");
        Ok((ended.status.code(), output))
    }

    fn cannot_run(&self, error: std::io::Error) -> Error {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::MissingTool,
            _ => ErrorKind::Other,
        };
        Error::new(kind, format!("cannot run `{}`", self.program.display())).caused_by(error)
    }

    fn failure(&self, status: Option<i32>, output: &Output) -> Error {
        let ended = status.map_or("was killed".to_owned(), |code| format!("exited with {code}"));
        let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
        let mut error =
            Error::other(format!("`{}` {ended}", self.shown())).caused_by(tail(said, 10));
        for (pattern, hint) in self.advice {
            if said.contains(pattern) {
                error = error.hint(*hint);
            }
        }
        error
    }

    /// The command for people: the program's name and its first arguments.
    fn shown(&self) -> String {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.args.iter().take(4).fold(name, |line, arg| line + " " + &arg.to_string_lossy())
    }
}

/// The last `lines` lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Looks a program up in `search_path`, a list of directories in the form of `PATH`. A name with
/// a directory in it is taken as it is.
pub fn find(program: &str, search_path: &OsStr) -> Option<PathBuf> {
    let usable = |path: &PathBuf| path.is_file();
    if Path::new(program).components().count() > 1 {
        return Some(PathBuf::from(program)).filter(usable);
    }
    let name = if cfg!(windows) && !program.contains('.') {
        format!("{program}.exe")
    } else {
        program.to_owned()
    };
    std::env::split_paths(search_path).map(|dir| dir.join(&name)).find(usable)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str) -> Run {
        Run::new("/bin/sh").args(["-c", script])
    }

    #[tokio::test]
    async fn captures_both_streams_and_feeds_input() {
        let output = sh("cat; echo oops >&2").input("hello").output().await.unwrap();
        assert_eq!(output, Output { stdout: "hello".into(), stderr: "oops\n".into() });
    }

    #[tokio::test]
    async fn a_failure_carries_status_stderr_and_advice() {
        let run = sh("echo VT-x is disabled >&2; exit 3");
        let error = run.advice(&[("VT-x", "turn it on")]).output().await.unwrap_err();
        assert!(error.to_string().ends_with("exited with 3"), "{error}");
        assert_eq!(error.hints(), ["turn it on"]);
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "VT-x is disabled");
    }

    #[tokio::test]
    async fn the_deadline_kills() {
        let error = sh("sleep 60").deadline(Duration::from_millis(50)).output().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn a_missing_program_says_so() {
        let error = Run::new("/nowhere/qemu").output().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingTool);
    }

    #[test]
    fn programs_are_found_on_the_given_path_only() {
        assert_eq!(find("sh", OsStr::new("/nowhere:/bin")), Some(PathBuf::from("/bin/sh")));
        assert_eq!(find("sh", OsStr::new("/nowhere")), None);
        assert_eq!(find("/bin/sh", OsStr::new("")), Some(PathBuf::from("/bin/sh")));
    }
}
