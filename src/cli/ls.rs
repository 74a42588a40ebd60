use std::process::ExitCode;
use std::time::Duration;

use machine_driver::State;
use regex::Regex;
use serde::Serialize;

use super::console;
use super::error::CliError;
use super::session::{Session, silent};
use crate::engine::{Row, list};
use crate::output::format::{Column, Format};

/// List machines
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Filters: driver=NAME, state=WORD, name=REGEX, label=KEY=VALUE, swarm=MASTER.
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
    let format = args.format.as_deref().map(Format::parse).transpose()?.unwrap_or_default();
    let names = session.engine.store.names()?;
    if args.quiet && filters.is_empty() {
        for name in &names {
            console::println(name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let deadline = Duration::from_secs(args.timeout);
    let mut rows = list(&session.engine, &names, deadline, &silent()).await;
    rows.retain(|row| filters.hold(row));
    if args.quiet {
        for row in rows {
            console::println(&row.name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    rows.sort_by(|a, b| crate::output::natural::compare(&a.name, &b.name));
    let docker_host = session.environment.var("DOCKER_HOST");
    let items: Vec<Item> = rows.into_iter().map(|row| Item::new(row, docker_host)).collect();
    console::print(&format.rows(&COLUMNS, DEFAULT, &items)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What a template can name, and the header of each.
const COLUMNS: [Column; 13] = [
    Column { field: "Name", header: "NAME" },
    Column { field: "Active", header: "ACTIVE" },
    Column { field: "ActiveHost", header: "ACTIVE_HOST" },
    Column { field: "ActiveSwarm", header: "ACTIVE_SWARM" },
    Column { field: "DriverName", header: "DRIVER" },
    Column { field: "State", header: "STATE" },
    Column { field: "URL", header: "URL" },
    Column { field: "SwarmOptions", header: "SWARM_OPTIONS" },
    Column { field: "Swarm", header: "SWARM" },
    Column { field: "EngineOptions", header: "ENGINE_OPTIONS" },
    Column { field: "Error", header: "ERRORS" },
    Column { field: "DockerVersion", header: "DOCKER" },
    Column { field: "ResponseTime", header: "RESPONSE" },
];

/// docker-machine's default template.
const DEFAULT: &str = "table {{ .Name }}\t{{ .Active }}\t{{ .DriverName}}\t{{ .State }}\t\
    {{ .URL }}\t{{ .Swarm }}\t{{ .DockerVersion }}\t{{ .Error}}";

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
    swarm_options: crate::store::SwarmOptions,
    swarm: String,
    engine_options: crate::store::EngineOptions,
    error: String,
    docker_version: String,
    response_time: String,
}

impl Item {
    fn new(row: Row, docker_host: Option<&str>) -> Self {
        let broken = row.driver.is_empty();
        let known = row.state.as_str() != State::Timeout.as_str() && !broken;
        let active = row.url.is_some() && row.url.as_deref() == docker_host;
        Self {
            name: row.name,
            active: match (known, active) {
                (false, _) => "",
                (true, true) => "*",
                (true, false) => "-",
            },
            active_host: active,
            active_swarm: false,
            driver_name: if broken { "not found".to_owned() } else { row.driver },
            state: row.state.as_str(),
            url: row.url.unwrap_or_default(),
            swarm: String::new(),
            swarm_options: row.swarm_options,
            engine_options: row.engine_options,
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

/// The `--filter` options: OR within a kind, AND between kinds.
#[derive(Debug, Default)]
struct Filters {
    drivers: Vec<String>,
    states: Vec<String>,
    names: Vec<Regex>,
    labels: Vec<(String, String)>,
    swarms: Vec<String>,
}

impl Filters {
    fn parse(filters: &[String]) -> Result<Self, CliError> {
        let mut parsed = Self::default();
        for filter in filters {
            let (key, value) =
                filter.split_once('=').ok_or_else(|| CliError::new("Unsupported filter syntax"))?;
            match key.to_lowercase().as_str() {
                "driver" => parsed.drivers.push(value.to_lowercase()),
                "state" => parsed.states.push(value.to_lowercase()),
                "swarm" => parsed.swarms.push(value.to_lowercase()),
                "name" => parsed
                    .names
                    .push(Regex::new(value).map_err(|error| CliError::new(error.to_string()))?),
                "label" => {
                    let (key, value) = value.split_once('=').ok_or_else(|| {
                        CliError::new("a label filter has a key and a value")
                            .hint("machine ls --filter label=KEY=VALUE")
                    })?;
                    parsed.labels.push((key.to_owned(), value.to_lowercase()));
                }
                _ => {
                    return Err(CliError::new(format!("Unsupported filter key '{key}'"))
                        .hint("the keys are driver, state, name, label and swarm"));
                }
            }
        }
        Ok(parsed)
    }

    fn is_empty(&self) -> bool {
        self.drivers.is_empty()
            && self.states.is_empty()
            && self.names.is_empty()
            && self.labels.is_empty()
            && self.swarms.is_empty()
    }

    /// A machine whose record is broken is shown whatever the filters say, as in docker-machine:
    /// nobody knows what it is.
    fn hold(&self, row: &Row) -> bool {
        let any = |wanted: &[String], value: &str| {
            wanted.is_empty() || wanted.iter().any(|it| *it == value.to_lowercase())
        };
        let labels = &row.engine_options.labels;
        let has = |key: &str, value: &str| {
            labels
                .iter()
                .filter_map(|label| label.split_once('='))
                .any(|(k, v)| k == key && v.to_lowercase() == value)
        };
        row.driver.is_empty()
            || any(&self.drivers, &row.driver)
                && any(&self.states, row.state.as_str())
                && any(&self.swarms, "")
                && (self.names.is_empty() || self.names.iter().any(|it| it.is_match(&row.name)))
                && (self.labels.is_empty() || self.labels.iter().any(|(k, v)| has(k, v)))
    }
}
