use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;
use crate::output::shell::{self, Dialect};

/// Print the shell code that points the docker client at a machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eval $(machine env lab1)
  eval $(machine env -u)
  machine env --shell powershell lab1 | Invoke-Expression")]
pub(super) struct Args {
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

pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    let dialect = dialect(args, session);
    let code = if args.unset { unset(args, session, dialect) } else { set(args, session, dialect) };
    // `eval $(machine env …)` sees no exit code, so the code itself must forget the old machine
    // and fail.
    let code = code.map_err(|error| error.printing(shell::failing(dialect)))?;
    console::print(&code)?;
    Ok(ExitCode::SUCCESS)
}

fn set(args: &Args, session: &Session, dialect: Dialect) -> Result<String, CliError> {
    let name = args.target.resolve(session)?;
    let machine = session.machine(&name)?;
    let url = match args.via.as_deref() {
        Some("ssh") if !machine.is_adopted() => super::ssh_config::url(&machine, session)?,
        Some("socket") => super::tunnel::url(&name, session)?,
        Some("tls") if machine.is_adopted() => {
            return Err(CliError::new(format!("`{name}` was adopted: its Engine has no port"))
                .hint(format!("machine env --via ssh {name}")));
        }
        _ => machine.docker_url()?,
    };
    let dir = &machine.record.host_options.auth_options.store_path;
    let mut variables = vec![
        ("DOCKER_TLS_VERIFY".to_owned(), "1".to_owned()),
        ("DOCKER_HOST".to_owned(), url.clone()),
        ("DOCKER_CERT_PATH".to_owned(), dir.clone()),
        ("DOCKER_MACHINE_NAME".to_owned(), name.clone()),
    ];
    if url.starts_with("tcp://") {
        warn_of_expiry(&name, session);
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
        let ip = machine.endpoint().ip.ok_or_else(|| machine.not_running())?;
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

fn unset(args: &Args, session: &Session, dialect: Dialect) -> Result<String, CliError> {
    if args.target.is_given() {
        return Err(CliError::usage("Expected no machine name when the -u flag is present"));
    }
    let mut names: Vec<String> = shell::VARIABLES.iter().map(|&name| name.to_owned()).collect();
    if args.no_proxy {
        names.push(no_proxy(session).0);
    }
    Ok(shell::unset(dialect, &names, &session.environment.args))
}

/// The proxy variable that is in use, and its value.
fn no_proxy(session: &Session) -> (String, String) {
    let of =
        |name: &str| session.environment.var(name).map(|old| (name.to_owned(), old.to_owned()));
    of("no_proxy")
        .or_else(|| of("NO_PROXY"))
        .unwrap_or_else(|| ("NO_PROXY".to_owned(), String::new()))
}

fn dialect(args: &Args, session: &Session) -> Dialect {
    match &args.shell {
        Some(name) => Dialect::named(name),
        None => {
            let variable = session.environment.var("SHELL");
            let fish = session.environment.var("__fish_bin_dir").is_some();
            let powershell = session.environment.var("PSModulePath").is_some();
            shell::detect(variable, fish, cfg!(windows), powershell)
        }
    }
}
