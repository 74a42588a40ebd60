use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::error::CliError;
use super::session::Session;
use super::{create, target};
use crate::engine::{Part, export};

/// Write a machine into a file, to be imported elsewhere
///
/// With its disk, which must not be in use; or only the access to it. Whoever has the file has the
/// machine's keys and the client certificate of this store, but not the key of its authority.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine export lab1 >lab1.machine
  machine export --access -o lab1.access lab1")]
pub(super) struct Args {
    name: String,
    /// Only where the machine is, and the keys that let one in
    #[arg(long)]
    access: bool,
    /// File to write [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    target::check(session, &args.name)?;
    let part = if args.access { Part::Access } else { Part::Whole };
    let (engine, name) = (&session.engine, &args.name);
    let Some(path) = args.output else {
        if std::io::stdout().is_terminal() {
            return Err(CliError::usage("an archive is no text for a terminal")
                .hint(format!("machine export {name} >{name}.machine")));
        }
        export(engine, name, part, std::io::stdout().lock(), super::session::silent()).await?;
        return Ok(ExitCode::SUCCESS);
    };
    // It appears when it is whole, and is the owner's alone: there are keys in it.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = dir.unwrap_or(std::path::Path::new("."));
    let mut temp = tempfile::Builder::new().prefix(".tmp-").tempfile_in(dir)?;
    let show = create::progress();
    let exported = export(engine, name, part, temp.as_file_mut(), show.for_machine(name)).await;
    show.finish();
    exported?;
    temp.flush()?;
    let file: File = temp.persist(&path).map_err(|error| error.error)?;
    file.sync_all()?;
    Ok(ExitCode::SUCCESS)
}
