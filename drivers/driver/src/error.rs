use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a driver reports when something went wrong.
///
/// `message` is a lower-case fragment that reads after "failed: "; it never repeats its source.
/// Hints are apart from the message: each is advice, best a command that can be pasted.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hints: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The distinctions that callers act on; everything else is [`ErrorKind::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The flags of `create` do not make a machine.
    Flags,
    /// The host machine or the hypervisor is not there or not running.
    NotRunning,
    /// The resource does not exist: `remove` treats this as done.
    NotFound,
    /// The deadline of a wait has passed.
    Timeout,
    /// The driver cannot do this at all.
    Unsupported,
    /// A tool that the driver needs is not installed.
    MissingTool,
    /// Who asks is not known there, or may not do this.
    Denied,
    /// There is one already, or it is in a state in which this cannot be done.
    Conflict,
    /// The vendor cannot be reached, or the connection broke.
    Unreachable,
    Other,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), source: None }
    }

    pub fn other(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Other, message)
    }

    /// "driver `name` does not support `what`", as a value instead of a panic.
    pub fn unsupported(driver: &str, what: &str) -> Self {
        Self::new(ErrorKind::Unsupported, format!("driver `{driver}` does not support {what}"))
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts `message` in front and keeps `self` as its source, with its kind and hints.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        let hints = std::mem::take(&mut self.hints);
        Self { kind: self.kind, message: message.into(), hints, source: Some(Box::new(self)) }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Whether there was no space left on a disk, at whatever depth.
    pub fn is_full(&self) -> bool {
        let full = |error: &(dyn std::error::Error + 'static)| {
            let error = error.downcast_ref::<std::io::Error>();
            error.is_some_and(|error| error.kind() == std::io::ErrorKind::StorageFull)
        };
        std::iter::successors(std::error::Error::source(self), |error| error.source()).any(full)
    }

    /// The message and its causes, in one line.
    pub fn one_line(&self) -> String {
        let mut text = self.message.clone();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text += &format!(": {cause}");
            source = cause.source();
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::other("the disk is full")
                .caused_by(error)
                .hint("free some space there: `df -h` shows the disks"),
            _ => Self::other("input/output error").caused_by(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keeps_kind_hints_and_source() {
        let error = Error::new(ErrorKind::Timeout, "no answer").hint("try again").context("boot");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.hints(), ["try again"]);
        assert_eq!(error.to_string(), "boot");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no answer");
        assert_eq!(error.one_line(), "boot: no answer");
    }

    #[test]
    fn a_full_disk_is_known_below_what_was_to_be_done() {
        let io = |kind| Error::from(std::io::Error::from(kind)).context("cannot use `x`");
        assert!(io(std::io::ErrorKind::StorageFull).context("removing").is_full());
        assert!(!io(std::io::ErrorKind::PermissionDenied).is_full());
        assert!(!Error::other("the disk is full of stars").is_full());
    }
}
