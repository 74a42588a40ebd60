use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use super::target::Target;

/// Print the record of a machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the lab file that asks for these machines instead
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["format", "name"])]
    as_lab: Vec<String>,
    /// json, yaml, or a Go template over the record
    #[arg(long, short)]
    format: Option<String>,
    #[command(flatten)]
    target: Target,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<ExitCode, CliError> {
    if !args.as_lab.is_empty() {
        return as_lab(&args.as_lab, session);
    }
    let name = args.target.resolve(session)?;
    let record = session.engine.store.load(&name)?;
    let mut value = record.to_value();
    value["Driver"] =
        crate::engine::redacted(&session.engine, &record.driver_name, &value["Driver"]);
    // docker-machine has no such key, and its own name promises its own output.
    let expiry = crate::engine::expiry(&session.engine, &name);
    if let Some(expiry) = expiry.filter(|_| !session.environment.manner.is_docker_machine()) {
        let at = expiry.at.format(&time::format_description::well_known::Rfc3339);
        value["Certificates"] = serde_json::json!({
            "Expires": at.unwrap_or_default(),
            "DaysLeft": expiry.days_left,
        });
    }
    let text = crate::output::format::inspect(&value, args.format.as_deref())?;
    console::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn as_lab(names: &[String], session: &Session) -> Result<ExitCode, CliError> {
    let mut machines = Vec::new();
    for name in names {
        super::target::check(session, name)?;
        machines.push(session.machine(name)?);
    }
    console::print(&crate::lab::as_lab(&machines))?;
    Ok(ExitCode::SUCCESS)
}
