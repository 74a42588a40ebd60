use std::process::ExitCode;

use gotmpl::Value;

use super::error::CliError;
use super::lab_file::FileArg;
use super::session::Session;
use super::{console, target};
use crate::lab;
use crate::lab::swarm::{NodeRow, status};
use crate::output::format::{Format, Listed};
use crate::output::template::{object, structure};

/// The Docker swarm of a lab
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the nodes of a swarm as its managers see them
    Status(Status),
}

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    file: FileArg,
    /// table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Machines to ask, instead of those of the lab file
    #[arg(value_name = "NAME", conflicts_with = "file")]
    names: Vec<String>,
}

pub(super) async fn run(command: Command, session: &Session) -> Result<ExitCode, CliError> {
    let Command::Status(args) = command;
    let names = match args.names.is_empty() {
        true => lab::members(&session.engine, &args.file.find(session)?.name(session)?)?,
        false => args.names,
    };
    for name in &names {
        target::check(session, name)?;
    }
    let format = args.format.as_deref().map(Format::parse).transpose()?.unwrap_or_default();
    let status = status(&session.engine, &names).await?;
    console::print(&format.rows(&status.nodes)?)?;
    let quorum = if status.has_quorum() { "a quorum" } else { "no quorum" };
    let (reachable, managers) = (status.reachable, status.managers);
    console::eprint(&format!("{reachable} of {managers} managers can be reached: {quorum}.\n"));
    Ok(ExitCode::SUCCESS)
}

impl Listed for NodeRow {
    const TABLE: &'static str = "table {{ .Machine }}\t{{ .Role }}\t{{ .Leader }}\t{{ .State }}\t\
        {{ .Availability }}\t{{ .Address }}\t{{ .Engine }}";

    fn headers() -> Value {
        object(FIELDS.map(|name| (name, name.to_uppercase().into())))
    }

    fn fields(&self) -> Value {
        let leader = if self.leader { "*" } else { "-" };
        let values = [
            self.machine.as_str(),
            &self.role,
            leader,
            &self.state,
            &self.availability,
            &self.address,
            &self.engine,
            &self.node,
        ];
        let fields = FIELDS.into_iter().zip(values).map(|(name, value)| (name, value.into()));
        structure("machine.Node", fields.collect())
    }
}

const FIELDS: [&str; 8] =
    ["Machine", "Role", "Leader", "State", "Availability", "Address", "Engine", "Node"];
