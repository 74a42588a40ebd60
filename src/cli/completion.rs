use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::console;
use super::error::CliError;

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine completion bash > /etc/bash_completion.d/machine
  machine completion fish > ~/.config/fish/completions/machine.fish")]
pub(super) struct Args {
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "machine", &mut script);
    console::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
