use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::error::CliError;
use super::session::Session;
use super::target;
use super::{console, system};
use crate::engine::{self, socket};
use crate::ssh;

/// Lead a local socket to the Docker Engine of a machine, over SSH
///
/// Runs until Ctrl-C, or until the machine is stopped or removed. `machine env --via socket` runs
/// one in the background.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  machine tunnel lab1
  eval $(machine env --via socket lab1)")]
pub(super) struct Args {
    /// End the one that runs in the background
    #[arg(long)]
    stop: bool,
    name: String,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    target::check(session, &args.name)?;
    if args.stop {
        engine::end_tunnel(&session.engine, &args.name).await;
        return Ok(ExitCode::SUCCESS);
    }
    let ready = |path: &PathBuf| {
        console::println(&ssh::socket_url(path)).ok();
    };
    engine::tunnel(&session.engine, &args.name, ready).await?;
    Ok(ExitCode::SUCCESS)
}

/// The URL of a tunnel that runs in the background, begun if there is none.
pub(super) fn url(name: &str, session: &Session) -> Result<String, CliError> {
    let path = socket(&session.engine, name)?;
    let url = ssh::socket_url(&path);
    if engine::is_up(&session.engine, name) && ssh::socket_is_there(&path) {
        return Ok(url);
    }
    let log = session.engine.store.machine_dir(name).join("tunnel.log");
    let mut child = begin(name, &log, session)?;
    let end = Instant::now() + PATIENCE;
    loop {
        if engine::is_up(&session.engine, name) && ssh::socket_is_there(&path) {
            return Ok(url);
        }
        // Another process may have been faster.
        let ended = child.try_wait()?;
        if ended.is_some() && !engine::is_up(&session.engine, name) {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(CliError::new(format!("the tunnel to `{name}` did not come up"))
                .cause(said.trim().trim_start_matches("error: "))
                .hint(format!("machine tunnel {name}")));
        }
        if Instant::now() > end {
            child.kill().ok();
            return Err(CliError::new(format!(
                "the tunnel to `{name}` was not there after {} s",
                PATIENCE.as_secs()
            ))
            .hint(format!("machine tunnel {name}")));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

const PATIENCE: Duration = Duration::from_secs(75);

/// A process of its own that outlives the terminal.
fn begin(name: &str, log: &Path, session: &Session) -> Result<std::process::Child, CliError> {
    let log = std::fs::File::create(log)?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command
        .arg("--storage-path")
        .arg(session.engine.store.base())
        .args(["tunnel", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        // It is to hold on to no directory that somebody may want to remove.
        .current_dir(if cfg!(unix) { Path::new("/") } else { session.engine.store.base() });
    system::apart(&mut command);
    Ok(command.spawn()?)
}
