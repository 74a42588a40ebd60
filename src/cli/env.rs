use std::process::ExitCode;

use super::error::CliError;
use super::parents::callers;
use super::session::Session;
use super::target::Target;
use super::{connection, console};
use crate::engine::Machine;
use crate::output::shell::{self, Dialect, Surroundings};

/// Print the shell code that points the docker client at a machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eval $(machine env lab1)
  eval $(machine env -u)
  machine env --shell powershell lab1 | Invoke-Expression
  machine env --shell nu lab1 | from nuon | load-env")]
pub(super) struct Args {
    /// Point at the swarm whose master the machine is
    #[arg(long)]
    swarm: bool,
    /// bash, zsh, sh, fish, powershell, cmd, tcsh, emacs or nushell [default: the shell in use]
    #[arg(long, value_name = "SHELL")]
    shell: Option<String>,
    /// Print the code that forgets the machine
    #[arg(long, short)]
    unset: bool,
    /// Take the machine out of the proxy's way
    #[arg(long)]
    no_proxy: bool,
    /// How the docker client gets there: tls (the Engine's port), ssh, or socket (a local socket
    /// that a process in the background leads there over SSH)
    #[arg(long, value_name = "WAY", value_parser = ["tls", "ssh", "socket"])]
    via: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let code = match args.unset {
        true => unset(args, session),
        false => set(args, session).await,
    };
    // `eval $(machine env …)` sees no exit code, so the code itself must forget the old machine
    // and fail. docker-machine prints none.
    let code = code.map_err(|error| {
        if session.environment.manner.is_docker_machine() {
            return error;
        }
        let dialect = dialect(args, session).unwrap_or(Dialect::Sh);
        error.printing(shell::failing(dialect))
    })?;
    console::print(&code)?;
    Ok(ExitCode::SUCCESS)
}

async fn set(args: &Args, session: &Session) -> Result<String, CliError> {
    let name = args.target.resolve(session)?;
    let machine = session.machine(&name)?;
    let url = match args.via.as_deref() {
        Some("ssh") if !machine.is_adopted() => super::ssh_config::url(&machine, session)?,
        Some("socket") => super::tunnel::url(&name, session)?,
        Some("tls") if machine.is_adopted() => {
            return Err(CliError::new(format!("`{name}` was adopted: its Engine has no port"))
                .hint(format!("machine env --via ssh {name}")));
        }
        _ => checked_url(&machine, args.swarm, session)
            .await
            .map_err(|error| error.context("Error checking TLS connection"))?,
    };
    let dialect = dialect(args, session)?;
    let mut variables = vec![
        ("DOCKER_TLS_VERIFY".to_owned(), "1".to_owned()),
        ("DOCKER_HOST".to_owned(), url.clone()),
        ("DOCKER_CERT_PATH".to_owned(), machine.context.machine_dir.display().to_string()),
        ("DOCKER_MACHINE_NAME".to_owned(), name.clone()),
    ];
    if url.starts_with("tcp://") {
        warn_of_expiry(&name, session);
        super::misfit::warn(&name, session);
    } else {
        // An empty variable is as good as none to docker, and forgets another machine's.
        variables[0].1.clear();
        variables[2].1.clear();
    }
    if cfg!(windows) {
        variables.push(("COMPOSE_CONVERT_WINDOWS_PATHS".to_owned(), "true".to_owned()));
    }
    if args.no_proxy {
        let (variable, old) = no_proxy(session);
        let ip = machine.endpoint().ip.ok_or_else(|| {
            CliError::from(machine.not_running()).context("Error getting host IP")
        })?;
        variables.push((variable, shell::no_proxy(&old, &ip)));
    }
    Ok(shell::set(dialect, &variables, &session.environment.args))
}

/// 30 days ahead, on stderr: stdout is the shell's.
fn warn_of_expiry(name: &str, session: &Session) {
    let Some(expiry) = crate::engine::expiry(&session.engine, name).filter(|it| it.is_near())
    else {
        return;
    };
    let program = session.environment.program_name();
    let when = match expiry.days_left {
        days if days < 0 => "have expired".to_owned(),
        days => format!("expire in {days} days"),
    };
    console::eprint(&format!(
        "warning: the certificates of `{name}` {when}: `{program} regenerate-certs {name}` renews them\n"
    ));
}

fn unset(args: &Args, session: &Session) -> Result<String, CliError> {
    if args.target.is_given() {
        let text = "Expected no machine name when the -u flag is present";
        return Err(CliError::usage(text).docker_machine_says(format!("Error: {text}")));
    }
    let mut names: Vec<String> = shell::VARIABLES.iter().map(|&name| name.to_owned()).collect();
    if args.no_proxy {
        names.push(no_proxy(session).0);
    }
    Ok(shell::unset(dialect(args, session)?, &names, &session.environment.args))
}

/// The proxy variable that is in use, and its value.
fn no_proxy(session: &Session) -> (String, String) {
    let of =
        |name: &str| session.environment.var(name).map(|old| (name.to_owned(), old.to_owned()));
    of("no_proxy")
        .or_else(|| of("NO_PROXY"))
        .unwrap_or_else(|| ("NO_PROXY".to_owned(), String::new()))
}

fn dialect(args: &Args, session: &Session) -> Result<Dialect, CliError> {
    if let Some(name) = args.shell.as_deref().filter(|name| !name.is_empty()) {
        return Ok(Dialect::named(name));
    }
    let around = Surroundings {
        shell: session.environment.var("SHELL"),
        fish: session.environment.var("__fish_bin_dir").is_some(),
        callers: callers(),
        windows: cfg!(windows),
    };
    if !session.environment.manner.is_docker_machine() {
        return Ok(shell::detect(&around));
    }
    match shell::detect_as_docker_machine(&around) {
        Some((dialect, false)) => Ok(dialect),
        Some((dialect, true)) => {
            console::println(
                "You can further specify your shell with either 'cmd' or 'powershell' with the \
                 --shell flag.\n",
            )?;
            Ok(dialect)
        }
        None => {
            console::println(
                "The default lines below are for a sh/bash shell, you can specify the shell you're \
                 using, with the --shell flag.\n",
            )?;
            Err(CliError::new("Unknown shell").docker_machine_says("Error: Unknown shell"))
        }
    }
}

/// The endpoint to connect to, checked as `config` checks it.
async fn checked_url(
    machine: &Machine<'_>,
    swarm: bool,
    session: &Session,
) -> Result<String, CliError> {
    connection::usable(machine, session).await?;
    let url = connection::url(machine, swarm)?;
    connection::check(machine, &url, session).await?;
    Ok(url)
}
