use std::process::ExitCode;
use std::sync::Arc;

use machine_driver::{Availability, Flag, FlagKind, Kind, Silent};
use serde_json::{Value, json};

use super::error::CliError;
use super::listing;
use super::session::Session;
use crate::output::table;

/// List and describe drivers
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the drivers: what there is, what is configured, what is missing
    Ls {
        /// table, json, yaml, or a Go template
        #[arg(long, short)]
        format: Option<String>,
    },
    /// Show a driver's options, their variables, and the permissions that it needs
    Show {
        /// text, json, yaml, or a Go template
        #[arg(long, short)]
        format: Option<String>,
        #[arg(value_name = "DRIVER")]
        name: String,
    },
}

pub(super) async fn run(command: Command, session: &Session) -> Result<ExitCode, CliError> {
    match command {
        Command::Ls { format } => list(format.as_deref(), session).await?,
        Command::Show { name, format } => show(&name, format.as_deref(), session).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(format: Option<&str>, session: &Session) -> Result<(), CliError> {
    let mut drivers = Vec::new();
    for kind in session.engine.registry.iter() {
        drivers.push((kind, available(kind, session).await));
    }
    let data = drivers.iter().map(|(kind, it)| {
        json!({
            "name": kind.name(),
            "summary": kind.summary(),
            "ready": it.installed,
            "detail": it.detail,
            "fix": it.fix,
        })
    });
    let table = || {
        let header = ["NAME", "READY", "DETAIL", "FIX"].map(str::to_owned);
        let rows = drivers.iter().map(|(kind, it)| {
            let ready = if it.installed { "yes" } else { "no" };
            let fix = it.fix.clone().unwrap_or_default();
            [kind.name().to_owned(), ready.to_owned(), it.detail.clone(), fix]
        });
        table::render(&std::iter::once(header).chain(rows).collect::<Vec<_>>())
    };
    listing::print(format, &data.collect(), table)
}

async fn show(name: &str, format: Option<&str>, session: &Session) -> Result<(), CliError> {
    let kind = session.engine.registry.find(name)?;
    let it = available(kind, session).await;
    let data = json!({
        "name": kind.name(),
        "summary": kind.summary(),
        "ready": it.installed,
        "detail": it.detail,
        "fix": it.fix,
        "options": kind.flags().iter().map(option).collect::<Vec<_>>(),
        "permissions": kind.permissions(),
    });
    let format = format.filter(|format| *format != "text");
    listing::print_one(format, &data, || describe(kind, &it))
}

fn describe(kind: &dyn Kind, it: &Availability) -> String {
    let ready = if it.installed { "ready" } else { "not ready" };
    let mut text = format!("{}: {}\n{ready}: {}\n", kind.name(), kind.summary(), it.detail);
    if let Some(fix) = &it.fix {
        text += &format!("fix: {fix}\n");
    }
    let header = ["OPTION", "VARIABLE", "DEFAULT", "MEANING"].map(str::to_owned);
    let rows = kind.flags().into_iter().map(|flag| {
        let default = default(&flag);
        let env = flag.env.unwrap_or_default().into_owned();
        [format!("--{}", flag.name), env, default, flag.help.into_owned()]
    });
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    text += &format!("\n{}", table::render(&rows));
    if !kind.permissions().is_empty() {
        text += "\nThe least that the account must be allowed:\n";
        text = kind.permissions().lines().fold(text, |text, line| text + &format!("  {line}\n"));
    }
    text
}

async fn available(kind: &dyn Kind, session: &Session) -> Availability {
    let context = session.engine.context("", kind.name(), Arc::new(Silent));
    kind.availability(&context).await
}

fn option(flag: &Flag) -> Value {
    let kind = match flag.kind {
        FlagKind::Bool => "bool",
        FlagKind::Int(_) => "int",
        FlagKind::Text(_) => "text",
        FlagKind::List(_) => "list",
    };
    json!({
        "name": flag.name,
        "variable": flag.env,
        "type": kind,
        "default": default(flag),
        "secret": flag.secret,
        "help": flag.help,
    })
}

fn default(flag: &Flag) -> String {
    match &flag.kind {
        FlagKind::Int(Some(number)) => number.to_string(),
        FlagKind::Text(Some(text)) => text.to_string(),
        FlagKind::List(items) => items.join(","),
        FlagKind::Bool | FlagKind::Int(None) | FlagKind::Text(None) => String::new(),
    }
}
