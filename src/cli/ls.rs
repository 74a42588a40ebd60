use std::process::ExitCode;
use std::time::Duration;

use gotmpl::Value;
use serde::Serialize;

use super::error::CliError;
use super::filters::{Filters, Masters, masters};
use super::session::{Session, silent};
use super::{connection, console, ls_fields};
use crate::engine::{Found, Look, Row, find_all, look};
use crate::output::format::{Format, Listed};
use crate::output::template::{header, object, structure};
use crate::store::{EngineOptions, SwarmOptions};

/// List machines
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Filters: driver=NAME, state=WORD, name=REGEX, label=KEY[=VALUE], swarm=MASTER.
Filters of different kinds must all hold, of the same kind one of them.

Examples:
  machine ls --filter state=Running
  machine ls --format '{{.Name}} {{.URL}}'
  machine ls --format json")]
pub(super) struct Args {
    /// Print names only; nothing but the store is read
    #[arg(long, short)]
    quiet: bool,
    /// Show only the machines that match (can be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Seconds to wait for each machine
    #[arg(long, short, default_value_t = 10, value_name = "SECONDS")]
    timeout: u64,
    /// table, json, yaml, or a Go template, also `table TEMPLATE`
    #[arg(long, short)]
    format: Option<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let filters = Filters::parse(&args.filter)?;
    let format = args.format.as_deref().filter(|format| !format.is_empty());
    let format = format.map(Format::parse).transpose()?.unwrap_or_default();
    let found = find_all(&session.engine, &silent())?;
    let masters = masters(&found);
    let mut shown: Vec<&Found<'_>> =
        found.iter().filter(|found| filters.hold(found, &masters)).collect();
    if args.quiet {
        shown.retain(|found| found.machine.is_ok());
    }
    let rows = match args.quiet && !filters.need_state() {
        true => Vec::new(),
        false => look(&session.engine, &shown, Duration::from_secs(args.timeout)).await,
    };
    let mut places: Vec<usize> = (0..shown.len()).collect();
    if filters.need_state() {
        places.retain(|place| filters.hold_state(rows[*place].look));
    }
    if args.quiet {
        let names = places.into_iter().map(|place| shown[place].name.as_str());
        console::print(&names.fold(String::new(), |all, name| all + name + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    places.sort_by(|a, b| crate::output::natural::compare(&shown[*a].name, &shown[*b].name));
    let items: Vec<Item> = places
        .into_iter()
        .map(|place| Item::new(shown[place], rows[place].clone(), &masters, session))
        .collect();
    console::print(&format.rows(&items)?)?;
    Ok(ExitCode::SUCCESS)
}

/// One line of the listing, with docker-machine's field names.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    name: String,
    active: &'static str,
    active_host: bool,
    active_swarm: bool,
    driver_name: String,
    state: &'static str,
    #[serde(rename = "URL")]
    url: String,
    swarm_options: Option<SwarmOptions>,
    swarm: String,
    engine_options: Option<EngineOptions>,
    error: String,
    docker_version: String,
    response_time: String,
}

impl Item {
    fn new(found: &Found<'_>, row: Row, masters: &Masters, session: &Session) -> Self {
        // Of a machine that is late or broken, docker-machine says nothing else.
        let known = !matches!(row.look, Look::Late | Look::Broken);
        let docker_host = session.environment.var("DOCKER_HOST");
        let active_host = row.url.is_some()
            && docker_host.is_some_and(|host| {
                let machine = found.machine.as_ref();
                machine.is_ok_and(|machine| connection::leads_to(machine, host, session))
            });
        let active_swarm = row.swarm_url.is_some() && row.swarm_url.as_deref() == docker_host;
        let driver_name = match (&found.machine, row.look) {
            (Err(_), _) => "not found".to_owned(),
            (Ok(machine), Look::NoDriver) => machine.kind.name().to_owned(),
            (Ok(machine), _) => machine.record.driver_name.clone(),
        };
        let (engine_options, swarm_options) = match row.options {
            Some(options) => (Some(options.engine_options), Some(options.swarm_options)),
            None => (None, None),
        };
        Self {
            name: found.name.clone(),
            active: match (active_host, active_swarm) {
                (true, _) if known => "*",
                (_, true) if known => "* (swarm)",
                _ if known => "-",
                _ => "",
            },
            active_host,
            active_swarm,
            driver_name,
            state: row.look.as_str(),
            url: row.url.unwrap_or_default(),
            swarm: swarm_options.as_ref().map_or_else(String::new, |it| swarm(it, masters)),
            swarm_options,
            engine_options,
            error: row.error.unwrap_or_default(),
            docker_version: match row.docker {
                Some(version) => format!("v{version}"),
                None if known => "Unknown".to_owned(),
                None => String::new(),
            },
            response_time: crate::output::text::go_duration(row.response),
        }
    }
}

/// The master of the machine's swarm.
fn swarm(options: &SwarmOptions, masters: &Masters) -> String {
    let master = match options.discovery.as_str() {
        "" => return String::new(),
        discovery => masters.get(discovery).map_or("", String::as_str),
    };
    if options.master { format!("{master} (master)") } else { master.to_owned() }
}

impl Listed for Item {
    const TABLE: &'static str = "table {{ .Name }}\t{{ .Active }}\t{{ .DriverName}}\t{{ .State }}\t\
        {{ .URL }}\t{{ .Swarm }}\t{{ .DockerVersion }}\t{{ .Error}}";

    fn headers() -> Value {
        let inner = |text, fields: Vec<(&'static str, Value)>| {
            let fields = fields.into_iter().map(|(name, _)| (name, name.to_uppercase().into()));
            header(text, fields.collect())
        };
        let swarm = ls_fields::swarm_fields(&SwarmOptions::default());
        let engine = ls_fields::engine_fields(&EngineOptions::default());
        object([
            ("Name", "NAME".into()),
            ("Active", "ACTIVE".into()),
            ("ActiveHost", "ACTIVE_HOST".into()),
            ("ActiveSwarm", "ACTIVE_SWARM".into()),
            ("DriverName", "DRIVER".into()),
            ("State", "STATE".into()),
            ("URL", "URL".into()),
            ("SwarmOptions", inner("SWARM_OPTIONS", swarm)),
            ("Swarm", "SWARM".into()),
            ("EngineOptions", inner("ENGINE_OPTIONS", engine)),
            ("Error", "ERRORS".into()),
            ("DockerVersion", "DOCKER".into()),
            ("ResponseTime", "RESPONSE".into()),
        ])
    }

    fn fields(&self) -> Value {
        structure(
            "commands.HostListItem",
            vec![
                ("Name", self.name.as_str().into()),
                ("Active", self.active.into()),
                ("ActiveHost", Value::Bool(self.active_host)),
                ("ActiveSwarm", Value::Bool(self.active_swarm)),
                ("DriverName", self.driver_name.as_str().into()),
                ("State", self.state.into()),
                ("URL", self.url.as_str().into()),
                ("SwarmOptions", self.swarm_options.as_ref().map_or(Value::Nil, ls_fields::swarm)),
                ("Swarm", self.swarm.as_str().into()),
                (
                    "EngineOptions",
                    self.engine_options.as_ref().map_or(Value::Nil, ls_fields::engine),
                ),
                ("Error", self.error.as_str().into()),
                ("DockerVersion", self.docker_version.as_str().into()),
                ("ResponseTime", self.response_time.as_str().into()),
            ],
        )
    }
}
