//! What a person sees: one file for each command, with its arguments and one `run` function.
//!
//! Only here is anything printed, asked, or read from the environment.

mod active;
mod adopt;
mod clone;
mod completion;
mod config;
mod connection;
mod console;
mod context;
mod create;
mod create_many;
mod docker_machine_help;
mod doctor;
mod down;
mod driver;
mod driver_flags;
mod duration;
mod env;
mod environment;
mod error;
mod exec;
mod exit;
mod export;
mod filters;
mod forward;
mod gc;
mod grammar;
mod help;
mod image;
mod import;
mod inspect;
mod ip;
mod kill;
mod lab;
mod lab_file;
mod listing;
mod logs;
mod ls;
mod ls_fields;
mod manner;
mod misfit;
mod misuse;
mod mount;
mod parents;
mod plan;
mod power;
mod prefixed;
mod provision;
mod regenerate_certs;
mod restart;
mod rm;
mod scp;
mod session;
mod set;
mod snapshot;
mod ssh;
mod ssh_config;
mod start;
mod status;
mod stop;
mod suspend;
mod swarm;
mod system;
mod target;
mod template;
mod tunnel;
mod up;
mod upgrade;
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
#[command(name = "machine", max_term_width = 100)]
#[command(disable_help_subcommand = true, disable_version_flag = true)]
#[command(args_override_self = true)]
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
    command: Option<Command>,
}

/// Options that stand before the command, as docker-machine has them.
#[derive(Debug, Clone, Default, clap::Args)]
struct GlobalArgs {
    /// Print what is done, step by step, on stderr
    #[arg(long, short = 'D', global = true)]
    debug: bool,
    /// The directory that holds machines and certificates [env: `MACHINE_STORAGE_PATH`]
    #[arg(long, short = 's', value_name = "DIR")]
    storage_path: Option<std::path::PathBuf>,
    /// CA to verify remotes against [env: `MACHINE_TLS_CA_CERT`]
    #[arg(long, value_name = "FILE", hide = true)]
    tls_ca_cert: Option<std::path::PathBuf>,
    /// Private key to generate certificates [env: `MACHINE_TLS_CA_KEY`]
    #[arg(long, value_name = "FILE", hide = true)]
    tls_ca_key: Option<std::path::PathBuf>,
    /// Client cert to use for TLS [env: `MACHINE_TLS_CLIENT_CERT`]
    #[arg(long, value_name = "FILE", hide = true)]
    tls_client_cert: Option<std::path::PathBuf>,
    /// Private key used in client TLS auth [env: `MACHINE_TLS_CLIENT_KEY`]
    #[arg(long, value_name = "FILE", hide = true)]
    tls_client_key: Option<std::path::PathBuf>,
    /// Token for questions about boot2docker's releases [env: `MACHINE_GITHUB_API_TOKEN`]
    #[arg(long, value_name = "TOKEN", hide = true)]
    github_api_token: Option<String>,
    /// Use the built-in SSH client instead of the system's [env: `MACHINE_NATIVE_SSH`]
    #[arg(long)]
    native_ssh: bool,
    /// Accepted for old scripts; nothing is ever reported [env: `MACHINE_BUGSNAG_API_TOKEN`]
    #[arg(long, value_name = "TOKEN", hide = true)]
    bugsnag_api_token: Option<String>,
    /// Print the version
    #[arg(long, short = 'v', short_alias = 'V')]
    version: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Active(active::Args),
    Adopt(adopt::Args),
    Clone(clone::Args),
    Completion(completion::Args),
    Config(config::Args),
    #[command(subcommand)]
    Context(context::Command),
    Create(Box<create::Args>),
    Doctor(doctor::Args),
    Down(down::Args),
    #[command(subcommand)]
    Driver(driver::Command),
    Env(env::Args),
    Exec(exec::Args),
    Export(export::Args),
    Forward(forward::Args),
    Gc(gc::Args),
    #[command(visible_alias = "h")]
    Help(help::Args),
    #[command(subcommand)]
    Image(image::Command),
    Import(import::Args),
    Inspect(inspect::Args),
    Ip(ip::Args),
    Kill(kill::Args),
    #[command(subcommand)]
    Lab(lab::Command),
    Logs(logs::Args),
    Ls(ls::Args),
    Mount(mount::Args),
    Plan(plan::Args),
    Provision(provision::Args),
    RegenerateCerts(regenerate_certs::Args),
    Restart(restart::Args),
    Rm(rm::Args),
    Scp(scp::Args),
    Set(set::Args),
    #[command(subcommand)]
    Snapshot(snapshot::Command),
    Ssh(ssh::Args),
    SshConfig(ssh_config::Args),
    Start(start::Args),
    Status(status::Args),
    Stop(stop::Args),
    Suspend(suspend::Args),
    #[command(subcommand)]
    Swarm(swarm::Command),
    #[command(subcommand)]
    Template(template::Command),
    Tunnel(tunnel::Args),
    Up(up::Args),
    Upgrade(upgrade::Args),
    Url(url::Args),
    Version(version::Args),
}

/// The whole program: parses, runs, renders the error.
pub fn main() -> ExitCode {
    console::restore_on_panic();
    system::keep_streams();
    rustls::crypto::ring::default_provider().install_default().ok();
    let environment = Environment::read();
    let args: Vec<OsString> = std::env::args_os().collect();
    let result = match environment.var(completion::VARIABLE) {
        Some(shell) => completion::answer(shell, args.clone(), &environment),
        None => run(args.clone(), &environment),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            help_before(&error, &args, &environment);
            error.report(environment.manner)
        }
    }
}

fn run(args: Vec<OsString>, environment: &Environment) -> Result<ExitCode, CliError> {
    let manner = environment.manner;
    let (mut root, driver) = command_line(&args, environment)?;
    let name = environment.program_name();
    let args = grammar::normalise(&root, args, manner)
        .map_err(|error| misuse::error(error, &environment.program, name))?;
    let matches = match root.try_get_matches_from_mut(&args) {
        Ok(matches) => matches,
        Err(error) if manner.is_docker_machine() => {
            return in_docker_machines_words(&error, &args, environment);
        }
        Err(error) => return Ok(misuse::own_words(&error)),
    };
    let Cli { global, command } =
        Cli::from_arg_matches(&matches).map_err(|error| CliError::usage(error.to_string()))?;
    let command = match command {
        _ if global.version => return version::own(environment),
        None => return help::run(&help::Args::default(), Cli::command(), environment),
        Some(Command::Help(args)) => return help::run(&args, Cli::command(), environment),
        Some(Command::Completion(args)) => return completion::run(&args, environment),
        Some(Command::Version(args)) if !args.is_given() => return version::own(environment),
        Some(command) => command,
    };
    let given = match driver {
        Some(driver) => driver_flags::given(driver, innermost(&matches), environment)?,
        None => driver_flags::Given::default(),
    };
    let session = Session::open(global, environment.clone())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::from(machine_driver::Error::from(error)))?;
    // It has more to say of its interruption, and whoever listens second may be heard first.
    let listens = matches!(command, Command::Create(_));
    let carry_on = matches!(command, Command::Up(_)).then_some("carry on with `machine up`");
    let work = dispatch(command, &session, given);
    let result = runtime.block_on(async {
        console::listen()?;
        if listens { work.await } else { interruptible(work, carry_on).await }
    });
    // A thread that still waits for the network must not hold the program.
    runtime.shutdown_background();
    result
}

/// Help and errors of the parser as docker-machine prints them. Commands of commands are our own.
fn in_docker_machines_words(
    error: &clap::Error,
    args: &[OsString],
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    let (root, _) = command_line(args, environment)?;
    let command = grammar::command_place(&root, args).and_then(|place| args[place].to_str());
    let command = command.unwrap_or_default();
    if error.use_stderr() {
        return Err(misuse::parser_error(error, command));
    }
    if root.find_subcommand(command).is_some_and(clap::Command::has_subcommands) {
        return Ok(misuse::own_words(error));
    }
    console::print(&docker_machine_help::render(&root, command, environment))?;
    Ok(ExitCode::SUCCESS)
}

/// docker-machine's errors of usage are preceded by help, on stdout.
fn help_before(error: &CliError, args: &[OsString], environment: &Environment) {
    let Some((command, heading)) = error.help().filter(|_| environment.manner.is_docker_machine())
    else {
        return;
    };
    let Ok((root, _)) = command_line(args, environment) else { return };
    let help = docker_machine_help::render(&root, command, environment);
    let text = match heading {
        Some(heading) if command.is_empty() => format!("{heading}\n\n{help}"),
        Some(heading) => format!("{heading}\n\n{help}\n"),
        None => help,
    };
    // The error itself is what matters, and it goes to stderr.
    console::print(&text).ok();
}

async fn dispatch(
    command: Command,
    session: &Session,
    given: driver_flags::Given,
) -> Result<ExitCode, CliError> {
    match command {
        Command::Active(args) => active::run(args, session).await,
        Command::Adopt(args) => Box::pin(adopt::run(args, session)).await,
        Command::Clone(args) => Box::pin(clone::run(args, session)).await,
        Command::Config(args) => config::run(&args, session).await,
        Command::Context(command) => context::run(command, session),
        Command::Create(args) => Box::pin(create::run(*args, given, session)).await,
        Command::Doctor(args) => doctor::run(args, session).await,
        Command::Down(args) => Box::pin(down::run(args, session)).await,
        Command::Driver(command) => driver::run(command, session).await,
        Command::Env(args) => env::run(&args, session).await,
        Command::Exec(args) => Box::pin(exec::run(args, session)).await,
        Command::Export(args) => Box::pin(export::run(args, session)).await,
        Command::Forward(args) => forward::run(args, session).await,
        Command::Gc(args) => Box::pin(gc::run(args, given, session)).await,
        Command::Help(_) | Command::Completion(_) => Ok(ExitCode::SUCCESS), // done before
        Command::Image(command) => image::run(command, session).await,
        Command::Import(args) => Box::pin(import::run(args, session)).await,
        Command::Inspect(args) => inspect::run(&args, session),
        Command::Ip(args) => ip::run(args, session).await,
        Command::Kill(args) => kill::run(args, session).await,
        Command::Lab(command) => lab::run(command, session),
        Command::Logs(args) => logs::run(args, session).await,
        Command::Ls(args) => ls::run(args, session).await,
        Command::Mount(args) => mount::run(args, session).await,
        Command::Plan(args) => Box::pin(plan::run(args, session)).await,
        Command::Provision(args) => provision::run(args, session).await,
        Command::RegenerateCerts(args) => regenerate_certs::run(args, session).await,
        Command::Restart(args) => restart::run(args, session).await,
        Command::Rm(args) => rm::run(args, session).await,
        Command::Scp(args) => scp::run(args, session).await,
        Command::Set(args) => set::run(args, session).await,
        Command::Snapshot(command) => Box::pin(snapshot::run(command, session)).await,
        Command::Ssh(args) => ssh::run(args, session).await,
        Command::SshConfig(args) => ssh_config::run(args, session),
        Command::Start(args) => start::run(args, session).await,
        Command::Status(args) => status::run(args, session).await,
        Command::Stop(args) => stop::run(args, session).await,
        Command::Suspend(args) => suspend::run(args, session).await,
        Command::Swarm(command) => Box::pin(swarm::run(command, session)).await,
        Command::Template(command) => template::run(command, given, session).await,
        Command::Tunnel(args) => Box::pin(tunnel::run(args, session)).await,
        Command::Up(args) => Box::pin(up::run(args, session)).await,
        Command::Upgrade(args) => upgrade::run(args, session).await,
        Command::Url(args) => url::run(&args, session).await,
        Command::Version(args) => version::run(args, session).await,
    }
}

/// Ends the work at Ctrl-C or SIGTERM. Dropping it stops it between two side effects.
async fn interruptible(
    work: impl Future<Output = Result<ExitCode, CliError>>,
    carry_on: Option<&str>,
) -> Result<ExitCode, CliError> {
    tokio::select! {
        result = work => result,
        () = console::interrupted() => {
            let error = CliError::interrupted();
            Err(carry_on.into_iter().fold(error, CliError::hint))
        }
    }
}

/// What was said to the command that the line ends in: `create`, or `template build`.
fn innermost(matches: &clap::ArgMatches) -> &clap::ArgMatches {
    match matches.subcommand() {
        Some((_, matches)) => innermost(matches),
        None => matches,
    }
}

/// The parser, with the flags of the chosen driver in the commands that take them, and that driver.
fn command_line(
    args: &[OsString],
    environment: &Environment,
) -> Result<(clap::Command, Option<driver_flags::Chosen>), CliError> {
    let mut root = Cli::command();
    if environment.manner.is_docker_machine() {
        root = root.mut_subcommand("ls", passing_over_arguments);
    }
    let Some(place) = grammar::command_place(&root, args) else { return Ok((root, None)) };
    let Some(command) = takes_driver(&args[place..]) else { return Ok((root, None)) };
    let driver = driver_flags::chosen(&args[place..], environment)?;
    let root = with_driver(root, command, &driver);
    Ok((root, Some(driver)))
}

/// The command whose options include those of a driver, if these arguments begin with one.
fn takes_driver(args: &[OsString]) -> Option<&'static str> {
    match args.first()?.to_str() {
        Some("create") => Some("create"),
        Some("gc") if driver_flags::is_named(args) => Some("gc"),
        Some("template") if args.iter().any(|word| word == "build") => Some("template"),
        _ => None,
    }
}

/// docker-machine's `ls` takes arguments and does nothing with them.
fn passing_over_arguments(command: clap::Command) -> clap::Command {
    let ignored = clap::Arg::new("ignored").num_args(0..).hide(true);
    if command.get_positionals().next().is_some() { command } else { command.arg(ignored) }
}

fn with_driver(root: clap::Command, command: &str, driver: &driver_flags::Chosen) -> clap::Command {
    let with_flags = |command: clap::Command, flags: Vec<clap::Arg>| {
        command.next_help_heading(driver.heading()).args(flags)
    };
    let flags = driver.args();
    if command == "template" {
        let flags = flags.into_iter().map(|flag| flag.conflicts_with("like")).collect();
        return root.mut_subcommand("template", |template| {
            template.mut_subcommand("build", |build| with_flags(build, flags))
        });
    }
    root.mut_subcommand(command, |it| with_flags(it, flags))
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
