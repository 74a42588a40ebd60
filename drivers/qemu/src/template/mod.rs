//! Machines prepared in advance: a guest that was booted up to everything that all machines have in
//! common, and saved before it had an identity.
//!
//! ```text
//! <cache>/templates/ID/template.json   what it fits, and the hash and stamp of each file
//!                      memory          the guest's memory, mapped by every machine made from it
//!                      devices         the state of QEMU's devices
//!                      disk.img        the data disk as it was then
//!                      used            touched when a machine is made from it
//! <cache>/templates/ID.lock            held, shared, while a machine is made from it
//! <cache>/templates/.build-ID/         one that is being made
//! ```
//!
//! A directory appears by one rename when it is whole; nothing in it changes afterwards but `used`.
//! A machine that was made from a template has a disk of its own, and of the memory what it has
//! changed; the rest is the file's, which the system keeps as long as QEMU has it open, whatever
//! becomes of its name.

mod build;
mod key;
mod life;
mod manifest;
mod templates;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use machine_driver::{Context, Error, ErrorKind, Image, Result};

pub(crate) use life::bring_to_life;
pub(crate) use templates::QemuTemplates;

use crate::record::Record;
use crate::{accelerator, program};
use manifest::{DEVICES, DISK, MEMORY, Manifest};

/// A template that is whole. As long as this value lives nobody removes it.
#[derive(Debug)]
pub(crate) struct Template {
    dir: PathBuf,
    manifest: Manifest,
    /// The file that is mapped.
    pub(crate) memory: PathBuf,
    #[expect(dead_code, reason = "held, never read: dropping it releases the template")]
    lock: File,
}

impl Template {
    fn open(dir: &Path) -> Result<Self> {
        let lock = lock_file(dir)?;
        lock.lock_shared()?;
        let manifest = Manifest::read(dir)?;
        Ok(Self { dir: dir.to_owned(), memory: dir.join(MEMORY), manifest, lock })
    }

    pub(crate) fn id(&self) -> &str {
        &self.manifest.id
    }

    fn devices(&self) -> PathBuf {
        self.dir.join(DEVICES)
    }

    /// In MiB.
    fn disk_size(&self) -> u32 {
        self.manifest.disk_size
    }

    /// Gives a machine a disk of its own, `size` MiB long.
    pub(crate) fn copy_disk(&self, to: &Path, size: u32) -> Result<()> {
        let copy = || -> io::Result<()> {
            let dir = to.parent().ok_or_else(|| io::Error::other("a disk needs a directory"))?;
            let temp = tempfile::Builder::new().prefix(".tmp-").tempfile_in(dir)?;
            crate::platform::copy_sparse(&self.dir.join(DISK), temp.as_file())?;
            temp.as_file().set_len(u64::from(size) << 20)?;
            temp.persist(to)?;
            Ok(())
        };
        copy().map_err(|error| {
            Error::from(error).context(format!("cannot make the disk `{}`", to.display()))
        })
    }
}

/// The template that a machine of this record can start from.
pub(crate) async fn find(
    cx: &Context,
    record: &Record,
    image: &Image,
    profile: &str,
) -> Result<Option<Template>> {
    let Some(id) = id(cx, record, image, profile).await? else { return Ok(None) };
    let dir = directory(cx).join(&id);
    if !dir.exists() {
        return Ok(None);
    }
    let template = Template::open(&dir)?;
    if template.disk_size() > record.disk_size {
        return Ok(None);
    }
    let (checked, id) = (dir.clone(), id.clone());
    // Hashing, should it be necessary, takes a while.
    tokio::task::spawn_blocking(move || manifest::check(&checked, &id))
        .await
        .map_err(|error| Error::other("the check broke").caused_by(error))??;
    Ok(Some(template))
}

/// The name of the template for these options; `None` if machines like that have none.
async fn id(cx: &Context, record: &Record, image: &Image, profile: &str) -> Result<Option<String>> {
    if image.direct.is_none() {
        return Ok(None);
    }
    let program = program::find(&record.program, &cx.search_path)?;
    let choice = accelerator::choose(cx, &program, record.accelerator).await?;
    Ok(Some(key::key(record, &program, choice.accelerator, image, profile)))
}

fn directory(cx: &Context) -> PathBuf {
    cx.cache_dir.join("templates")
}

fn lock_file(dir: &Path) -> Result<File> {
    let path = dir.with_extension("lock");
    Ok(File::options().create(true).truncate(false).write(true).open(path)?)
}

/// The directories of all templates, whole or broken.
fn directories(cx: &Context) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory(cx)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let hidden = |path: &Path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    Ok(entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && !hidden(path))
        .collect())
}

/// Removes a template, unless a machine is being made from it.
fn remove(cx: &Context, id: &str) -> Result<()> {
    let dir = existing(cx, id)?;
    let lock = lock_file(&dir)?;
    if lock.try_lock().is_err() {
        return Err(Error::other(format!("the template `{id}` is in use"))
            .hint("a machine is being made from it: try again in a moment"));
    }
    let gone = directory(cx).join(format!(".removed-{id}"));
    fs::rename(&dir, &gone)?;
    fs::remove_dir_all(gone)?;
    Ok(fs::remove_file(dir.with_extension("lock"))?)
}

fn existing(cx: &Context, id: &str) -> Result<PathBuf> {
    let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit());
    let dir = directory(cx).join(id);
    if plain && dir.is_dir() {
        return Ok(dir);
    }
    Err(Error::new(ErrorKind::NotFound, format!("there is no template `{id}`"))
        .hint("`machine template ls` lists the templates"))
}

/// Says that a machine was made from it. Only the order of `--keep` depends on it.
fn touch(dir: &Path) {
    let now = SystemTime::now();
    let touched = File::options().create(true).truncate(false).write(true).open(dir.join("used"));
    touched.and_then(|file| file.set_modified(now)).ok();
}

/// Bytes that a directory takes on the disk.
fn disk_usage(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).into_iter().flatten().filter_map(io::Result::ok);
    files.filter_map(|file| crate::platform::allocated(&file.path()).ok()).sum()
}

#[cfg(test)]
mod tests {
    use machine_driver::file;

    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn only_names_of_templates_are_removed() {
        let lab = Lab::new();
        let cx = lab.context("x");
        for id in ["", "..", "a/b", "0123", ".build-1"] {
            assert_eq!(remove(&cx, id).unwrap_err().kind(), ErrorKind::NotFound, "{id}");
        }
    }

    #[test]
    fn one_in_use_stays() {
        let lab = Lab::new();
        let cx = lab.context("x");
        let dir = directory(&cx).join("12ab");
        file::create_dir(&dir).unwrap();
        let user = lock_file(&dir).unwrap();
        user.lock_shared().unwrap();
        let error = remove(&cx, "12ab").unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
        drop(user);
        remove(&cx, "12ab").unwrap();
        assert!(directories(&cx).unwrap().is_empty());
        assert_eq!(fs::read_dir(directory(&cx)).unwrap().count(), 0);
    }
}
