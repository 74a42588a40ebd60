//! A program that runs for as long as it is talked to: a line there, a line back.
//!
//! For tools that take long to start. Like [`crate::process`] in all else: arguments are a list,
//! every answer has a deadline, and what the program complains of is kept.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::process::tail;
use crate::{Error, ErrorKind, Result};

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Conversation {
    program: PathBuf,
    child: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    complaints: Arc<Mutex<String>>,
    /// Ends when nobody can complain any more.
    listener: tokio::task::JoinHandle<()>,
}

impl Conversation {
    /// Starts the program. The console's Ctrl-C does not reach it: whoever talks to it decides.
    pub fn start<A: AsRef<OsStr>>(
        program: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        apart(&mut command);
        tracing::debug!(?command, "start");
        let mut child = command.spawn().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::MissingTool,
                _ => ErrorKind::Other,
            };
            Error::new(kind, format!("cannot run `{}`", program.display())).caused_by(error)
        })?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(mut errors)) = (input, output, errors) else {
            return Err(Error::other("a program was started without pipes"));
        };
        let complaints = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&complaints);
        let listener = tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = errors.read(&mut bytes).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                *kept += &String::from_utf8_lossy(&bytes[..count]);
            }
        });
        let answers = BufReader::new(output).lines();
        Ok(Self { program: program.to_owned(), child, input, answers, complaints, listener })
    }

    /// Says one line. It must hold no line end.
    pub async fn say(&mut self, line: &str) -> Result<()> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(b'\n');
        let said = async {
            self.input.write_all(&bytes).await?;
            self.input.flush().await
        };
        match said.await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.ended().await.caused_by(error)),
        }
    }

    /// The next line that the program prints. After an error it is of no further use.
    pub async fn hear(&mut self, deadline: Duration) -> Result<String> {
        match tokio::time::timeout(deadline, self.answers.next_line()).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Ok(None)) => Err(self.ended().await),
            Ok(Err(error)) => Err(Error::from(error)),
            Err(_elapsed) => {
                let seconds = deadline.as_secs_f32();
                let text = format!("`{}` did not answer within {seconds} s", self.name());
                Err(self.with_complaints(Error::new(ErrorKind::Timeout, text)))
            }
        }
    }

    async fn ended(&mut self) -> Error {
        // A pipe may be closed a moment before the program is gone.
        let ended = tokio::time::timeout(Duration::from_secs(2), self.child.wait()).await;
        let status = match ended {
            Ok(Ok(status)) => format!(" ({status})"),
            _ => String::new(),
        };
        // What it complained of at last may not have been read yet; its children may hold the pipe.
        tokio::time::timeout(Duration::from_secs(1), &mut self.listener).await.ok();
        self.with_complaints(Error::other(format!("`{}` has ended{status}", self.name())))
    }

    fn with_complaints(&self, error: Error) -> Error {
        let complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        match complaints.trim() {
            "" => error,
            text => error.caused_by(tail(text, 10)),
        }
    }

    fn name(&self) -> String {
        self.program.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

#[cfg(unix)]
fn apart(command: &mut Command) {
    command.process_group(0);
}

#[cfg(windows)]
fn apart(command: &mut Command) {
    // CREATE_NEW_PROCESS_GROUP of winbase.h.
    command.creation_flags(0x0000_0200);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn sh(script: &str) -> Conversation {
        Conversation::start(Path::new("/bin/sh"), ["-c", script]).unwrap()
    }

    #[tokio::test]
    async fn one_process_answers_many_times() {
        let mut talk = sh("while read -r line; do echo \"$$ $line\"; done");
        talk.say("one").await.unwrap();
        let first = talk.hear(PATIENCE).await.unwrap();
        talk.say("two").await.unwrap();
        let second = talk.hear(PATIENCE).await.unwrap();
        let (pid, word) = first.split_once(' ').unwrap();
        assert_eq!((word, second), ("one", format!("{pid} two")));
    }

    #[tokio::test]
    async fn an_end_is_an_error_with_what_was_complained_of() {
        let error = sh("echo no such thing >&2; exit 3").hear(PATIENCE).await.unwrap_err();
        assert!(error.to_string().contains("has ended"), "{error}");
        assert!(error.one_line().contains("no such thing"), "{error:?}");
    }

    #[tokio::test]
    async fn silence_has_a_deadline() {
        let error = sh("sleep 60").hear(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn a_missing_program_says_so() {
        let error = Conversation::start(Path::new("/nowhere/sh"), [""; 0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingTool);
    }
}
