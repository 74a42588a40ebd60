use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{console, create};
use crate::engine::import;

/// Make a machine of a file that `export` wrote
///
/// A machine with its disk is off then. One of which there is only the access stays where it is,
/// also when it is removed here.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine import lab1.machine && machine start lab1
  ssh other machine export lab1 | machine import --name lab2 -")]
pub(super) struct Args {
    /// The file; - is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    let archive: Box<dyn Read> = match args.file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(BufReader::new(File::open(&args.file).map_err(|error| {
            CliError::from(error).context(format!("cannot read `{}`", args.file.display()))
        })?)),
    };
    let show = create::progress();
    let line = show.for_machine(args.name.as_deref().unwrap_or("import"));
    let imported = import(&session.engine, args.name.as_deref(), archive, line).await;
    show.finish();
    console::println(&imported?)?;
    Ok(ExitCode::SUCCESS)
}
