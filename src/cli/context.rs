use std::path::PathBuf;
use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{console, target};
use crate::engine::{DockerContext, create_context, current_context, remove_context};

/// Docker contexts for machines; the current one is never switched
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a docker context of the machine's name
    Create(Create),
    /// Remove the docker context of a machine
    Rm(Rm),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine context create lab1
  docker --context lab1 ps")]
pub(super) struct Create {
    name: String,
    /// How docker gets there: tls (the Engine's port), ssh, or socket (a local socket that a process
    /// in the background leads there over SSH, until the machine is stopped)
    #[arg(long, value_name = "WAY", value_parser = ["tls", "ssh", "socket"], default_value = "tls")]
    via: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rm {
    name: String,
    /// Also if docker uses it now
    #[arg(long, short)]
    force: bool,
}

pub(super) fn run(command: Command, session: &Session) -> Result<ExitCode, CliError> {
    match command {
        Command::Create(args) => {
            target::check(session, &args.name)?;
            create(&args.name, &args.via, session)?;
            console::println(&args.name)?;
        }
        Command::Rm(args) => {
            let dir = docker_config(session)?;
            if !args.force && current_context(&dir).is_some_and(|current| current == args.name) {
                return Err(CliError::new(format!("docker uses the context `{}` now", args.name))
                    .hint("`docker context use default` switches to another one"));
            }
            if !remove_context(&session.engine, &dir, &args.name)? {
                return Err(CliError::new(format!(
                    "machine `{}` has no docker context",
                    args.name
                ))
                .hint("`docker context ls` lists them"));
            }
            console::println(&args.name)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes or renews the context of a machine.
pub(super) fn create(name: &str, via: &str, session: &Session) -> Result<(), CliError> {
    let machine = session.machine(name)?;
    let dir = docker_config(session)?;
    let url = match via {
        "socket" => super::tunnel::url(name, session)?,
        "ssh" if !machine.is_adopted() => super::ssh_config::url(&machine, session)?,
        _ => machine.docker_url()?,
    };
    let tls = url.starts_with("tcp://").then(|| machine.client_paths());
    let context = DockerContext { name, host: &url, tls };
    Ok(create_context(&session.engine, &dir, &context)?)
}

/// Removes the context of a machine that is gone.
pub(super) fn forget(name: &str, session: &Session) -> Result<(), CliError> {
    if let Ok(dir) = docker_config(session) {
        remove_context(&session.engine, &dir, name)?;
    }
    Ok(())
}

/// docker's own rule.
fn docker_config(session: &Session) -> Result<PathBuf, CliError> {
    let given = session.environment.var("DOCKER_CONFIG").map(PathBuf::from);
    given
        .or_else(|| session.environment.home.as_ref().map(|home| home.join(".docker")))
        .ok_or_else(|| CliError::new("there is no home directory").hint("set `DOCKER_CONFIG`"))
}
