use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::console;
use super::error::CliError;
use super::session::Session;
use crate::lab;
use crate::output::json;

/// Lab files: several machines from one file
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write a lab file to begin with, and its schema beside it
    Init {
        /// The file to write
        #[arg(value_name = "FILE", default_value = "lab.yaml")]
        file: PathBuf,
    },
    /// Print the JSON Schema of the lab file, for editors
    Schema,
}

pub(super) fn run(command: Command, session: &Session) -> Result<ExitCode, CliError> {
    let schema =
        json::pretty(&lab::json_schema(&session.engine.registry)).expect("a schema is plain data");
    let schema = schema + "\n";
    match command {
        Command::Schema => console::print(&schema)?,
        Command::Init { file } => {
            let beside = file.with_file_name("lab.schema.json");
            write_new(&file, lab::example())?;
            if !beside.exists() {
                write_new(&beside, &schema)?;
            }
            console::println(&file.display().to_string())?;
            console::eprint("hint: `machine plan` shows what it makes, `machine up` makes it\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that must not be there.
fn write_new(path: &std::path::Path, text: &str) -> Result<(), CliError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(CliError::new(format!("`{}` is there already", path.display()))
                .hint("machine lab init other.yaml"))
        }
        written => Ok(written?),
    }
}
