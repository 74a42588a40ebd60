//! What the machines of a store have in common in a cloud (a security group, a firewall): made with
//! the first machine that needs it, removed with the last one.
//!
//! Three locks of the operating system, one set for each store and place, keep these apart:
//! whoever makes a machine *uses* the common thing from before it is looked for until the machine
//! is there; only one at a time *arranges* it; and it is *dropped* only while nobody uses it.

use std::fs::File;
use std::path::PathBuf;

use crate::{Context, Error, Result, file};

/// Held as long as it lives.
#[derive(Debug)]
#[must_use = "dropping it releases what it holds"]
pub struct Held {
    _file: File,
}

/// Begins to use what is common in a place, beside others who do.
pub async fn use_common(cx: &Context, place: &str) -> Result<Held> {
    let path = path(cx, place, "use")?;
    lock(path, File::lock_shared).await
}

/// Waits to be the only one who looks for it, makes it or changes it.
pub async fn arrange_common(cx: &Context, place: &str) -> Result<Held> {
    let path = path(cx, place, "arrange")?;
    lock(path, File::lock).await
}

/// Tries to be the only one who uses it, for removing it. `None` if somebody is about to make a
/// machine with it, so that it must stay.
pub fn drop_common(cx: &Context, place: &str) -> Result<Option<Held>> {
    let file = File::create(path(cx, place, "use")?)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held { _file: file })),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

fn path(cx: &Context, place: &str, what: &str) -> Result<PathBuf> {
    file::create_dir(&cx.shared_dir)?;
    let place = &file::sha256_hex(place.as_bytes())[..16];
    Ok(cx.shared_dir.join(format!("common-{place}-{what}.lock")))
}

async fn lock(
    path: PathBuf,
    take: impl FnOnce(&File) -> std::io::Result<()> + Send + 'static,
) -> Result<Held> {
    let work = move || {
        let file = File::create(path)?;
        take(&file)?;
        Ok(Held { _file: file })
    };
    let taken = tokio::task::spawn_blocking(work).await;
    taken.map_err(|error| Error::other("the lock was not taken").caused_by(error))?
}
