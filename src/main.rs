//! The `machine` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    machine::cli::main()
}
