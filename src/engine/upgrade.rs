//! `upgrade`: a newer Docker Engine, by another boot image or by the host's packages.

use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Image, Progress, Result, State};

use super::{Engine, Machine, boot_image, certificates, neighbours, ready};
use crate::iso::Choice;

/// Which image a machine is to boot from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NewImage {
    /// The newest of the cache if the machine has an older one, else one that is built now. For a
    /// machine whose image the user named, what is at that address now.
    #[default]
    Newest,
    /// One that is built now from the newest packages.
    Built,
    /// This version of the cache, older or newer.
    Version(String),
}

/// Brings the Docker Engine of a machine to the newest version that there is for it, and waits
/// until it answers. A machine that boots an image is stopped for that; on a host that was
/// provisioned over SSH its package manager does it.
pub async fn upgrade(
    engine: &Engine,
    name: &str,
    wanted: &NewImage,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let _lock = engine.store.lock(name, &format!("upgrade {name}"), Duration::from_secs(20))?;
    let mut machine = Machine::load(engine, name, progress)?;
    if let Some(unfinished) = &machine.unfinished {
        return Err(machine.incomplete(unfinished));
    }
    let capabilities = machine.driver.capabilities();
    if !capabilities.has_guest {
        return Err(Error::unsupported(machine.driver.kind(), "upgrades")
            .hint(format!("`{name}` is used as it is: upgrade it with its own packages")));
    }
    if capabilities.change_image {
        let Some(image) = choose(engine, &machine, wanted).await? else { return Ok(()) };
        let before = machine.driver.image_version().unwrap_or_default().to_owned();
        let exchanged = async {
            let choice = boot_image::choice(engine, &machine);
            exchange(&mut machine, &image).await?;
            boot_image::record(&machine.context.machine_dir, &choice, &image)?;
            answers(engine, &machine).await
        };
        exchanged.await.map_err(|error: Error| match engine.images.of_version(&before) {
            Ok(_) => error.hint(format!(
                "back to the image that it had: `machine upgrade --image {before} {name}`"
            )),
            Err(_) => error,
        })
    } else {
        if *wanted != NewImage::Newest {
            return Err(Error::unsupported(machine.driver.kind(), "another boot image"));
        }
        if !capabilities.existing_host {
            switch_on(&mut machine).await?;
        }
        Box::pin(crate::provision::upgrade(engine, &machine)).await?;
        answers(engine, &machine).await
    }
}

async fn answers(engine: &Engine, machine: &Machine<'_>) -> Result<()> {
    Box::pin(certificates::renew_if_needed(engine, machine)).await?;
    machine.progress.line("Waiting for Docker to answer...");
    ready::docker_answers(engine, machine).await?;
    neighbours::announce(engine, machine).await;
    Ok(())
}

/// The image that is to take the place of the machine's. `None`, with a word of it, if the machine
/// has the right one already.
async fn choose(
    engine: &Engine,
    machine: &Machine<'_>,
    wanted: &NewImage,
) -> Result<Option<Image>> {
    let images = &engine.images;
    let progress = || Arc::clone(&machine.progress);
    let now = machine.driver.image_version().unwrap_or_default();
    if let NewImage::Version(version) = wanted {
        let image = images.of_version(version)?;
        return Ok(differs(image, now, machine));
    }
    let choice = boot_image::choice(engine, machine);
    if choice != Choice::Own {
        if *wanted == NewImage::Built {
            return Err(Error::other(format!(
                "machine `{}` does not boot an image that is built here, but `{choice}`",
                machine.name()
            ))
            .hint("without `--build` it gets what is newest there"));
        }
        let newer = images.newer(&choice, now, progress()).await?;
        if newer.is_none() {
            say_has_already(machine, now);
        }
        return Ok(newer);
    }
    if *wanted == NewImage::Newest
        && let Some(newest) = images.newest()?
        && newest.manifest.version != now
        && !is_older(&newest.manifest.version, now)
    {
        return newest.image().map(Some);
    }
    let built = images.build(progress()).await.map_err(|error| {
        let error = error.context("no newer image can be built");
        error.hint(format!("machine `{}` is as it was", machine.name()))
    })?;
    if is_older(&built.manifest.version, now) {
        machine.progress.line(&format!("The mirror has nothing newer than the image {now}."));
        return Ok(None);
    }
    Ok(differs(built.image()?, now, machine))
}

fn differs(image: Image, now: &str, machine: &Machine<'_>) -> Option<Image> {
    if image.version != now {
        return Some(image);
    }
    say_has_already(machine, now);
    None
}

fn say_has_already(machine: &Machine<'_>, now: &str) {
    machine.progress.line(&format!("Machine \"{}\" has the image {now} already.", machine.name()));
}

/// Stops the machine, gives it the image, and starts it: docker-machine's steps, and its words. A
/// machine that is off is not started for it.
async fn exchange(machine: &mut Machine<'_>, image: &Image) -> Result<()> {
    let name = machine.name().to_owned();
    let progress = Arc::clone(&machine.progress);
    let context = machine.context.clone();
    if machine.driver.state(&context).await? == State::Saved {
        switch_on(machine).await?;
    }
    progress.line("Upgrading docker...");
    if machine.driver.state(&context).await? != State::Stopped {
        progress.line("Stopping machine to do the upgrade...");
        machine.driver.stop(&context).await?;
        context.checkpoint(&*machine.driver)?;
    }
    progress.line(&format!("Upgrading machine \"{name}\"..."));
    machine.driver.change_image(&context, image).await?;
    context.checkpoint(&*machine.driver)?;
    progress.line("Starting machine back up...");
    machine.driver.start(&context).await?;
    context.checkpoint(&*machine.driver)
}

/// docker-machine starts what it upgrades.
async fn switch_on(machine: &mut Machine<'_>) -> Result<()> {
    let context = machine.context.clone();
    if machine.driver.state(&context).await? == State::Running {
        return Ok(());
    }
    machine.progress.line("Starting machine so machine can be upgraded...");
    machine.driver.start(&context).await?;
    context.checkpoint(&*machine.driver)
}

/// Whether one of our images has an older Engine than another. Their names begin with its version,
/// and what follows says nothing of their age.
fn is_older(version: &str, than: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        let engine = version.split(['-', '+', '~']).next().unwrap_or_default();
        engine.split('.').map_while(|part| part.parse().ok()).collect()
    };
    numbers(version) < numbers(than)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_ordered_by_their_engines() {
        assert!(is_older("26.1.5+dfsg1-9ab", "26.1.10-0cd"));
        assert!(is_older("26.1.5-9ab", "27-0cd"));
        assert!(!is_older("26.1.5-9ab", "26.1.5-0cd") && !is_older("26.1.5-0cd", "26.1.5-9ab"));
        assert!(!is_older("28.0.0-1", ""));
    }
}
