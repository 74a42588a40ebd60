//! Machines in the user's SSH configuration, without which docker cannot use `ssh://`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use machine_driver::{file, process};

use super::console;
use super::error::CliError;
use super::session::Session;
use super::ssh::ssh_target;
use super::target;
use crate::engine::Machine;
use crate::ssh::{self, host_alias};

/// Print machines as entries of `~/.ssh/config`, or have them included there
///
/// After `--install`, `ssh NAME.machine` and `DOCKER_HOST=ssh://NAME.machine` work, with the
/// machine's key and its pinned host key.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Put one `Include` line at the top of `~/.ssh/config`
    #[arg(long, conflicts_with = "remove")]
    install: bool,
    /// Take that line away
    #[arg(long)]
    remove: bool,
    /// Machines [default: all that one can log in to]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    if args.install || args.remove {
        return install(args.install, session);
    }
    let given = !args.names.is_empty();
    let names = if given { args.names } else { session.engine.store.names()? };
    for name in names {
        target::check(session, &name)?;
        match entry(&session.machine(&name)?) {
            Ok(text) => console::print(&text)?,
            Err(error) if given => return Err(error),
            Err(_) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `ssh://NAME.machine` for a machine that OpenSSH knows under that name, as docker will ask it.
pub(super) fn url(machine: &Machine<'_>, session: &Session) -> Result<String, CliError> {
    let alias = host_alias(machine.name());
    let path = machine.context.machine_dir.join(FILE);
    let text = entry(machine)?;
    // A machine's address may change; a machine that did not is not written to.
    if fs::read_to_string(&path).unwrap_or_default() != text {
        file::write_atomic(&path, text.as_bytes(), 0o600)?;
    }
    let ssh = process::find("ssh", &session.environment.path).ok_or_else(|| {
        CliError::new("docker needs the `ssh` program for this").hint("install OpenSSH")
    })?;
    let output = std::process::Command::new(ssh).args(["-G", &alias]).output()?;
    let says = String::from_utf8_lossy(&output.stdout);
    let host = format!("hostname {}", ssh_target(machine)?.host);
    if says.lines().any(|line| line.eq_ignore_ascii_case(&host)) {
        return Ok(format!("ssh://{alias}"));
    }
    Err(CliError::new(format!("OpenSSH does not know `{alias}` yet"))
        .hint(format!(
            "`{} ssh-config --install` puts one line into ~/.ssh/config",
            session.environment.program_name()
        ))
        .hint("or use the machine without it: `machine env --via socket`"))
}

/// In a machine's directory, so that it goes with the machine.
const FILE: &str = "ssh_config";

fn entry(machine: &Machine<'_>) -> Result<String, CliError> {
    let target = ssh_target(machine)?;
    Ok(ssh::ssh_config(machine.name(), &target, &machine.context.machine_dir))
}

fn install(wanted: bool, session: &Session) -> Result<ExitCode, CliError> {
    let home = session.environment.home.clone();
    let home = home.ok_or_else(|| CliError::new("there is no home directory"))?;
    let path = home.join(".ssh").join("config");
    let line = include_line(session);
    // The file may be a link into a dotfiles repository, which must stay one.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let old = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    let rest: String = old.split_inclusive('\n').filter(|it| it.trim_end() != line).collect();
    // An `Include` behind a `Host` line would belong to that host.
    let new = if wanted { format!("{line}\n{rest}") } else { rest };
    if new != old {
        file::create_dir(path.parent().unwrap_or(Path::new(".")))?;
        file::write_atomic(&path, new.as_bytes(), 0o600)?;
    }
    if wanted {
        for name in session.engine.store.names()? {
            let Ok(machine) = session.machine(&name) else { continue };
            if let Ok(text) = entry(&machine) {
                let path = machine.context.machine_dir.join(FILE);
                file::write_atomic(&path, text.as_bytes(), 0o600)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn include_line(session: &Session) -> String {
    let pattern: PathBuf = session.engine.store.base().join("machines").join("*").join(FILE);
    format!("Include \"{}\"", pattern.display())
}
