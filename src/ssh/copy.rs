//! Files and directories over SFTP, for those who have no `scp`.

use std::path::{Path, PathBuf};

use russh_sftp::client::SftpSession;
use russh_sftp::client::fs::Metadata;
use russh_sftp::protocol::OpenFlags;
use tokio::fs;
use tokio::io::{AsyncWriteExt, copy};

use super::{Session, SshError};

impl Session {
    /// Copies a file, or with `recursive` a directory, to the machine, as `scp` does: into
    /// `remote` if that is a directory there, else under that name. An empty `remote` is the
    /// user's home. Links are followed.
    pub async fn copy_to(
        &self,
        local: &Path,
        remote: &str,
        recursive: bool,
    ) -> Result<(), SshError> {
        let sftp = self.sftp().await?;
        let remote = if remote.is_empty() { "." } else { remote };
        let target = match (sftp.metadata(remote).await, local.file_name()) {
            (Ok(there), Some(name)) if there.is_dir() => join(remote, text(Path::new(name))?),
            _ => remote.to_owned(),
        };
        let mut pending = vec![(local.to_owned(), target)];
        while let Some((from, to)) = pending.pop() {
            let failed = |source| SshError::local(&from, source);
            let metadata = fs::metadata(&from).await.map_err(failed)?;
            if !metadata.is_dir() {
                put(&sftp, &from, &to, mode(&metadata)).await?;
                continue;
            }
            check_recursive(recursive, &from.to_string_lossy())?;
            make_remote_dir(&sftp, &to).await?;
            let mut entries = fs::read_dir(&from).await.map_err(failed)?;
            while let Some(entry) = entries.next_entry().await.map_err(failed)? {
                let to = join(&to, text(Path::new(&entry.file_name()))?);
                pending.push((entry.path(), to));
            }
        }
        Ok(())
    }

    /// The other direction, by the same rules.
    pub async fn copy_from(
        &self,
        remote: &str,
        local: &Path,
        recursive: bool,
    ) -> Result<(), SshError> {
        let sftp = self.sftp().await?;
        let remote = if remote.is_empty() { "." } else { remote };
        let name = remote.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let named = !matches!(name, "" | "." | "..");
        let target = if named && local.is_dir() { local.join(name) } else { local.to_owned() };
        let mut pending = vec![(remote.to_owned(), target)];
        while let Some((from, to)) = pending.pop() {
            let metadata =
                sftp.metadata(&from).await.map_err(|source| remote_error(&from, source))?;
            if !metadata.is_dir() {
                take(&sftp, &from, &to, &metadata).await?;
                continue;
            }
            check_recursive(recursive, &from)?;
            fs::create_dir_all(&to).await.map_err(|source| SshError::local(&to, source))?;
            let entries =
                sftp.read_dir(&from).await.map_err(|source| remote_error(&from, source))?;
            for entry in entries {
                pending.push((entry.path(), to.join(harmless(entry.file_name())?)));
            }
        }
        Ok(())
    }

    async fn sftp(&self) -> Result<SftpSession, SshError> {
        let failed = |source| SshError::transport(&self.address, source);
        let refused = |_| SshError::Refused { address: self.address.clone(), what: "SFTP" };
        let channel = self.handle.channel_open_session().await.map_err(failed)?;
        channel.request_subsystem(true, "sftp").await.map_err(failed)?;
        SftpSession::new(channel.into_stream()).await.map_err(refused)
    }
}

async fn put(sftp: &SftpSession, from: &Path, to: &str, mode: u32) -> Result<(), SshError> {
    let refused = |source| remote_error(to, source);
    let mut source = fs::File::open(from).await.map_err(|error| SshError::local(from, error))?;
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
    let attributes = Metadata { permissions: Some(mode), ..Metadata::empty() };
    let target = sftp.open_with_flags_and_attributes(to, flags, attributes).await;
    let mut target = target.map_err(refused)?;
    copy(&mut source, &mut target).await.map_err(|error| SshError::local(from, error))?;
    target.close().await.map_err(|error| refused(error.into()))
}

async fn take(
    sftp: &SftpSession,
    from: &str,
    to: &Path,
    metadata: &Metadata,
) -> Result<(), SshError> {
    if !metadata.is_regular() {
        return Err(not_copied(from, "it is neither a file nor a directory"));
    }
    let failed = |source| SshError::local(to, source);
    let mut source = sftp.open(from).await.map_err(|source| remote_error(from, source))?;
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    options.mode(metadata.permissions.unwrap_or(0o644) & 0o777);
    let mut target = options.open(to).await.map_err(failed)?;
    copy(&mut source, &mut target).await.map_err(failed)?;
    target.flush().await.map_err(failed)
}

async fn make_remote_dir(sftp: &SftpSession, path: &str) -> Result<(), SshError> {
    let Err(source) = sftp.create_dir(path).await else { return Ok(()) };
    match sftp.metadata(path).await {
        Ok(there) if there.is_dir() => Ok(()),
        _ => Err(remote_error(path, source)),
    }
}

/// The names in a directory come from the machine, which must not choose where we write.
fn harmless(name: String) -> Result<PathBuf, SshError> {
    if name == ".." || name.contains(['/', '\\', '\0']) || Path::new(&name).has_root() {
        return Err(not_copied(&name, "a file's name must not lead elsewhere"));
    }
    Ok(PathBuf::from(name))
}

fn check_recursive(recursive: bool, path: &str) -> Result<(), SshError> {
    if recursive { Ok(()) } else { Err(not_copied(path, "it is a directory")) }
}

fn join(dir: &str, name: &str) -> String {
    if dir.ends_with('/') { format!("{dir}{name}") } else { format!("{dir}/{name}") }
}

/// SFTP as we speak it knows names in UTF-8 only.
fn text(path: &Path) -> Result<&str, SshError> {
    path.to_str().ok_or_else(|| not_copied(&path.to_string_lossy(), "its name is not UTF-8"))
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode(_metadata: &std::fs::Metadata) -> u32 {
    0o644
}

fn not_copied(path: &str, why: &'static str) -> SshError {
    SshError::NotCopied { path: path.to_owned(), why }
}

fn remote_error(path: &str, source: russh_sftp::client::error::Error) -> SshError {
    SshError::Remote { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_the_machine_stay_in_their_directory() {
        for wrong in ["..", "../x", "/etc/passwd", "a/b", "a\\b"] {
            assert!(harmless(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert_eq!(harmless("..a".to_owned()).unwrap(), PathBuf::from("..a"));
    }
}
