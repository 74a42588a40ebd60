//! How a command line that makes no sense is reported.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::error::CliError;
use super::exit;
use super::grammar::{Kind, Misuse};

/// What docker-machine prints before the help of the command.
const INCORRECT: &str = "Incorrect Usage.";

pub(super) fn error(misuse: Misuse, program: &str, name: &str) -> CliError {
    let Misuse { kind, command } = misuse;
    let (own, old, heading) = match kind {
        Kind::UnknownCommand(word) => return unknown_command(&word, program, name),
        Kind::UnknownFlag(flag) => (
            format!("there is no option `--{flag}`"),
            format!("flag provided but not defined: -{flag}"),
            None,
        ),
        Kind::NoValue(flag) => (
            format!("the option `--{flag}` needs a value"),
            format!("flag needs an argument: -{flag}"),
            None,
        ),
        Kind::NoTruth { flag, value } => (
            format!("`--{flag}` is true or false, not `{value}`"),
            format!("invalid boolean value {value:?} for -{flag}: parse error"),
            None,
        ),
        Kind::TwoForms { short, long } => {
            let old = format!("Cannot use two forms of the same flag: {short} {long}");
            (format!("`-{short}` and `--{long}` are the same option"), old.clone(), Some(old))
        }
    };
    let heading = heading.unwrap_or_else(|| INCORRECT.to_owned());
    refused(CliError::usage(own).docker_machine_says(old), &command, heading)
}

/// docker-machine exits with 0 here, except for `create`, which parses its options by itself.
fn refused(error: CliError, command: &str, heading: String) -> CliError {
    let code = if command == "create" { exit::GENERAL } else { 0 };
    error.docker_machine_code(code).after_help_of(command).after_heading(heading)
}

/// `docker-machine: 'foo' is not a docker-machine command. See '/bin/docker-machine --help'.`
pub(super) fn unknown_command(word: &str, program: &str, name: &str) -> CliError {
    CliError::usage(format!("`{word}` is not a command"))
        .hint(format!("`{name} help` lists the commands"))
        .docker_machine_says(format!(
            "{name}: '{word}' is not a {name} command. See '{program} --help'."
        ))
}

/// What the parser found wrong, in docker-machine's words.
pub(super) fn parser_error(error: &clap::Error, command: &str) -> CliError {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let flag = text(ContextKind::InvalidArg);
    let flag = flag.split([' ', '=']).next().unwrap_or_default().trim_start_matches('-');
    let message = match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            format!(
                "invalid value {:?} for flag -{flag}: parse error",
                text(ContextKind::InvalidValue)
            )
        }
        _ => error.to_string().trim_start_matches("error: ").trim_end().to_owned(),
    };
    refused(CliError::usage(message), command, INCORRECT.to_owned())
}

/// Prints the parser's own message: help on stdout with 0, all else on stderr with 2.
pub(super) fn own_words(error: &clap::Error) -> ExitCode {
    // A closed pipe is no reason to complain.
    error.print().ok();
    if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS }
}
