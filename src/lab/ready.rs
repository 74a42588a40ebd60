//! What is done on a machine once it runs: files are copied to it, commands are run on it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use machine_driver::{Error, Progress, Result, file, process};

use super::Spec;
use crate::engine::Machine;
use crate::ssh::{self, ExitStatus, Session};

/// How long a machine may take to let us in: its Engine may be quicker than its SSH server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A hash of all that is to be done on the machine, the files' bytes included; `None` if that is
/// nothing. It is the same as long as nothing of that changes.
pub(super) fn digest(spec: &Spec) -> Result<Option<String>> {
    if spec.files.is_empty() && spec.run.is_empty() {
        return Ok(None);
    }
    let mut lines = Vec::new();
    for file in &spec.files {
        lines.push(format!("copy {}", file.to));
        hash(&file.from, &file.from, &mut lines).map_err(|error| {
            let message = format!("cannot read `{}`, to be copied", file.from.display());
            Error::from(error).context(message)
        })?;
    }
    lines.extend(spec.run.iter().map(|command| format!("run {command}")));
    Ok(Some(file::sha256_hex(lines.join("\n").as_bytes())))
}

/// A line for each file below `path`, in byte order.
fn hash(root: &Path, path: &Path, lines: &mut Vec<String>) -> std::io::Result<()> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path)?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| hash(root, entry, lines));
    }
    let name = path.strip_prefix(root).unwrap_or(path).display();
    lines.push(format!("{name} {}", file::sha256_hex(&fs::read(path)?)));
    Ok(())
}

pub(super) async fn copy(
    machine: &Machine<'_>,
    spec: &Spec,
    progress: &dyn Progress,
) -> Result<()> {
    if spec.files.is_empty() {
        return Ok(());
    }
    let session = log_in(machine).await?;
    for file in &spec.files {
        progress.line(&format!("Copying {} to {}...", file.from.display(), file.to));
        session.copy_to(&file.from, &file.to, true).await?;
    }
    Ok(())
}

/// Runs the commands one after the other, each in the user's login shell; the first that fails is
/// the last.
pub(super) async fn run(machine: &Machine<'_>, spec: &Spec, progress: &dyn Progress) -> Result<()> {
    if spec.run.is_empty() {
        return Ok(());
    }
    let session = log_in(machine).await?;
    for command in &spec.run {
        progress.line(&format!("Running `{command}`..."));
        let output = session.run(command).await?;
        if output.status != ExitStatus::Code(0) {
            let said =
                if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
            return Err(Error::other(format!("`{command}` {}", output.status))
                .caused_by(process::tail(said, 10)));
        }
    }
    Ok(())
}

async fn log_in(machine: &Machine<'_>) -> Result<Session> {
    let target = machine.endpoint().ssh.ok_or_else(|| {
        let kind = machine.driver.kind();
        Error::unsupported(kind, "files and commands, for nobody can log in to its machines")
    })?;
    ssh::wait_ready(&target, &machine.context.machine_dir, PATIENCE).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::CopyFile;

    #[test]
    fn the_digest_follows_names_bytes_and_commands() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site");
        fs::create_dir(&site).unwrap();
        fs::write(site.join("a"), "1").unwrap();
        let files = vec![CopyFile { from: site.clone(), to: "/srv".into() }];
        let mut spec = Spec { files, ..Spec::default() };
        let first = digest(&spec).unwrap().unwrap();
        assert_eq!(digest(&spec).unwrap().unwrap(), first);
        fs::write(site.join("a"), "2").unwrap();
        let second = digest(&spec).unwrap().unwrap();
        fs::rename(site.join("a"), site.join("b")).unwrap();
        let third = digest(&spec).unwrap().unwrap();
        spec.run.push("true".into());
        let all = [first, second, third, digest(&spec).unwrap().unwrap()];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), 4);
        assert_eq!(digest(&Spec::default()).unwrap(), None);
        fs::remove_dir_all(site).unwrap();
        assert!(digest(&spec).unwrap_err().to_string().contains("site"));
    }
}
