use std::process::ExitCode;

use machine_driver::Size;

use super::create;
use super::error::CliError;
use super::session::Session;
use super::target;
use crate::engine::resize;

/// Change the size of a machine
///
/// CPUs and memory change only while the machine is off. A disk only grows, also while the machine
/// runs, and its file system with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine set lab1 --disk 60G
  machine stop lab1 && machine set lab1 --cpus 4 --memory 8G && machine start lab1")]
pub(super) struct Args {
    name: String,
    /// Number of CPUs
    #[arg(long, value_name = "N")]
    cpus: Option<u32>,
    /// Memory, in MB or with a unit: 4096, 4G
    #[arg(long, value_name = "SIZE", value_parser = megabytes)]
    memory: Option<u32>,
    /// Disk, in MB or with a unit: 60000, 60G
    #[arg(long, value_name = "SIZE", value_parser = megabytes)]
    disk: Option<u32>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    target::check(session, &args.name)?;
    let size = Size { cpus: args.cpus, memory: args.memory, disk: args.disk };
    if size.is_empty() {
        return Err(CliError::usage("nothing is to change")
            .hint(format!("machine set {} --disk 60G", args.name)));
    }
    let show = create::progress();
    let resized = resize(&session.engine, &args.name, size, show.for_machine(&args.name)).await;
    show.finish();
    resized?;
    Ok(ExitCode::SUCCESS)
}

/// Reads `4096`, `4G` or `512M`.
fn megabytes(text: &str) -> Result<u32, String> {
    let upper = text.to_uppercase();
    let text = upper.trim_end_matches('B').trim_end_matches('I');
    let (number, factor) = match text.strip_suffix('G') {
        Some(number) => (number, 1024),
        None => (text.strip_suffix('M').unwrap_or(text), 1),
    };
    let number: Option<u32> = number.trim().parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .filter(|size| *size > 0)
        .ok_or_else(|| "expected MB, or a number with M or G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::megabytes;

    #[test]
    fn sizes_with_and_without_a_unit() {
        for (text, size) in
            [("4096", 4096), ("4G", 4096), ("4gb", 4096), ("4GiB", 4096), ("512M", 512)]
        {
            assert_eq!(megabytes(text), Ok(size), "{text}");
        }
        for bad in ["", "0", "-1", "4T", "G", "5000000G"] {
            megabytes(bad).unwrap_err();
        }
    }
}
