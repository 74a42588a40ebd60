use std::time::{Duration, SystemTime, UNIX_EPOCH};

use machine_driver::{Context, Driver, Error, Material, Result, Templates, async_trait, file};

use super::{build, directories, directory, disk_usage, existing, manifest, remove, touch};
use crate::record::{Record, Warm};

/// What the registry's `qemu` can do with templates.
pub(crate) struct QemuTemplates;

#[async_trait]
impl Templates for QemuTemplates {
    fn list(&self, cx: &Context) -> Result<Vec<machine_driver::Template>> {
        let mut all: Vec<_> = directories(cx)?.iter().map(|dir| entry(dir)).collect();
        all.sort_by_key(|template| (template.created, template.id.clone()));
        Ok(all)
    }

    fn wanted(&self, driver: &dyn Driver) -> bool {
        record(driver).is_ok_and(|record| record.warm == Warm::Auto)
    }

    async fn fits(&self, cx: &Context, driver: &dyn Driver, material: &Material) -> Result<bool> {
        let record = record(driver)?;
        // Asked after every `create`: what a builder that died has left does not stay long.
        sweep(cx).await?;
        let found = super::find(cx, &record, &material.image, &material.profile).await;
        // A broken one is made anew like one that is missing.
        Ok(matches!(found, Ok(Some(_))))
    }

    async fn build(
        &self,
        cx: &Context,
        driver: &dyn Driver,
        material: &Material,
    ) -> Result<machine_driver::Template> {
        let record = record(driver)?;
        let id = super::id(cx, &record, &material.image, &material.profile).await?;
        let id = id.ok_or_else(|| {
            Error::unsupported("qemu", "templates of boot images that are not its own")
        })?;
        file::create_dir(&directory(cx))?;
        sweep(cx).await?;
        let _building = lock_build(cx, &id).await?;
        let place = directory(cx).join(&id);
        if place.exists() {
            match super::find(cx, &record, &material.image, &material.profile).await {
                Ok(Some(_)) => return Ok(entry(&place)),
                // One for a larger disk, or a broken one, makes room.
                Ok(None) | Err(_) => remove(cx, &id)?,
            }
        }
        let template = build::build(cx, &record, material, &id).await?;
        touch(&template.dir);
        Ok(entry(&template.dir))
    }

    async fn verify(&self, cx: &Context, id: &str) -> Result<()> {
        let dir = existing(cx, id)?;
        tokio::task::spawn_blocking(move || manifest::verify(&dir))
            .await
            .map_err(|error| Error::other("the check broke").caused_by(error))?
    }

    fn remove(&self, cx: &Context, id: &str) -> Result<()> {
        remove(cx, id)
    }
}

fn record(driver: &dyn Driver) -> Result<Record> {
    serde_json::from_value(driver.record())
        .map_err(|error| Error::other("this is no record of driver `qemu`").caused_by(error))
}

/// One for the list. What cannot be read is shown as broken, so that it can be removed.
fn entry(dir: &std::path::Path) -> machine_driver::Template {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let manifest = manifest::Manifest::read(dir);
    let modified = |name: &str| dir.join(name).metadata().and_then(|meta| meta.modified());
    let (image, fits, created) = match manifest {
        Ok(manifest) => {
            (manifest.image, manifest.fits, UNIX_EPOCH + Duration::from_secs(manifest.created))
        }
        Err(_) => (String::new(), "broken".to_owned(), SystemTime::UNIX_EPOCH),
    };
    machine_driver::Template {
        id: name,
        image,
        fits,
        created,
        used: modified("used").unwrap_or(created),
        size: disk_usage(dir),
    }
}

/// Waits for whoever builds the same template.
async fn lock_build(cx: &Context, id: &str) -> Result<std::fs::File> {
    let path = directory(cx).join(format!(".build-{id}.lock"));
    let lock = std::fs::File::options().create(true).truncate(false).write(true).open(path)?;
    tokio::task::spawn_blocking(move || lock.lock().map(|()| lock))
        .await
        .map_err(|error| Error::other("the wait broke").caused_by(error))?
        .map_err(Error::from)
}

/// Removes builds that nobody works on: their builder died.
async fn sweep(cx: &Context) -> Result<()> {
    let entries = match std::fs::read_dir(directory(cx)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(id) = name.strip_prefix(".build-") else { continue };
        if !path.is_dir() {
            continue;
        }
        let lock = directory(cx).join(format!(".build-{id}.lock"));
        let lock = std::fs::File::options().create(true).truncate(false).write(true).open(lock)?;
        if lock.try_lock().is_ok() {
            build::discard(cx, &path).await?;
        }
    }
    Ok(())
}
