//! What a person sees: one file for each command, with its arguments and one `run` function.
//!
//! Only here is anything printed, asked, or read from the environment.

mod active;
mod adopt;
mod completion;
mod config;
mod console;
mod context;
mod create;
mod driver_flags;
mod env;
mod environment;
mod error;
mod exit;
mod forward;
mod image;
mod inspect;
mod ip;
mod kill;
mod ls;
mod power;
mod provision;
mod regenerate_certs;
mod restart;
mod rm;
mod scp;
mod session;
mod ssh;
mod ssh_config;
mod start;
mod status;
mod stop;
mod target;
#[cfg(unix)]
mod tunnel;
#[cfg(not(unix))]
#[path = "no_tunnel.rs"]
mod tunnel;
mod url;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use environment::Environment;
use error::CliError;
use session::Session;

/// Docker hosts anywhere: one command set for the laptop and the clouds
#[derive(Debug, Parser)]
#[command(name = "machine", version, max_term_width = 100, disable_help_subcommand = false)]
#[command(after_help = "\
Examples:
  machine create lab1
  eval $(machine env lab1)
  docker run --rm hello-world
  machine rm lab1")]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// Options that stand before the command, as docker-machine has them.
#[derive(Debug, Clone, Default, clap::Args)]
struct GlobalArgs {
    /// Print what is done, step by step, on stderr
    #[arg(long, short = 'D', global = true)]
    debug: bool,
    /// The directory that holds machines and certificates
    #[arg(long, short = 's', value_name = "DIR")]
    storage_path: Option<std::path::PathBuf>,
    /// CA to verify remotes against
    #[arg(long, value_name = "FILE", hide = true)]
    tls_ca_cert: Option<std::path::PathBuf>,
    /// Private key to generate certificates
    #[arg(long, value_name = "FILE", hide = true)]
    tls_ca_key: Option<std::path::PathBuf>,
    /// Client certificate to use for TLS
    #[arg(long, value_name = "FILE", hide = true)]
    tls_client_cert: Option<std::path::PathBuf>,
    /// Private key used in client TLS auth
    #[arg(long, value_name = "FILE", hide = true)]
    tls_client_key: Option<std::path::PathBuf>,
    /// Use the built-in SSH client instead of the system's
    #[arg(long)]
    native_ssh: bool,
    /// Accepted for old scripts; nothing is ever reported
    #[arg(long, value_name = "TOKEN", hide = true)]
    bugsnag_api_token: Option<String>,
    /// Accepted for old scripts
    #[arg(long, value_name = "TOKEN", hide = true)]
    github_api_token: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Active(active::Args),
    Adopt(adopt::Args),
    Completion(completion::Args),
    Config(config::Args),
    #[command(subcommand)]
    Context(context::Command),
    Create(create::Args),
    Env(env::Args),
    Forward(forward::Args),
    #[command(subcommand)]
    Image(image::Command),
    Inspect(inspect::Args),
    Ip(ip::Args),
    Kill(kill::Args),
    Ls(ls::Args),
    Provision(provision::Args),
    RegenerateCerts(regenerate_certs::Args),
    Restart(restart::Args),
    Rm(rm::Args),
    Scp(scp::Args),
    Ssh(ssh::Args),
    SshConfig(ssh_config::Args),
    Start(start::Args),
    Status(status::Args),
    Stop(stop::Args),
    Tunnel(tunnel::Args),
    Url(url::Args),
    Version(version::Args),
}

/// The whole program: parses, runs, renders the error.
pub fn main() -> ExitCode {
    console::restore_on_panic();
    rustls::crypto::ring::default_provider().install_default().ok();
    let environment = Environment::read();
    let result = run(std::env::args_os().collect(), environment);
    match result {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

fn run(args: Vec<OsString>, environment: Environment) -> Result<ExitCode, CliError> {
    let (command, driver) = command_line(&args, &environment)?;
    let matches = match command.try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => return Ok(error::usage(&error)),
    };
    let cli =
        Cli::from_arg_matches(&matches).map_err(|error| CliError::usage(error.to_string()))?;
    let flags = match (&cli.command, &driver, matches.subcommand_matches("create")) {
        (Command::Create(_), Some(driver), Some(matches)) => {
            driver_flags::values(driver, matches, &environment)?
        }
        _ => machine_driver::FlagValues::default(),
    };
    let session = Session::open(cli.global, environment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::from(machine_driver::Error::from(error)))?;
    let result = runtime.block_on(interruptible(dispatch(cli.command, &session, flags)));
    // A thread that still waits for the network must not hold the program.
    runtime.shutdown_background();
    result
}

async fn dispatch(
    command: Command,
    session: &Session,
    flags: machine_driver::FlagValues,
) -> Result<ExitCode, CliError> {
    match command {
        Command::Active(args) => active::run(args, session).await,
        Command::Adopt(args) => Box::pin(adopt::run(args, session)).await,
        Command::Completion(args) => completion::run(&args),
        Command::Config(args) => config::run(&args, session),
        Command::Context(command) => context::run(command, session),
        Command::Create(args) => Box::pin(create::run(args, flags, session)).await,
        Command::Env(args) => env::run(&args, session),
        Command::Forward(args) => forward::run(args, session).await,
        Command::Image(command) => image::run(command, session).await,
        Command::Inspect(args) => inspect::run(&args, session),
        Command::Ip(args) => ip::run(args, session),
        Command::Kill(args) => kill::run(args, session).await,
        Command::Ls(args) => ls::run(args, session).await,
        Command::Provision(args) => provision::run(args, session).await,
        Command::RegenerateCerts(args) => regenerate_certs::run(args, session).await,
        Command::Restart(args) => restart::run(args, session).await,
        Command::Rm(args) => rm::run(args, session).await,
        Command::Scp(args) => scp::run(args, session).await,
        Command::Ssh(args) => ssh::run(args, session).await,
        Command::SshConfig(args) => ssh_config::run(args, session),
        Command::Start(args) => start::run(args, session).await,
        Command::Status(args) => status::run(args, session).await,
        Command::Stop(args) => stop::run(args, session).await,
        Command::Tunnel(args) => Box::pin(tunnel::run(args, session)).await,
        Command::Url(args) => url::run(&args, session),
        Command::Version(args) => version::run(args, session).await,
    }
}

/// Ends the work at Ctrl-C or SIGTERM. Dropping it stops it between two side effects.
async fn interruptible(
    work: impl Future<Output = Result<ExitCode, CliError>>,
) -> Result<ExitCode, CliError> {
    tokio::select! {
        result = work => result,
        () = console::interrupted() => Err(CliError::interrupted()),
    }
}

/// The parser, with the flags of the chosen driver in `create`, and that driver.
fn command_line(
    args: &[OsString],
    environment: &Environment,
) -> Result<(clap::Command, Option<driver_flags::Chosen>), CliError> {
    let command = Cli::command();
    if !args.iter().any(|arg| arg == "create") {
        return Ok((command, None));
    }
    let driver = driver_flags::chosen(args, environment)?;
    let flags = driver.args();
    let command = command
        .mut_subcommand("create", |create| create.next_help_heading(driver.heading()).args(flags));
    Ok((command, Some(driver)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
        let args = ["machine", "create", "x"].map(OsString::from);
        let (command, driver) = command_line(&args, &Environment::default()).unwrap();
        command.debug_assert();
        assert_eq!(driver.unwrap().name, "qemu");
    }

    #[test]
    fn help_lines_fit_into_a_terminal() {
        let args = ["machine", "create", "x"].map(OsString::from);
        let (command, _) = command_line(&args, &Environment::default()).unwrap();
        let mut command = command.term_width(80);
        command.build();
        for subcommand in command.get_subcommands_mut() {
            for line in subcommand.render_help().to_string().lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", subcommand.get_name());
            }
        }
    }
}
