use std::process::ExitCode;
use std::time::Duration;

use super::error::CliError;
use super::prefixed::Prefixed;
use super::session::Session;
use super::{connection, console, ssh as ssh_command};
use crate::lab::glob;
use crate::output::table;
use crate::ssh::{self, ExitStatus};

/// Run a command on many machines at once
///
/// Each line of output has the machine's name before it; how the command ended on each stands last,
/// on stderr. The exit code is 0 if it was 0 everywhere, the command's own if that was the same
/// everywhere, else 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine exec 'web*' -- uptime
  machine exec lab1 lab2 -- 'docker ps | wc -l'
  machine exec '*' -j 4 -- sudo reboot")]
pub(super) struct Args {
    /// Machines: names, or patterns with * and ?
    #[arg(value_name = "GLOB", required = true)]
    globs: Vec<String>,
    /// On so many machines at the same time [default: all]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Command, which the login shell of each machine reads
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<String>,
}

/// How long a machine may take to let us in.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let names = matching(&args.globs, session)?;
    let command = args.command.join(" ");
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let permits = tokio::sync::Semaphore::new(args.jobs.unwrap_or(names.len()).max(1));
    let runs = names.iter().map(async |name| {
        let _permit = permits.acquire().await.expect("nobody closes it");
        on_one(name, &command, width, session).await
    });
    let results = futures_util::future::join_all(runs).await;
    if names.len() > 1 {
        let rows: Vec<[String; 2]> = names
            .iter()
            .zip(&results)
            .map(|(name, result)| [name.clone(), ended(result)])
            .collect();
        console::eprint(&table::render(&rows));
    }
    let codes: Vec<Option<u8>> =
        results.iter().map(|it| it.as_ref().ok().map(ExitStatus::code)).collect();
    let failures = results.into_iter().zip(&names);
    let failures = failures.filter_map(|(result, name)| Some(result.err()?.of_machine(name)));
    if let Some(error) = CliError::all(failures) {
        return Err(error);
    }
    Ok(match codes.first().copied().flatten() {
        Some(code) if codes.iter().all(|it| *it == Some(code)) => ExitCode::from(code),
        _ => ExitCode::from(super::exit::GENERAL),
    })
}

/// The machines that fit one of the patterns, each once, in byte order for each pattern.
fn matching(globs: &[String], session: &Session) -> Result<Vec<String>, CliError> {
    let all = session.engine.store.names()?;
    let mut names: Vec<String> = Vec::new();
    for pattern in globs {
        let found: Vec<&String> = all.iter().filter(|name| glob(pattern, name)).collect();
        if found.is_empty() {
            if !pattern.contains(['*', '?']) {
                super::target::check(session, pattern)?;
            }
            return Err(CliError::new(format!("no machine fits `{pattern}`")).hint("machine ls -q"));
        }
        for name in found {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    Ok(names)
}

async fn on_one(
    name: &str,
    command: &str,
    width: usize,
    session: &Session,
) -> Result<ExitStatus, CliError> {
    let machine = session.machine(name)?;
    connection::usable(&machine, session).await?;
    let target = ssh_command::ssh_target(&machine)?;
    let connection = ssh::connect(&target, &machine.context.machine_dir, PATIENCE).await?;
    let prefix = format!("{name:width$} | ");
    let (mut stdout, mut stderr) = (Prefixed::stdout(&prefix), Prefixed::stderr(&prefix));
    let status =
        connection.pass_through(Some(command), tokio::io::empty(), &mut stdout, &mut stderr).await;
    stdout.end()?;
    stderr.end()?;
    Ok(status?)
}

fn ended(result: &Result<ExitStatus, CliError>) -> String {
    match result {
        Ok(ExitStatus::Code(code)) => code.to_string(),
        Ok(ExitStatus::Signal(signal)) => format!("signal {signal}"),
        Err(_) => "not run".to_owned(),
    }
}
