use std::fmt::Write;
use std::io::IsTerminal;
use std::process::ExitCode;

use machine_driver::Error;

use super::manner::Manner;
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
    /// Errors of the same command that are no causes, such as those of other machines.
    others: Vec<CliError>,
    old: Box<DockerMachine>,
}

/// What docker-machine would do, where that is not the chain joined by colons and the code 1.
#[derive(Debug, Default)]
struct DockerMachine {
    message: Option<String>,
    code: Option<u8>,
    /// The command whose help is printed before, and what stands above it.
    help: Option<(String, Option<String>)>,
}

impl CliError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            code: exit::GENERAL,
            chain: vec![message.into()],
            hints: Vec::new(),
            stdout: String::new(),
            others: Vec::new(),
            old: Box::default(),
        }
    }

    /// Several errors as one; `None` if there are none.
    pub(super) fn all(errors: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        // Flat, so that each is reported once.
        for mut error in errors {
            let others = std::mem::take(&mut error.others);
            first.others.push(error);
            first.others.extend(others);
        }
        Some(first)
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(message).code(exit::USAGE)
    }

    pub(super) fn interrupted() -> Self {
        Self::new("interrupted").code(exit::INTERRUPTED)
    }

    /// Interrupted, and what there is then.
    pub(super) fn interrupted_with(made: &[String]) -> Self {
        match made {
            [] => Self::interrupted(),
            made => Self::new(format!("interrupted; there are: {}", made.join(", ")))
                .code(exit::INTERRUPTED),
        }
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
        let message = message.into();
        if let Some(old) = &mut self.old.message {
            *old = format!("{message}: {old}");
        }
        self.chain.insert(0, message);
        self
    }

    /// Says which machine it is about, for errors of several. docker-machine does not.
    #[must_use]
    pub(super) fn of_machine(mut self, name: &str) -> Self {
        let old = self.causes();
        if let Some(message) = self.chain.first_mut().filter(|message| !message.contains(name)) {
            *message = format!("{name}: {message}");
            self.old.message = Some(old);
        }
        self
    }

    /// The whole message in docker-machine's words.
    #[must_use]
    pub(super) fn docker_machine_says(mut self, message: impl Into<String>) -> Self {
        self.old.message = Some(message.into());
        self
    }

    /// docker-machine's exit code, where it is not the usual one.
    #[must_use]
    pub(super) fn docker_machine_code(mut self, code: u8) -> Self {
        self.old.code = Some(code);
        self
    }

    /// docker-machine prints the help of this command on stdout before the error; of the program if
    /// it is empty.
    #[must_use]
    pub(super) fn after_help_of(mut self, command: &str) -> Self {
        self.old.help = Some((command.to_owned(), None));
        self
    }

    /// What docker-machine prints above that help.
    #[must_use]
    pub(super) fn after_heading(mut self, heading: String) -> Self {
        if let Some((_, above)) = &mut self.old.help {
            *above = Some(heading);
        }
        self
    }

    /// The command whose help docker-machine prints before the error, and what stands above it.
    pub(super) fn help(&self) -> Option<(&str, Option<&str>)> {
        self.old.help.as_ref().map(|(command, above)| (command.as_str(), above.as_deref()))
    }

    #[must_use]
    pub(super) fn printing(mut self, stdout: impl Into<String>) -> Self {
        self.stdout = stdout.into();
        self
    }

    /// The error and its causes in one line, as Go writes them.
    pub(super) fn causes(&self) -> String {
        self.old.message.clone().unwrap_or_else(|| self.chain.join(": "))
    }

    /// Prints it and gives the exit code.
    pub(super) fn report(&self, manner: Manner) -> ExitCode {
        // docker-machine prints nothing that an `eval` could run.
        if !manner.is_docker_machine() {
            console::print(&self.stdout).ok();
        }
        console::eprint(&manner.text(self));
        ExitCode::from(if manner.is_docker_machine() {
            self.docker_machine_exit()
        } else {
            self.code
        })
    }

    /// docker-machine knows 1 for errors of every kind, and 3 for the pre-create check.
    fn docker_machine_exit(&self) -> u8 {
        self.old.code.unwrap_or(match self.code {
            exit::USAGE => exit::GENERAL,
            code => code,
        })
    }

    /// One line for each error, as docker-machine has it: nothing before the message, causes behind
    /// colons. Hints are for people, so a script that reads stderr never sees them.
    pub(super) fn docker_machine_text(&self) -> String {
        let lines = self.docker_machine_lines();
        if std::io::stderr().is_terminal() { lines + &self.advice() } else { lines }
    }

    fn docker_machine_lines(&self) -> String {
        self.each().map(|error| error.causes() + "\n").collect()
    }

    /// ```text
    /// error: cannot start `lab1`
    ///   caused by: QEMU exited with 1
    ///
    /// hint: `machine rm lab1`
    /// ```
    ///
    /// Several errors stand one below the other, and what to do about them at the end, once.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for error in self.each() {
            let mut chain = error.chain.iter();
            writeln!(text, "error: {}", chain.next().map_or("", String::as_str))
                .expect("writing to a string");
            for cause in chain {
                let cause = cause.trim_end().replace('\n', "\n    ");
                writeln!(text, "  caused by: {cause}").expect("writing to a string");
            }
        }
        let advice = self.advice();
        if advice.is_empty() { text } else { text + "\n" + &advice }
    }

    fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    fn advice(&self) -> String {
        let mut hints: Vec<&String> = Vec::new();
        for hint in self.each().flat_map(|error| &error.hints) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        hints
            .into_iter()
            .flat_map(|hint| {
                ["hint: ".to_owned(), hint.trim_end().replace('\n', "\n  "), "\n".to_owned()]
            })
            .collect()
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
        Self { chain, hints, ..Self::new("") }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let old = match &error {
            StoreError::Unknown { name } => Some(format!(
                "Docker machine \"{name}\" does not exist. Use \"docker-machine ls\" to list \
                 machines. Use \"docker-machine create\" to add a new one."
            )),
            _ => None,
        };
        let error = Self::from(Error::from(error));
        match old {
            Some(old) => error.docker_machine_says(old),
            None => error,
        }
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

    #[test]
    fn advice_for_several_errors_is_given_once() {
        let error = |name: &str| CliError::new(name).hint("machine ls");
        let all = CliError::all([error("one"), error("two")]).unwrap();
        assert_eq!(all.text(), "error: one\nerror: two\n\nhint: machine ls\n");
        assert!(CliError::all([]).is_none());
    }

    #[test]
    fn docker_machine_has_one_line_and_no_prefix() {
        let error = || CliError::from(Error::other("outer").caused_by("inner"));
        assert_eq!(error().docker_machine_lines(), "outer: inner\n");
        let old = error().docker_machine_says("Old words").context("Error");
        assert_eq!(old.docker_machine_lines(), "Error: Old words\n");
        let two = CliError::all([old, error()]).unwrap();
        assert_eq!(two.docker_machine_lines(), "Error: Old words\nouter: inner\n");
        let codes = [CliError::new("x"), CliError::usage("x"), CliError::new("x").code(3)];
        assert_eq!(codes.map(|error| error.docker_machine_exit()), [1, 1, 3]);
    }
}
