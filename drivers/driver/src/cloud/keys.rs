//! The key with which the user logs in.

use std::path::{Path, PathBuf};

use super::vendor::{Cloud, Key, Wish};
use super::{Machine, Record};
use crate::{Context, Error, ErrorKind, Result, Tags, file};

/// Sees to it that the key of a machine is in the account and recorded: the machine's own, or one of
/// the user's, of which nothing is removed later.
pub(super) async fn make_key<C: Cloud>(
    machine: &mut Machine<C>,
    cx: &Context,
    cloud: &C,
    wish: &Wish<'_>,
) -> Result<()> {
    let record = &mut machine.record;
    let key = C::parts(record).get(1).map(|key| (key.is_own, key.ids.all().is_empty()));
    match key {
        Some((true, true)) => {}
        Some((true, false)) => return Ok(()),
        _ => return cloud.use_users_key(cx, record).await,
    }
    cx.progress.line("Creating SSH key...");
    let (private, public) = match C::key_file(record) {
        None => (cx.machine_dir.join("id_rsa"), wish.birth.ssh_public_key.clone()),
        Some(path) => (copy_key(cx, path)?, public_half(path)?),
    };
    let (key, is_own) = upload(cloud, record, &public, wish).await?;
    C::parts(record)[1].ids.put(&key.id);
    record.base.ssh_key_path = private.display().to_string();
    if !is_own {
        C::leave_key(record);
    }
    cx.checkpoint(machine)
}

/// Uploads a key, or finds it: an account has each key only once, so that trying again makes no second
/// one. Whether it is the machine's own, or one of that text that was there.
async fn upload<C: Cloud>(
    cloud: &C,
    record: &Record<C::Own>,
    public_key: &str,
    wish: &Wish<'_>,
) -> Result<(Key, bool)> {
    let error = match cloud.upload_key(record, public_key, wish).await {
        Err(error) if C::is_double(&error) => error,
        uploaded => return Ok((uploaded?, true)),
    };
    let keys = cloud.keys().await?;
    let same = keys.into_iter().find(|key| is_same_key(&key.public_key, public_key));
    let key = same.ok_or(error)?;
    let is_its = |it: &Tags| it.store == wish.tags.store && it.machine == wish.tags.machine;
    let is_own = key.tags.as_ref().is_some_and(is_its);
    Ok((key, is_own))
}

/// The public half that lies beside a private key.
pub fn public_half(path: &str) -> Result<String> {
    std::fs::read_to_string(format!("{path}.pub"))
        .map_err(|error| Error::new(ErrorKind::Flags, "could not read public key").caused_by(error))
}

/// Whether two lines are the same public key; their comments do not count.
pub fn is_same_key(a: &str, b: &str) -> bool {
    let key = |line: &str| line.split_whitespace().nth(1).map(str::to_owned);
    key(a).is_some() && key(a) == key(b)
}

/// Where docker-machine copies the user's own key.
pub fn copied_key(machine_dir: &Path, key: &str) -> Option<PathBuf> {
    let name = Path::new(key).file_name()?.to_string_lossy().into_owned();
    // Never in the place of what the engine keeps there.
    let kind = Path::new(&name).extension().and_then(|it| it.to_str());
    let taken = matches!(kind, Some("pem" | "json" | "jsonl")) || name.starts_with('.');
    Some(machine_dir.join(if taken { format!("ssh-{name}") } else { name }))
}

/// Copies the user's own key into the machine's directory, for the owner alone.
pub fn copy_key(cx: &Context, key: &str) -> Result<PathBuf> {
    let failed = |error| Error::other("unable to copy ssh key").caused_by(error);
    let to = copied_key(&cx.machine_dir, key)
        .ok_or_else(|| Error::new(ErrorKind::Flags, format!("SSH key does not exist: {key:?}")))?;
    let content = std::fs::read(key).map_err(failed)?;
    file::write_atomic(&to, &content, 0o600).map_err(failed)?;
    if let Ok(public) = std::fs::read(format!("{key}.pub")) {
        let mut name = to.as_os_str().to_owned();
        name.push(".pub");
        file::write_atomic(Path::new(&name), &public, 0o600).map_err(failed)?;
    }
    Ok(to)
}
