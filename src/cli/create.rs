use std::process::ExitCode;

use machine_driver::{FlagValues, Result};

use super::console;
use super::driver_flags::DEFAULT_DRIVER;
use super::error::CliError;
use super::exit;
use super::session::Session;
use crate::engine::{CreateError, Request, Step, create, preview};
use crate::output::progress::Display;
use crate::provision::{self, Install};
use crate::store::{EngineOptions, SwarmOptions};

/// Make a machine: a Docker host, ready to use
///
/// Called again for a machine whose making was interrupted, it carries on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine create lab1
  machine create --qemu-memory 4096 --qemu-open-port 8080 lab1
  machine create --driver qemu --help       shows the driver's own options")]
pub(super) struct Args {
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The kind of host to make [env: `MACHINE_DRIVER`] [default: qemu]
    #[arg(long, short, value_name = "DRIVER")]
    driver: Option<String>,
    /// Option for the Docker Engine, as `flag=value` or `flag` (can be repeated)
    #[arg(long, value_name = "OPTION")]
    engine_opt: Vec<String>,
    /// Registry to be used without TLS (can be repeated)
    #[arg(long, value_name = "HOST")]
    engine_insecure_registry: Vec<String>,
    /// Registry mirror (can be repeated)
    #[arg(long, value_name = "URL", env = "ENGINE_REGISTRY_MIRROR", value_delimiter = ',')]
    engine_registry_mirror: Vec<String>,
    /// Label of the Engine, as `key=value` (can be repeated)
    #[arg(long, value_name = "LABEL")]
    engine_label: Vec<String>,
    /// Storage driver of the Engine
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    engine_storage_driver: String,
    /// Environment variable of the Engine, as `NAME=value` (can be repeated)
    #[arg(long, value_name = "VARIABLE")]
    engine_env: Vec<String>,
    /// Script that installs Docker on hosts that come without it
    #[arg(long, value_name = "URL", env = "MACHINE_DOCKER_INSTALL_URL")]
    #[arg(default_value = "https://get.docker.com")]
    engine_install_url: String,
    /// Where the Engine of a host without one comes from: auto, script, package or none
    #[arg(long, value_name = "WAY", default_value = "auto")]
    engine_install: Install,
    /// Version of the Engine to install: 28, 28.3 or latest
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<String>,
    /// Give a host that is there already the machine's name
    #[arg(long)]
    set_hostname: bool,
    /// Bring all packages of the host up to date first
    #[arg(long)]
    upgrade_packages: bool,
    /// Show what would be changed on a host that is there already, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Make a docker context of the machine's name too; the current one stays
    #[arg(long)]
    context: bool,
    /// Do not ask before a host that is there already is changed
    #[arg(long, short)]
    yes: bool,
    /// Further name or address for the server certificate (can be repeated)
    #[arg(long, value_name = "NAME")]
    tls_san: Vec<String>,
}

pub(super) async fn run(
    args: Args,
    values: FlagValues,
    session: &Session,
) -> Result<ExitCode, CliError> {
    let Some(name) = args.name.clone() else {
        return Err(CliError::usage("No machine name specified").hint("machine create lab1"));
    };
    let driver = args
        .driver
        .clone()
        .or_else(|| session.environment.var("MACHINE_DRIVER").map(str::to_owned))
        .unwrap_or_else(|| DEFAULT_DRIVER.to_owned());
    let (dry_run, yes, context) = (args.dry_run, args.yes, args.context);
    let request = request(args, &name, &driver, values, session);
    if (dry_run || !request.provisioning.as_docker_machine)
        && !agreed(&request, dry_run, yes, session).await?
    {
        return Ok(ExitCode::SUCCESS);
    }
    let show = progress();
    let result = tokio::select! {
        result = create(&session.engine, &request, show.for_machine(&name)) => result,
        () = console::interrupted() => {
            show.finish();
            return Err(interrupted(&name, session));
        }
    };
    show.finish();
    result.map_err(|error| failure(&name, error))?;
    if context {
        super::context::create(&name, false, session)?;
    }
    console::println(&format!(
        "To see how to connect your Docker Client to the Docker Engine running on this virtual \
         machine, run: {} env {name}",
        session.environment.program
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// Where commands that change machines show their progress: on stdout, as docker-machine does.
pub(super) fn progress() -> Display {
    use std::io::IsTerminal;
    if std::io::stdout().is_terminal() {
        Display::live()
    } else {
        Display::plain(std::io::stdout())
    }
}

/// Shows what will be changed on a host that is there already, and asks on a terminal. What would
/// fail there fails here, before anything is made.
async fn agreed(
    request: &Request,
    dry_run: bool,
    yes: bool,
    session: &Session,
) -> Result<bool, CliError> {
    let failed = |error: machine_driver::Error| {
        let code = match error.kind() {
            machine_driver::ErrorKind::Flags => exit::GENERAL,
            _ => exit::PRE_CREATE_CHECK,
        };
        CliError::from(error).context("Error with pre-create check").code(code)
    };
    let changes =
        preview(&session.engine, request, super::session::silent()).await.map_err(failed)?;
    let Some(changes) = changes else {
        return match dry_run {
            true => Err(CliError::usage(format!(
                "`--dry-run` is for hosts that are there already, not for driver `{}`",
                request.driver
            ))),
            false => Ok(true),
        };
    };
    let ip = machine_driver::FlagValues::text(&request.values, "generic-ip-address");
    let text: String = changes.iter().map(|line| format!("  - {line}\n")).collect();
    let text = format!("On the host {} this will:\n{text}", ip.unwrap_or(&request.name));
    if dry_run {
        console::print(&text)?;
        return Ok(false);
    }
    console::eprint(&text);
    Ok(yes || console::confirm("Go on? (y/n): ")?.unwrap_or(true))
}

fn request(args: Args, name: &str, driver: &str, values: FlagValues, session: &Session) -> Request {
    let provisioning = provision::Options {
        install: args.engine_install,
        engine_version: args.engine_version,
        set_hostname: args.set_hostname,
        upgrade_packages: args.upgrade_packages,
        as_docker_machine: session.environment.program_name() == "docker-machine",
    };
    Request {
        name: name.to_owned(),
        driver: driver.to_owned(),
        values,
        engine: EngineOptions {
            arbitrary_flags: args.engine_opt,
            env: args.engine_env,
            insecure_registry: args.engine_insecure_registry,
            labels: args.engine_label,
            registry_mirror: args.engine_registry_mirror,
            storage_driver: args.engine_storage_driver,
            install_url: args.engine_install_url,
            ..EngineOptions::default()
        },
        swarm: SwarmOptions::default(),
        sans: args.tls_san,
        provisioning,
    }
}

fn failure(name: &str, error: CreateError) -> CliError {
    let CreateError { step, error, kept } = error;
    let cli = CliError::from(error);
    let cli = match step {
        Some(Step::PreCheck) => {
            return cli.context("Error with pre-create check").code(exit::PRE_CREATE_CHECK);
        }
        Some(step) => cli.context(format!("Error creating machine: the step `{step}` failed")),
        None => cli,
    };
    if kept { resumable(cli, name) } else { cli }
}

fn interrupted(name: &str, session: &Session) -> CliError {
    let error = CliError::interrupted();
    if session.engine.store.exists(name) { resumable(error, name) } else { error }
}

fn resumable(error: CliError, name: &str) -> CliError {
    error
        .hint(format!("carry on with `machine create {name}`"))
        .hint(format!("or remove it with `machine rm -y {name}`"))
}
