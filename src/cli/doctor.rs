use std::process::ExitCode;

use time::OffsetDateTime;

use super::error::CliError;
use super::session::Session;
use super::{console, exit};
use crate::engine::{Finding, Health, examine};

/// Show what is installed, what is broken, and how to mend it
///
/// Looks at the drivers, the programs that commands use, the store, its certificates, machines and
/// locks. Exits with 1 if something is broken.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// text or json
    #[arg(long, short, value_name = "FORMAT")]
    format: Option<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let findings = examine(&session.engine, OffsetDateTime::now_utc()).await;
    match args.format.as_deref() {
        None | Some("text") => console::print(&findings.iter().map(text).collect::<String>())?,
        Some("json") => {
            let text = serde_json::to_string_pretty(&findings)
                .map_err(|error| CliError::new(error.to_string()))?;
            console::println(&text)?;
        }
        Some(other) => {
            return Err(CliError::usage(format!("`{other}` is not a format here"))
                .hint("the formats are text and json"));
        }
    }
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
