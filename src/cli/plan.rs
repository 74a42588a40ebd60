use std::process::ExitCode;

use serde::Serialize;

use super::error::CliError;
use super::lab_file::{self, FileArg};
use super::session::Session;
use super::{console, listing};
use crate::lab::{Action, Plan};
use crate::output::table;

/// Show what `up` would do; nothing is changed
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Machines of the lab [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// One step as data.
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
    let table = || {
        let mut lines = vec![["MACHINE", "DRIVER", "ACTION", "BECAUSE"].map(str::to_owned)];
        lines.extend(rows.iter().map(|row| {
            let changes = row.changes.join("; ");
            [row.machine, row.driver, row.action, &changes].map(str::to_owned)
        }));
        table::render(&lines)
    };
    let data = serde_json::to_value(&rows).expect("a plan is plain data");
    listing::print(args.format.as_deref(), &data, table)?;
    // For people: whoever asked for another form reads that.
    if args.format.as_deref().is_none_or(|format| format == "table") {
        console::eprint(&summary(&plan));
    }
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
