use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Driver, Error, FlagValue, FlagValues, Progress, Result};

use super::{ACCESS, IDENTITY, MANIFEST, Manifest, VERSION};
use crate::engine::{Engine, create};
use crate::store::{HostOptions, Record, check_name};

/// Makes a machine of an archive, under its own name or another one, and returns the name. One with
/// its disk is off.
pub async fn import(
    engine: &Engine,
    name: Option<&str>,
    archive: impl Read,
    progress: Arc<dyn Progress>,
) -> Result<String> {
    let mut tar = tar::Archive::new(zstd::Decoder::new(archive)?);
    let mut entries = tar.entries().map_err(damaged)?;
    let manifest = manifest(entries.next())?;
    let name = name.unwrap_or(&manifest.name).to_owned();
    check_name(&name)?;
    let _lock = engine.store.lock(&name, &format!("import {name}"), Duration::ZERO)?;
    engine.store.sweep(&name);
    if engine.store.exists(&name) {
        return Err(Error::other(format!("Docker machine \"{name}\" already exists"))
            .hint("choose another name: `machine import --name NEW FILE`"));
    }
    let dir = engine.store.make_machine_dir(&name)?;
    let unmade = create::Unmade { engine, name: &name };
    // A removal sees by it that nothing was made outside yet.
    engine.store.journal(&name).create()?;
    let driver = driver(engine, &manifest, &name, &progress)?;
    let allowed: Vec<String> = ACCESS
        .iter()
        .chain(&IDENTITY)
        .map(|file| (*file).to_owned())
        .chain(driver.portable_files())
        .collect();
    for entry in &manifest.files {
        if !allowed.contains(&entry.name) {
            return Err(damaged(format!("`{}` does not belong there", entry.name)));
        }
        new_file(&dir.join(&entry.name))?.set_len(entry.size)?;
    }
    for entry in entries {
        unpack(&dir, &manifest, entry.map_err(damaged)?, &*progress)?;
    }
    // Holes at the end of a file are in no piece.
    for entry in &manifest.files {
        progress.advance(&format!("Unpacking {}", entry.name), entry.size, Some(entry.size));
    }
    finish(engine, &manifest, &name, driver, progress).await?;
    std::mem::forget(unmade);
    Ok(name)
}

/// Puts the machine on record, and at home in this store.
async fn finish(
    engine: &Engine,
    manifest: &Manifest,
    name: &str,
    mut driver: Box<dyn Driver>,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let options = HostOptions {
        engine_options: manifest.engine.clone(),
        auth_options: create::auth_options(engine, name, manifest.sans.clone()),
        ..HostOptions::default()
    };
    let kind = driver.kind().to_owned();
    engine.store.save(&Record::new(name, &kind, driver.record(), options))?;
    let context = engine.context(name, &kind, progress);
    if manifest.record.is_some() {
        driver.settle(&context).await?;
    }
    context.checkpoint(&*driver)?;
    engine.store.journal(name).complete()?;
    Ok(())
}

/// The machine's driver: its own, or for access alone the one of hosts that are there already.
fn driver(
    engine: &Engine,
    manifest: &Manifest,
    name: &str,
    progress: &Arc<dyn Progress>,
) -> Result<Box<dyn Driver>> {
    match (&manifest.record, &manifest.access) {
        (Some(record), None) => engine.registry.find(&manifest.driver)?.load(record.clone()),
        (None, Some(access)) => {
            let kind = engine.registry.find("generic")?;
            let context = engine.context(name, kind.name(), Arc::clone(progress));
            let key = context.machine_dir.join("id_rsa").display().to_string();
            let mut values = FlagValues::defaults(&kind.flags());
            values.set("generic-ip-address", FlagValue::Text(access.host.clone()));
            values.set("generic-ssh-user", FlagValue::Text(access.ssh_user.clone()));
            values.set("generic-ssh-port", FlagValue::Int(access.ssh_port.into()));
            values.set("generic-engine-port", FlagValue::Int(access.engine_port.into()));
            values.set("generic-ssh-key", FlagValue::Text(key.clone()));
            let mut record = kind.configure(&context, &values)?.record();
            record["SSHKeyPath"] = key.into();
            kind.load(record)
        }
        _ => Err(damaged("it holds neither a machine nor the access to one")),
    }
}

fn manifest(first: Option<io::Result<tar::Entry<'_, impl Read>>>) -> Result<Manifest> {
    let mut first = first.ok_or_else(|| damaged("it is empty"))?.map_err(damaged)?;
    if first.path().map_err(damaged)?.as_ref() != Path::new(MANIFEST) {
        return Err(damaged("it is no archive of `machine export`"));
    }
    let mut text = Vec::new();
    first.read_to_end(&mut text).map_err(damaged)?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(damaged)?;
    if manifest.version != VERSION {
        return Err(Error::other("the archive was made by a newer program")
            .hint("install the newest version of this one"));
    }
    Ok(manifest)
}

/// Writes one piece `NAME/OFFSET` where it belongs.
fn unpack(
    dir: &Path,
    manifest: &Manifest,
    mut piece: tar::Entry<'_, impl Read>,
    progress: &dyn Progress,
) -> Result<()> {
    let path = piece.path().map_err(damaged)?.to_string_lossy().into_owned();
    let (name, offset) = path.rsplit_once('/').ok_or_else(|| damaged(format!("`{path}`")))?;
    let offset: u64 = offset.parse().map_err(|_| damaged(format!("`{path}`")))?;
    let entry = manifest.files.iter().find(|entry| entry.name == name);
    let end = offset.checked_add(piece.size());
    let entry = entry.filter(|entry| end.is_some_and(|end| end <= entry.size));
    let entry = entry.ok_or_else(|| damaged(format!("`{path}` does not belong there")))?;
    let mut file = OpenOptions::new().write(true).open(dir.join(name))?;
    file.seek(SeekFrom::Start(offset))?;
    let written = io::copy(&mut piece, &mut file)?;
    progress.advance(&format!("Unpacking {name}"), offset + written, Some(entry.size));
    Ok(())
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn damaged(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::other("the archive cannot be used").caused_by(why)
}
