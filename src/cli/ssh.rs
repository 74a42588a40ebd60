use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use machine_driver::process;

use super::connection;
use super::error::CliError;
use super::session::Session;
use super::target;
use crate::engine::Machine;
use crate::ssh::{self, Pty, terminal};

/// Log into or run a command on a machine with SSH.
///
/// Everything behind the name is handed to `ssh` as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine ssh lab1
  machine ssh lab1 df -h
  machine ssh lab1 -L 8080:localhost:80 -N")]
pub(super) struct Args {
    /// Machine [default: default]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Command, or options of `ssh`
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = match args.name {
        Some(name) => {
            check(session, &name)?;
            name
        }
        None => target::default(session)?,
    };
    let machine = session.machine(&name)?;
    connection::usable(&machine, session).await.map_err(|error| {
        let why = error.causes();
        let off = why == machine.not_running().to_string();
        let old = match machine.unfinished {
            Some(_) => format!("Error: Cannot run SSH command: {why}"),
            None if off => format!("Error: Cannot run SSH command: Host {name:?} is not running"),
            None => why,
        };
        error.context("Cannot run SSH command").docker_machine_says(old)
    })?;
    let program = match session.native_ssh {
        true => None,
        false => process::find("ssh", &session.environment.path),
    };
    match program {
        Some(program) => external(&program, &machine, args.words, session).await,
        None => native(&machine, args.words, session).await,
    }
}

/// One shell is for one machine.
fn check(session: &Session, name: &str) -> Result<(), CliError> {
    let error = match target::check(session, name) {
        Err(error) if name.contains(['*', '?']) => error,
        result => return result,
    };
    Err(error
        .context(format!("`ssh` is for one machine, and `{name}` may be several"))
        .hint(format!("machine exec '{name}' -- COMMAND")))
}

/// Where and as whom to log in.
pub(super) fn ssh_target(machine: &Machine<'_>) -> Result<machine_driver::SshTarget, CliError> {
    machine.endpoint().ssh.ok_or_else(|| {
        CliError::new(format!("one cannot log in to machine `{}`", machine.name()))
            .hint(format!("its driver `{}` knows no address for SSH", machine.driver.kind()))
    })
}

async fn external(
    program: &std::path::Path,
    machine: &Machine<'_>,
    words: Vec<OsString>,
    session: &Session,
) -> Result<ExitCode, CliError> {
    let argv = ssh::external::ssh_argv(&ssh_target(machine)?, &machine.context.machine_dir, words);
    run_external(program, argv, session).await
}

/// Runs a program with our own streams and passes its status on. docker-machine says it in words
/// instead, and exits with 1.
pub(super) async fn run_external(
    program: &std::path::Path,
    argv: Vec<OsString>,
    session: &Session,
) -> Result<ExitCode, CliError> {
    tracing::debug!(program = %program.display(), ?argv, "running");
    let status = tokio::process::Command::new(program).args(argv).status().await?;
    if session.environment.manner.is_docker_machine() && !status.success() {
        return Err(CliError::new(match status.code() {
            Some(code) => format!("exit status {code}"),
            None => "signal: killed".to_owned(),
        }));
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(super::exit::GENERAL)))
}

async fn native(
    machine: &Machine<'_>,
    words: Vec<OsString>,
    session: &Session,
) -> Result<ExitCode, CliError> {
    let target = ssh_target(machine)?;
    let dir = &machine.context.machine_dir;
    let connection = ssh::connect(&target, dir, Duration::from_secs(30)).await?;
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    // As ssh does: the words are joined, and the remote shell splits them again.
    let command = (!words.is_empty()).then(|| words.join(" "));
    let command = command.as_deref().map(|line| line.strip_prefix("-- ").unwrap_or(line));
    let (stdin, stdout) = (tokio::io::stdin(), tokio::io::stdout());
    let status = if command.is_none() && std::io::stdin().is_terminal() {
        let term = session.environment.var("TERM").unwrap_or("xterm").to_owned();
        let _raw = terminal::RawMode::enter()?;
        let pty = Pty { term, sizes: terminal::sizes() };
        connection.interactive(command, pty, stdin, stdout).await?
    } else {
        connection.pass_through(command, stdin, stdout, tokio::io::stderr()).await?
    };
    if session.environment.manner.is_docker_machine() && status.code() != 0 {
        return Err(CliError::new(format!("Process exited with status {}", status.code())));
    }
    Ok(ExitCode::from(status.code()))
}
