use std::process::ExitCode;

use serde::Serialize;

use super::console;
use super::error::CliError;
use super::lab_file::{self, FileArg};
use super::session::Session;
use crate::lab::{Action, Plan};
use crate::output::{json, table};

/// Show what `up` would do; nothing is changed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// table or json
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
    /// Machines of the lab [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// One step as JSON.
#[derive(Serialize)]
struct Row<'a> {
    machine: &'a str,
    driver: &'a str,
    action: &'static str,
    changes: Vec<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let found = args.file.find(session)?;
    let plan = lab_file::plan(&found, &args.names, session).await?;
    let rows = rows(&plan);
    if args.format == "json" {
        let text = json::pretty(&rows).expect("a plan is plain data");
        console::println(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = vec![["MACHINE", "DRIVER", "ACTION", "BECAUSE"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let changes = row.changes.join("; ");
        [row.machine, row.driver, row.action, &changes].map(str::to_owned)
    }));
    console::print(&table::render(&lines))?;
    console::eprint(&summary(&plan));
    Ok(ExitCode::SUCCESS)
}

fn rows(plan: &Plan) -> Vec<Row<'_>> {
    let rows = plan.steps.iter().map(|step| Row {
        machine: &step.name,
        driver: step.spec.as_ref().map_or("", |spec| spec.driver.as_str()),
        action: step.action.word(),
        changes: step.changes.iter().map(ToString::to_string).collect(),
    });
    rows.collect()
}

/// How much there is to do, and what only happens if it is said.
fn summary(plan: &Plan) -> String {
    let count = |action| plan.steps.iter().filter(|step| step.action == action).count();
    let all = [
        Action::Create,
        Action::Resume,
        Action::Start,
        Action::Change,
        Action::Replace,
        Action::Adopt,
        Action::Remove,
    ];
    let parts = all.into_iter().map(|action| (count(action), action.word()));
    let parts: Vec<String> = parts
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} to {word}"))
        .collect();
    let mut text = match parts.is_empty() {
        true => format!("Nothing to do: the lab `{}` is as it should be.\n", plan.lab.name),
        false => format!("Lab `{}`: {}.\n", plan.lab.name, parts.join(", ")),
    };
    for (action, flag) in
        [(Action::Replace, "--replace"), (Action::Remove, "--prune"), (Action::Adopt, "--adopt")]
    {
        if count(action) > 0 {
            text += &format!("hint: `machine up {flag}` to {}\n", action.word());
        }
    }
    text
}
