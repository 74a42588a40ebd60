use std::fmt::Write;
use std::process::ExitCode;

use machine_driver::Error;

use super::{console, exit};
use crate::store::StoreError;

/// What ends a command: an exit code, an error with its causes, and hints.
#[derive(Debug)]
pub(super) struct CliError {
    code: u8,
    /// The error and its causes, outermost first.
    chain: Vec<String>,
    hints: Vec<String>,
    /// What goes to stdout before the error, such as shell code that makes an `eval` fail.
    stdout: String,
}

impl CliError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            code: exit::GENERAL,
            chain: vec![message.into()],
            hints: Vec::new(),
            stdout: String::new(),
        }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(message).code(exit::USAGE)
    }

    pub(super) fn interrupted() -> Self {
        Self::new("interrupted").code(exit::INTERRUPTED)
    }

    #[must_use]
    pub(super) fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Puts a cause, if it says anything, at the end of the chain.
    #[must_use]
    pub(super) fn cause(mut self, cause: &str) -> Self {
        self.chain.extend((!cause.is_empty()).then(|| cause.to_owned()));
        self
    }

    /// Puts a message in front of the chain.
    #[must_use]
    pub(super) fn context(mut self, message: impl Into<String>) -> Self {
        self.chain.insert(0, message.into());
        self
    }

    #[must_use]
    pub(super) fn printing(mut self, stdout: impl Into<String>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// Prints it and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        console::print(&self.stdout).ok();
        console::eprint(&self.text());
        ExitCode::from(self.code)
    }

    /// ```text
    /// error: cannot start `lab1`
    ///   caused by: QEMU exited with 1
    ///
    /// hint: `machine rm lab1`
    /// ```
    pub(super) fn text(&self) -> String {
        let mut chain = self.chain.iter();
        let mut text = format!("error: {}\n", chain.next().map_or("", String::as_str));
        for cause in chain {
            let cause = cause.trim_end().replace('\n', "\n    ");
            writeln!(text, "  caused by: {cause}").expect("writing to a string");
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            writeln!(text, "hint: {}", hint.trim_end().replace('\n', "\n  "))
                .expect("writing to a string");
        }
        text
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        let mut chain = vec![error.to_string()];
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some libraries repeat their source in their own text.
            if !chain.last().is_some_and(|last| last.contains(&text)) {
                chain.push(text);
            }
            source = cause.source();
        }
        let mut hints: Vec<String> = Vec::new();
        for hint in error.hints() {
            if !hints.contains(hint) {
                hints.push(hint.clone());
            }
        }
        Self { code: exit::GENERAL, chain, hints, stdout: String::new() }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<crate::ssh::SshError> for CliError {
    fn from(error: crate::ssh::SshError) -> Self {
        Error::from(error).into()
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Error::from(error).into()
    }
}

/// Prints clap's own message: help and version on stdout with 0, all else on stderr with 2.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // A closed pipe is no reason to complain.
    error.print().ok();
    if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_error_causes_hints() {
        let error = Error::other("outer")
            .caused_by(Error::other("inner").caused_by("root"))
            .hint("machine rm lab1");
        let text = CliError::from(error).text();
        let expected =
            "error: outer\n  caused by: inner\n  caused by: root\n\nhint: machine rm lab1\n";
        assert_eq!(text, expected);
    }
}
