//! A client of QEMU's monitor: JSON, one object a line.
//! <https://www.qemu.org/docs/master/interop/qmp-spec.html>

use std::path::Path;
use std::time::Duration;

use machine_driver::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines, ReadHalf, WriteHalf,
};

use crate::platform;

/// QEMU answers at once, unless another client is connected: it takes one at a time.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection on which commands can be given.
pub(crate) struct Qmp<S> {
    lines: Lines<BufReader<ReadHalf<S>>>,
    writer: WriteHalf<S>,
    last_id: u64,
}

/// Connects to the socket at `path` and makes it ready for commands.
pub(crate) async fn connect(path: &Path) -> Result<Qmp<impl AsyncRead + AsyncWrite + use<>>> {
    let stream = platform::connect(path).await.map_err(|error| {
        Error::new(ErrorKind::NotRunning, "QEMU's monitor cannot be reached").caused_by(error)
    })?;
    Qmp::over(stream).await
}

/// What QEMU says: the greeting, an event, or the answer to the command `id`.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(rename = "QMP")]
    greeting: Option<Value>,
    event: Option<String>,
    id: Option<u64>,
    #[serde(rename = "return")]
    answer: Option<Value>,
    error: Option<Failure>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    desc: String,
}

impl<S: AsyncRead + AsyncWrite> Qmp<S> {
    async fn over(stream: S) -> Result<Self> {
        let (reader, writer) = tokio::io::split(stream);
        let mut qmp = Self { lines: BufReader::new(reader).lines(), writer, last_id: 0 };
        within("its greeting", async {
            while qmp.message().await?.greeting.is_none() {}
            Ok(())
        })
        .await?;
        qmp.execute("qmp_capabilities", Value::Null).await?;
        Ok(qmp)
    }

    /// Gives a command and returns its answer. `arguments` is an object or null.
    pub(crate) async fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut request = json!({ "execute": command, "id": id });
        if !arguments.is_null() {
            request["arguments"] = arguments;
        }
        within(&format!("the answer to `{command}`"), async {
            let line = request.to_string() + "\n";
            self.writer.write_all(line.as_bytes()).await.map_err(lost)?;
            self.answer(command, id).await
        })
        .await
    }

    /// Gives a command of the monitor for people, and returns what it prints.
    pub(crate) async fn human(&mut self, command: &str) -> Result<String> {
        let arguments = json!({ "command-line": command });
        let printed = self.execute("human-monitor-command", arguments).await?;
        Ok(printed.as_str().unwrap_or_default().trim().to_owned())
    }

    async fn answer(&mut self, command: &str, id: u64) -> Result<Value> {
        loop {
            let message = self.message().await?;
            if message.id != Some(id) {
                continue;
            }
            if let Some(Failure { desc }) = message.error {
                let refused = format!("QEMU refused `{command}`");
                return Err(Error::other(refused).caused_by(desc));
            }
            return Ok(message.answer.unwrap_or_default());
        }
    }

    async fn message(&mut self) -> Result<Message> {
        let line = self.lines.next_line().await.map_err(lost)?;
        let line = line.ok_or_else(|| Error::new(ErrorKind::NotRunning, "QEMU has ended"))?;
        let message: Message = serde_json::from_str(&line)
            .map_err(|error| Error::other("QEMU's monitor does not speak QMP").caused_by(error))?;
        if let Some(event) = &message.event {
            tracing::debug!(event, "QEMU");
        }
        Ok(message)
    }
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_elapsed| {
        let message = format!("QEMU's monitor did not give {what} in {} s", PATIENCE.as_secs());
        Err(Error::new(ErrorKind::Timeout, message))
    })
}

fn lost(error: std::io::Error) -> Error {
    Error::new(ErrorKind::NotRunning, "the connection to QEMU's monitor was lost").caused_by(error)
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;

    const GREETING: &str = r#"{"QMP": {"version": {}, "capabilities": []}}"#;

    /// A QEMU that greets and then answers each line by `answer`; it ends when that has nothing
    /// more to say.
    fn qemu(mut answer: impl FnMut(Value) -> Option<String> + Send + 'static) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            let (reader, mut writer) = tokio::io::split(theirs);
            writer.write_all(format!("{GREETING}\r\n").as_bytes()).await.unwrap();
            let mut lines = BufReader::new(reader).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                let Some(text) = answer(serde_json::from_str(&line).unwrap()) else { break };
                writer.write_all(text.as_bytes()).await.unwrap();
            }
        });
        ours
    }

    #[tokio::test]
    async fn answers_are_matched_and_events_skipped() {
        let stream = qemu(|request| {
            let id = &request["id"];
            let event = r#"{"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}"#;
            let stale = r#"{"return": "stale", "id": 99}"#;
            let answer = match request["execute"].as_str()? {
                "query-status" => json!({ "return": { "status": "running" }, "id": id }),
                "human-monitor-command" => {
                    json!({ "return": request["arguments"]["command-line"], "id": id })
                }
                "bad" => json!({ "error": { "class": "GenericError", "desc": "no" }, "id": id }),
                _ => json!({ "return": {}, "id": id }),
            };
            Some(format!("{event}\r\n{stale}\r\n{answer}\r\n"))
        });
        let mut qmp = Qmp::over(stream).await.unwrap();
        let status = qmp.execute("query-status", Value::Null).await.unwrap();
        assert_eq!(status["status"], "running");
        assert_eq!(qmp.human("info usernet").await.unwrap(), "info usernet");
        let error = qmp.execute("bad", Value::Null).await.unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no");
    }

    #[tokio::test]
    async fn an_end_in_the_middle_is_not_running() {
        let stream = qemu(|request| {
            (request["execute"] == "qmp_capabilities")
                .then(|| json!({ "return": {}, "id": request["id"] }).to_string() + "\n")
        });
        let mut qmp = Qmp::over(stream).await.unwrap();
        let error = qmp.execute("quit", Value::Null).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRunning);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_has_a_deadline() {
        let (stream, _held) = tokio::io::duplex(64);
        let error = Qmp::over(stream).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn nobody_there_is_not_running() {
        let dir = tempfile::tempdir().unwrap();
        let error = connect(&dir.path().join("none")).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotRunning);
    }
}
