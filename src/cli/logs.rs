use std::process::ExitCode;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::CliError;
use super::session::Session;
use super::target::Target;
use super::{console, ssh};
use crate::engine::Machine;
use crate::store::{Event, What};

/// Print the logs of a machine: its console, the steps of its making, and its Docker Engine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --console, --journal or --engine all of them that there are are printed.

Examples:
  machine logs lab1
  machine logs --engine --tail 200 lab1")]
pub(super) struct Args {
    /// What the machine's kernel and its boot printed
    #[arg(long)]
    console: bool,
    /// What `create` did, step by step
    #[arg(long)]
    journal: bool,
    /// What the Docker Engine logged; asks the machine through SSH
    #[arg(long)]
    engine: bool,
    /// Lines of each log, from its end
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 100)]
    tail: usize,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let name = args.target.resolve(session)?;
    let machine = session.machine(&name)?;
    let wanted = [args.console, args.journal, args.engine];
    let all = wanted == [false; 3];
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for (which, chosen) in [Log::Console, Log::Journal, Log::Engine].into_iter().zip(wanted) {
        if !all && !chosen {
            continue;
        }
        match which.read(&machine, args.tail, session).await {
            Ok(text) => found.push((which, text)),
            // Where all were asked for, what is not there is no failure.
            Err(_) if all => {}
            Err(error) => failures.push(error),
        }
    }
    let headings = found.len() > 1;
    for (which, text) in found {
        if headings {
            console::println(&format!("==> {} <==", which.heading()))?;
        }
        console::print(&text)?;
    }
    match CliError::all(failures) {
        Some(error) => Err(error),
        None => Ok(ExitCode::SUCCESS),
    }
}

#[derive(Clone, Copy)]
enum Log {
    Console,
    Journal,
    Engine,
}

impl Log {
    fn heading(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Journal => "journal",
            Self::Engine => "engine",
        }
    }

    async fn read(
        self,
        machine: &Machine<'_>,
        lines: usize,
        session: &Session,
    ) -> Result<String, CliError> {
        match self {
            Self::Console => read_console(machine, lines),
            Self::Journal => journal(machine, lines, session),
            Self::Engine => engine(machine, lines).await,
        }
    }
}

fn read_console(machine: &Machine<'_>, lines: usize) -> Result<String, CliError> {
    let none = || CliError::new(format!("machine `{}` has no console log", machine.name()));
    let path = machine.driver.console(&machine.context).ok_or_else(none)?;
    let text = std::fs::read(&path).map_err(|error| {
        CliError::from(error).context(format!("cannot read `{}`", path.display()))
    })?;
    // What a boot loader draws must not move the reader's cursor.
    let text: String = String::from_utf8_lossy(&text)
        .chars()
        .filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t'))
        .collect();
    Ok(last(&text, lines))
}

fn journal(machine: &Machine<'_>, lines: usize, session: &Session) -> Result<String, CliError> {
    let events = session.engine.store.journal(machine.name()).events()?;
    if events.is_empty() {
        return Err(CliError::new(format!("machine `{}` has no journal", machine.name()))
            .hint("docker-machine made it"));
    }
    let text: String = events.iter().map(line).collect();
    Ok(last(&text, lines))
}

fn line(event: &Event) -> String {
    let at = OffsetDateTime::from_unix_timestamp(event.at)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_else(|| event.at.to_string());
    let what = match &event.what {
        What::Create => "create".to_owned(),
        What::Begin { step } => format!("{step}: begins"),
        What::Done { step } => format!("{step}: done"),
        What::Failed { step, error } => format!("{step}: failed: {error}"),
        What::Complete => "complete".to_owned(),
        What::Remove => "remove".to_owned(),
    };
    format!("{at} {what}\n")
}

async fn engine(machine: &Machine<'_>, lines: usize) -> Result<String, CliError> {
    machine.check_usable()?;
    let target = ssh::ssh_target(machine)?;
    let dir = &machine.context.machine_dir;
    let session = crate::ssh::connect(&target, dir, Duration::from_secs(30)).await?;
    let output = session.run(&engine_log_command(lines)).await?;
    session.close().await;
    Ok(output.success("the log of the Docker Engine")?)
}

/// Where the guest image, systemd and the others keep it.
fn engine_log_command(lines: usize) -> String {
    let guest = "/var/lib/boot2docker/log/docker.log";
    format!(
        "as() {{ if [ \"$(id -u)\" = 0 ]; then \"$@\"; else sudo -n \"$@\"; fi; }}; \
         if as test -e {guest}; then as tail -n {lines} {guest}; \
         elif command -v journalctl >/dev/null 2>&1; then \
         as journalctl --no-pager --unit docker --lines {lines}; \
         else as tail -n {lines} /var/log/docker.log; fi"
    )
}

fn last(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(lines);
    all[from..].iter().flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn the_end_of_a_log() {
        assert_eq!(last("a\nb\nc", 2), "b\nc\n");
        assert_eq!(last("a\n", 9), "a\n");
        assert_eq!(last("", 9), "");
    }
}
