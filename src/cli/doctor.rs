use std::process::ExitCode;

use time::OffsetDateTime;

use super::error::CliError;
use super::session::Session;
use super::{exit, listing};
use crate::engine::{Finding, Health, examine};

/// Show what is installed, what is broken, and how to mend it
///
/// Looks at the drivers, the programs that commands use, the store, its certificates, machines and
/// locks. Exits with 1 if something is broken.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// text, json, yaml, or a Go template
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let findings = examine(&session.engine, OffsetDateTime::now_utc()).await;
    let format = args.format.as_deref().filter(|format| *format != "text");
    let data = serde_json::to_value(&findings).expect("findings are plain data");
    let lines = || findings.iter().map(text).collect();
    listing::print(format, &data, lines)?;
    let broken = findings.iter().any(|finding| finding.health == Health::Broken);
    Ok(ExitCode::from(if broken { exit::GENERAL } else { 0 }))
}

/// `good     driver qemu: QEMU 10.0.2`, and the remedy below it.
fn text(finding: &Finding) -> String {
    let word = match finding.health {
        Health::Good => "good",
        Health::Missing => "missing",
        Health::Warning => "warning",
        Health::Broken => "broken",
    };
    let Finding { area, name, detail, .. } = finding;
    let line = format!("{word:<8} {area} {name}: {detail}\n");
    match finding.fix.as_deref().filter(|_| finding.health != Health::Good) {
        Some(fix) => line + &format!("         fix: {}\n", fix.replace('\n', "\n              ")),
        None => line,
    }
}
