//! Waiting until nobody else changes the host: cloud-init and other package managers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use machine_driver::wait::{Look, Wait};
use machine_driver::{Error, ErrorKind, Progress, Result};

use super::host::{Host, failure};
use crate::ssh::{ExitStatus, Output};

/// How long cloud-init, or another package manager, may take: both have been seen to need ten
/// minutes on small hosts.
const PATIENCE: Duration = Duration::from_secs(900);

/// Waits until cloud-init has done its work, where there is one.
pub(super) async fn cloud_init(host: &Host, progress: &dyn Progress) -> Result<()> {
    let script = "command -v cloud-init >/dev/null || exit 0; timeout 20 cloud-init status";
    let said = AtomicBool::new(false);
    Wait::new("the end of cloud-init", PATIENCE)
        .until(async || match host.run(script).await {
            Ok(output) if output.stdout.contains("status: running") => {
                if !said.swap(true, Ordering::Relaxed) {
                    progress.line("Waiting for cloud-init to finish...");
                }
                Look::NotYet(Some(Error::other("cloud-init is still running there")))
            }
            // One that has failed is not ours to mend; what it left undone shows soon enough.
            Ok(_) => Look::Ready(()),
            Err(error) => Look::Hopeless(error),
        })
        .await
        .map_err(|error| error.hint("`cloud-init status --long` there says what it does"))
}

/// Runs a command that needs the package manager for itself, again and again while another one
/// holds it. `locked` are the words that tell.
pub(super) async fn alone(
    host: &Host,
    what: &str,
    script: &str,
    locked: &[&str],
    progress: &dyn Progress,
) -> Result<String> {
    let end = Instant::now() + PATIENCE;
    let mut said = false;
    let output = loop {
        let output = host.run(script).await?;
        let Some(line) = held(&output, locked) else { break output };
        if Instant::now() > end {
            let message = format!("cannot {what}: another package manager is at work");
            return Err(Error::new(ErrorKind::Timeout, message)
                .caused_by(line)
                .hint("see what holds it there: `ps aux | grep -E 'apt|dpkg|dnf|yum|zypper'`"));
        }
        if !std::mem::replace(&mut said, true) {
            progress.line(&format!("Waiting for another package manager: {line}"));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    match output.status {
        ExitStatus::Code(0) => Ok(output.stdout),
        _ => Err(failure(what, &output)),
    }
}

/// The line that says so, if a command failed because another package manager is at work.
fn held(output: &Output, locked: &[&str]) -> Option<String> {
    if output.status == ExitStatus::Code(0) {
        return None;
    }
    let says = |line: &&str| locked.iter().any(|text| line.contains(text));
    let mut lines = output.stderr.lines().chain(output.stdout.lines());
    lines.find(says).map(|line| line.trim().trim_start_matches("E: ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_told_from_a_failure() {
        let output = |code, stderr: &str| Output {
            status: ExitStatus::Code(code),
            stdout: String::new(),
            stderr: stderr.to_owned(),
        };
        let locked = ["Could not get lock"];
        let line = "E: Could not get lock /var/lib/dpkg/lock. It is held by process 7 (apt)";
        let told = held(&output(100, &format!("W: x\n{line}\n")), &locked);
        assert_eq!(told.as_deref(), line.strip_prefix("E: "));
        assert_eq!(held(&output(100, "E: Unmet dependencies"), &locked), None);
        assert_eq!(held(&output(0, line), &locked), None);
    }
}
