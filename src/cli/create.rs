use std::process::ExitCode;

use machine_driver::{ErrorKind, Result};

use super::console;
use super::driver_flags::{self, Given};
use super::error::CliError;
use super::exit;
use super::session::Session;
use crate::engine::{CreateError, Request, Step, create, preview};
use crate::output::progress::Display;
use crate::provision::{self, Install};
use crate::store::{EngineOptions, SwarmOptions};

/// Create a machine
///
/// Called again for a machine whose making was interrupted, it carries on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine create lab1
  machine create --qemu-memory 4096 --qemu-open-port 8080 lab1
  machine create web db 'n{1..3}'
  machine create --driver qemu --help       shows the driver's own options")]
pub(super) struct Args {
    /// Names of the machines, which are also their host names; n{1..3} are three
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Make so many machines at the same time [default: 8, or one for each CPU]
    #[arg(long, short, value_name = "N")]
    jobs: Option<usize>,
    /// Driver to create machine with. [env: `MACHINE_DRIVER`] [default: qemu]
    #[arg(long, short, value_name = "DRIVER")]
    driver: Option<String>,
    /// Custom URL to use for engine installation [env: `MACHINE_DOCKER_INSTALL_URL`]
    /// [default: `https://get.docker.com`]
    #[arg(long, value_name = "URL")]
    engine_install_url: Option<String>,
    /// Specify arbitrary flags to include with the created engine in the form flag=value
    #[arg(long, value_name = "FLAG")]
    engine_opt: Vec<String>,
    /// Specify insecure registries to allow with the created engine
    #[arg(long, value_name = "HOST")]
    engine_insecure_registry: Vec<String>,
    /// Specify registry mirrors to use [env: `ENGINE_REGISTRY_MIRROR`]
    #[arg(long, value_name = "URL")]
    engine_registry_mirror: Vec<String>,
    /// Specify labels for the created engine
    #[arg(long, value_name = "KEY=VALUE")]
    engine_label: Vec<String>,
    /// Specify a storage driver to use with the engine
    #[arg(long, value_name = "NAME")]
    engine_storage_driver: Option<String>,
    /// Specify environment variables to set in the engine
    #[arg(long, value_name = "NAME=VALUE")]
    engine_env: Vec<String>,
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
    /// File for cloud-init, merged with what the machine needs: #cloud-config, or a script
    #[arg(long, value_name = "FILE")]
    cloud_init: Option<std::path::PathBuf>,
    /// Let the machine switch itself off after this time, and `machine gc` remove it: 30m, 4h, 2d
    #[arg(long, value_name = "TIME", value_parser = super::duration::parse)]
    ttl: Option<std::time::Duration>,
    /// To whom a cloud opens SSH and Docker: an address, a network, caller or world
    /// [default: caller]
    #[arg(long, value_name = "NETWORK")]
    open_to: Vec<String>,
    /// Write secrets that are given as options into the record, as docker-machine does
    #[arg(long)]
    store_secrets: bool,
    /// Do not ask before a host that is there already is changed
    #[arg(long, short)]
    yes: bool,
    /// Support extra SANs for TLS certs
    #[arg(long, value_name = "NAME")]
    tls_san: Vec<String>,
    #[command(flatten)]
    swarm: SwarmArgs,
}

/// Docker Swarm of before 2016. What is said here is recorded as docker-machine records it;
/// its image is no longer published, so nothing is started from it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of classic Swarm, which are recorded and otherwise unused")]
struct SwarmArgs {
    /// Configure Machine to join a Swarm cluster
    #[arg(long)]
    swarm: bool,
    /// Specify Docker image to use for Swarm [env: `MACHINE_SWARM_IMAGE`] [default: `swarm:latest`]
    #[arg(long, value_name = "IMAGE")]
    swarm_image: Option<String>,
    /// Configure Machine to be a Swarm master
    #[arg(long)]
    swarm_master: bool,
    /// Discovery service to use with Swarm
    #[arg(long, value_name = "URL")]
    swarm_discovery: Option<String>,
    /// Define a default scheduling strategy for Swarm [default: spread]
    #[arg(long, value_name = "NAME")]
    swarm_strategy: Option<String>,
    /// Define arbitrary flags for Swarm master
    #[arg(long, value_name = "FLAG")]
    swarm_opt: Vec<String>,
    /// Define arbitrary flags for Swarm join
    #[arg(long, value_name = "FLAG")]
    swarm_join_opt: Vec<String>,
    /// ip/socket to listen on for Swarm master [default: `tcp://0.0.0.0:3376`]
    #[arg(long, value_name = "URL")]
    swarm_host: Option<String>,
    /// addr to advertise for Swarm (default: detect and use the machine IP)
    #[arg(long, value_name = "ADDRESS")]
    swarm_addr: Option<String>,
    /// Enable Swarm experimental features
    #[arg(long)]
    swarm_experimental: bool,
}

pub(super) async fn run(args: Args, given: Given, session: &Session) -> Result<ExitCode, CliError> {
    let names = names(&args, session)?;
    let (dry_run, yes, context, jobs) = (args.dry_run, args.yes, args.context, args.jobs);
    let mut requests = Vec::new();
    let first = request(args, &names[0], given, session)?;
    for name in names {
        let request = Request { name, ..first.clone() };
        if (dry_run || !request.provisioning.as_docker_machine)
            && !agreed(&request, dry_run, yes, session).await?
        {
            return Ok(ExitCode::SUCCESS);
        }
        requests.push(request);
    }
    let jobs = jobs.unwrap_or_else(super::lab_file::default_jobs);
    let made = match &requests[..] {
        [request] => Box::pin(one(request, session)).await,
        requests => super::create_many::run(requests, jobs, session).await,
    };
    let there = |request: &&Request| session.engine.store.exists(&request.name);
    if let Some(request) = requests.iter().find(there) {
        super::template::build_in_background(&request.name, session).await;
    }
    made?;
    for request in requests.iter().filter(|_| context) {
        super::context::create(&request.name, "tls", session)?;
    }
    for request in &requests {
        super::misfit::warn(&request.name, session);
    }
    let name = if let [request] = &requests[..] { &request.name } else { "NAME" };
    console::println(&format!(
        "To see how to connect your Docker Client to the Docker Engine running on this virtual \
         machine, run: {} env {name}",
        session.environment.program
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn one(request: &Request, session: &Session) -> Result<(), CliError> {
    let name = &request.name;
    let show = progress();
    let result = tokio::select! {
        result = create(&session.engine, request, show.for_machine(name)) => result,
        () = console::interrupted() => {
            show.finish();
            return Err(interrupted(name, session));
        }
    };
    show.finish();
    result.map_err(|error| failure(name, error))
}

/// In docker-machine's order: first too many names, which only we can make, then none, then a wrong
/// one.
fn names(args: &Args, session: &Session) -> Result<Vec<String>, CliError> {
    let is_docker_machine = session.environment.manner.is_docker_machine();
    if let [_, extra @ ..] = &args.names[..]
        && !extra.is_empty()
        && is_docker_machine
    {
        let extra = extra.join(" ");
        let message = format!("Invalid command line. Found extra arguments [{extra}]");
        return Err(CliError::usage(message).hint("machine create lab1"));
    }
    if args.names.is_empty() {
        return Err(CliError::usage("No machine name specified")
            .hint("machine create lab1")
            .docker_machine_says("Error: No machine name specified")
            .after_help_of("create"));
    }
    let mut names = Vec::new();
    for word in &args.names {
        // docker-machine knows no braces, which are no part of a name either.
        let words = match is_docker_machine {
            true => vec![word.clone()],
            false => crate::lab::expand(word).map_err(CliError::usage)?,
        };
        names.extend(words);
    }
    for (place, name) in names.iter().enumerate() {
        crate::store::check_name(name).map_err(|error| {
            CliError::from(error).docker_machine_says(
                "Error creating machine: Invalid hostname specified. Allowed hostname chars are: \
                 0-9a-zA-Z . -",
            )
        })?;
        if names[..place].contains(name) {
            return Err(CliError::usage(format!("the machine `{name}` is named twice")));
        }
    }
    Ok(names)
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
        CliError::from(error).context("Error with pre-create check").code(exit::PRE_CREATE_CHECK)
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
    let text = changes.iter().fold(String::new(), |text, line| text + &format!("  - {line}\n"));
    let text = format!("On the host {} this will:\n{text}", ip.unwrap_or(&request.name));
    if dry_run {
        console::print(&text)?;
        return Ok(false);
    }
    console::eprint(&text);
    Ok(yes || console::confirm("Go on? (y/n): ")?.unwrap_or(true))
}

fn request(args: Args, name: &str, given: Given, session: &Session) -> Result<Request, CliError> {
    let variable = |name| session.environment.var(name).map(str::to_owned);
    let as_docker_machine = session.environment.manner.is_docker_machine();
    let mut mirrors =
        variable("ENGINE_REGISTRY_MIRROR").map(|text| driver_flags::environment_list(&text));
    mirrors.get_or_insert_default().extend(args.engine_registry_mirror);
    let defaults = EngineOptions::default();
    let engine = EngineOptions {
        arbitrary_flags: args.engine_opt,
        env: args.engine_env,
        insecure_registry: args.engine_insecure_registry,
        labels: args.engine_label,
        registry_mirror: mirrors.unwrap_or_default(),
        storage_driver: args.engine_storage_driver.unwrap_or_default(),
        install_url: args
            .engine_install_url
            .or_else(|| variable("MACHINE_DOCKER_INSTALL_URL"))
            .unwrap_or(defaults.install_url),
        ..EngineOptions::default()
    };
    let provisioning = provision::Options {
        install: args.engine_install,
        engine_version: args.engine_version,
        set_hostname: args.set_hostname,
        upgrade_packages: args.upgrade_packages,
        as_docker_machine,
        cloud_init: args.cloud_init.as_deref().map(cloud_init).transpose()?,
        expires: args.ttl.map(|ttl| {
            let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
            (now + ttl).as_secs()
        }),
        open_to: args.open_to,
    };
    Ok(Request {
        name: name.to_owned(),
        driver: given.driver,
        values: given.values,
        engine,
        swarm: swarm_options(args.swarm, variable("MACHINE_SWARM_IMAGE"))?,
        sans: args.tls_san,
        provisioning,
        store_secrets: args.store_secrets || as_docker_machine,
        lab: None,
    })
}

/// Reads the user's file. A `#cloud-config` that is no YAML would be passed over by the guest
/// without a word.
fn cloud_init(path: &std::path::Path) -> Result<String, CliError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::usage(format!("the file of `--cloud-init`, `{shown}`, cannot be read"))
            .cause(&error.to_string())
    })?;
    if text.starts_with("#cloud-config") {
        serde_yaml::from_str::<serde_yaml::Value>(&text).map_err(|error| {
            CliError::usage(format!("`{shown}` is no YAML")).cause(&error.to_string())
        })?;
    }
    Ok(text)
}

/// The Swarm options as docker-machine records them.
fn swarm_options(args: SwarmArgs, image: Option<String>) -> Result<SwarmOptions, CliError> {
    let discovery = args.swarm_discovery.unwrap_or_default();
    if !discovery.is_empty() && !has_scheme(&discovery) {
        return Err(CliError::usage(format!(
            "Error parsing swarm discovery: Swarm Discovery URL was in the wrong format: \
             {discovery}"
        )));
    }
    let defaults = SwarmOptions::default();
    Ok(SwarmOptions {
        is_swarm: args.swarm || args.swarm_master,
        image: args.swarm_image.or(image).unwrap_or(defaults.image),
        agent: args.swarm,
        master: args.swarm_master,
        discovery,
        address: args.swarm_addr.unwrap_or_default(),
        host: args.swarm_host.unwrap_or(defaults.host),
        strategy: args.swarm_strategy.unwrap_or(defaults.strategy),
        arbitrary_flags: args.swarm_opt,
        arbitrary_join_flags: args.swarm_join_opt,
        is_experimental: args.swarm_experimental,
        ..SwarmOptions::default()
    })
}

/// docker-machine's rule is the expression `[^:]*://.*`, which need not match at the beginning.
fn has_scheme(url: &str) -> bool {
    url.contains("://")
}

pub(super) fn failure(name: &str, error: CreateError) -> CliError {
    let CreateError { step, error, kept } = error;
    let (is_flags, is_denied) =
        (error.kind() == ErrorKind::Flags, error.kind() == ErrorKind::Denied);
    let cli = CliError::from(error);
    let cause = cli.causes();
    let cli = match step {
        Some(Step::PreCheck) => {
            return cli
                .context("Error with pre-create check")
                .docker_machine_says(format!("Error with pre-create check: {cause:?}"))
                .code(exit::PRE_CREATE_CHECK);
        }
        Some(Step::Authority) => return cli.context("Error generating certificates"),
        Some(step) => cli
            .context(format!("Error creating machine: the step `{step}` failed"))
            .docker_machine_says(format!("Error creating machine: {}: {cause}", old_step(step))),
        None if is_flags || is_denied => {
            cli.code(exit::PRE_CREATE_CHECK).docker_machine_code(exit::GENERAL).docker_machine_says(
                format!("Error setting machine configuration from flags provided: {cause}"),
            )
        }
        None => cli,
    };
    if kept { resumable(cli, name) } else { cli }
}

/// In docker-machine's words, what was being done.
fn old_step(step: Step) -> &'static str {
    match step {
        Step::Ssh => "Error detecting OS",
        Step::Provision => "Error running provisioning",
        Step::Engine | Step::Verify => "Error checking the host",
        _ => "Error in driver during machine creation",
    }
}

/// Says what exists: the machine's record, and what that names in a cloud.
pub(super) fn interrupted(name: &str, session: &Session) -> CliError {
    if !session.engine.store.exists(name) {
        return CliError::interrupted();
    }
    // A record that cannot be read names nothing, and is said to be broken by the next command.
    let machine = session.engine.load(name, super::session::silent());
    let made = machine.map(|machine| machine.driver.made()).unwrap_or_default();
    resumable(CliError::interrupted_with(&made), name)
}

fn resumable(error: CliError, name: &str) -> CliError {
    error
        .hint(format!("carry on with `machine create {name}`"))
        .hint(format!("or remove it with `machine rm -y {name}`"))
}
