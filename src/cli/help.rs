use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;

use super::error::CliError;
use super::{console, docker_machine_help, environment::Environment, misuse};

/// Show the help of a command, or write the manual pages
#[derive(Debug, Default, clap::Args)]
pub(super) struct Args {
    /// Write a manual page for each command into this directory
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

pub(super) fn run(
    args: &Args,
    root: Command,
    environment: &Environment,
) -> Result<ExitCode, CliError> {
    if let Some(dir) = &args.man {
        return man_pages(root, dir);
    }
    let mut root = root;
    if environment.manner.is_docker_machine() && args.words.len() < 2 {
        let name = args.words.first().map(String::as_str);
        if let Some(name) = name.filter(|name| root.find_subcommand(name).is_none()) {
            return Err(unknown(name, environment));
        }
        console::print(&docker_machine_help::render(&root, name.unwrap_or_default(), environment))?;
        return Ok(ExitCode::SUCCESS);
    }
    root.build();
    let mut command = &mut root;
    for word in &args.words {
        command = command.find_subcommand_mut(word).ok_or_else(|| unknown(word, environment))?;
    }
    console::print(&command.render_long_help().to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str, environment: &Environment) -> CliError {
    misuse::unknown_command(name, &environment.program, environment.program_name())
}

/// One page for the program and one for each command, as `machine-create.1`.
fn man_pages(root: Command, dir: &Path) -> Result<ExitCode, CliError> {
    let failed = |error: std::io::Error| {
        CliError::from(error).context(format!("cannot write into `{}`", dir.display()))
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(root.disable_help_subcommand(true), dir).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
