//! Talking to the program in a running guest that gives it its identity: the other end is
//! `guest/files/root/usr/lib/machine/identity-port`, where the form of requests is written down.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::{Error, ErrorKind, Result, file};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};

use crate::platform;

/// The host's end of a guest's port. Requests may be sent before the guest runs: they wait for it.
pub(crate) struct Port {
    stream: BufStream<Box<dyn Stream>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

/// What can be asked of a guest.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request<'a> {
    /// Take over this archive ([`machine_driver::seed::Seed`]).
    Apply { archive: &'a [u8], clock: Clock },
    /// Get ready to be saved as a template.
    Prepare,
    /// Put the clock right, after a pause of any length.
    SetClock,
    /// Take the size that the disk has now.
    GrowDisk,
}

/// Whether a message sets the guest's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The guest stood still, and nobody knows for how long.
    Set,
    /// It has a clock of its own, which knows better than a message that may have waited.
    Leave,
}

impl Port {
    pub(crate) async fn open(socket: &Path) -> Result<Self> {
        let stream = platform::connect(socket).await?;
        Ok(Self { stream: BufStream::new(Box::new(stream)) })
    }

    /// Sends a request and waits until it is done.
    pub(crate) async fn ask(&mut self, request: Request<'_>, patience: Duration) -> Result<()> {
        let id = self.send(request).await?;
        self.done(&id, patience).await
    }

    /// Sends a request; [`Port::done`] waits for its answer.
    pub(crate) async fn send(&mut self, request: Request<'_>) -> Result<String> {
        let id = unlike_any_other();
        let now = |clock| match clock {
            Clock::Set => now().to_string(),
            Clock::Leave => "-".to_owned(),
        };
        let line = match request {
            Request::Apply { archive, clock } => {
                let (length, hash) = (archive.len(), file::sha256_hex(archive));
                format!("apply {id} {} {length} {hash}\n", now(clock))
            }
            Request::Prepare => format!("prepare {id} {}\n", now(Clock::Set)),
            Request::SetClock => format!("clock {id} {}\n", now(Clock::Set)),
            Request::GrowDisk => format!("grow {id} -\n"),
        };
        self.stream.write_all(line.as_bytes()).await?;
        if let Request::Apply { archive, .. } = request {
            self.stream.write_all(archive).await?;
        }
        self.stream.flush().await?;
        Ok(id)
    }

    /// Waits for the answer to the request `id`. Answers to others, which a host before us did not
    /// wait for, are passed over.
    pub(crate) async fn done(&mut self, id: &str, patience: Duration) -> Result<()> {
        tokio::time::timeout(patience, self.answer(id)).await.unwrap_or_else(|_elapsed| {
            let text = format!("the guest did not answer in {} s", patience.as_secs());
            Err(Error::new(ErrorKind::Timeout, text))
        })
    }

    async fn answer(&mut self, id: &str) -> Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.stream.read_until(b'\n', &mut line).await? == 0 {
                return Err(Error::new(ErrorKind::NotRunning, "the guest has gone"));
            }
            let text = String::from_utf8_lossy(&line);
            let mut words = text.trim_end().splitn(3, ' ');
            match (words.next(), words.next(), words.next()) {
                (Some("ok"), Some(whose), _) if whose == id => return Ok(()),
                (Some("error"), Some(whose), why) if whose == id => {
                    let why = why.unwrap_or("it does not say why").to_owned();
                    return Err(Error::other("the guest cannot do it").caused_by(why));
                }
                _ => tracing::debug!(%text, "an answer to somebody else"),
            }
        }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").finish_non_exhaustive()
    }
}

/// Seconds since 1970, to the nearest.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now + Duration::from_millis(500)).as_secs()
}

fn unlike_any_other() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(stream: tokio::io::DuplexStream) -> Port {
        Port { stream: BufStream::new(Box::new(stream)) }
    }

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn answers_to_others_are_passed_over() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let mut port = port(ours);
        let archive = vec![7; 1024];
        let request = Request::Apply { archive: &archive, clock: Clock::Leave };
        let id = port.send(request).await.unwrap();
        theirs
            .write_all(format!("ok 77\nerror 78 no\nrubbish\nok {id}\n").as_bytes())
            .await
            .unwrap();
        port.done(&id, SOON).await.unwrap();
        let mut sent = vec![0; 4096];
        let length = tokio::io::AsyncReadExt::read(&mut theirs, &mut sent).await.unwrap();
        let hash = file::sha256_hex(&archive);
        let line = format!("apply {id} - 1024 {hash}\n");
        assert_eq!(&sent[..line.len()], line.as_bytes());
        assert_eq!(&sent[line.len()..length], &archive[..length - line.len()]);
    }

    #[tokio::test]
    async fn a_refusal_says_why() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let mut port = port(ours);
        let id = port.send(Request::Prepare).await.unwrap();
        theirs.write_all(format!("error {id} no Engine\n").as_bytes()).await.unwrap();
        let error = port.done(&id, SOON).await.unwrap_err();
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no Engine");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_an_end_are_errors() {
        let (ours, theirs) = tokio::io::duplex(4096);
        let mut port = port(ours);
        let error = port.ask(Request::SetClock, SOON).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        drop(theirs);
        let id = "1";
        assert_eq!(port.done(id, SOON).await.unwrap_err().kind(), ErrorKind::NotRunning);
    }
}
