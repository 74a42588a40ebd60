/// Where a driver says what it is doing. The command line shows it; tests record it.
///
/// Shared between tasks, so all methods take `&self`.
pub trait Progress: Send + Sync {
    /// One thing that has begun or was found out, for example `Starting the VM...`.
    fn line(&self, text: &str);

    /// The advance of one long piece of work, `what`; empty for that of which the last line spoke.
    /// `total` is `None` while it is unknown; a call with
    /// `done == total` ends the bar. Counts bytes unless `what` says otherwise.
    fn advance(&self, what: &str, done: u64, total: Option<u64>);

    /// Something the user should know and can act on.
    fn warn(&self, text: &str);
}

/// Says nothing.
pub struct Silent;

impl Progress for Silent {
    fn line(&self, _text: &str) {}
    fn advance(&self, _what: &str, _done: u64, _total: Option<u64>) {}
    fn warn(&self, _text: &str) {}
}
