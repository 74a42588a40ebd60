//! Templates: machines prepared in advance. What they are is the driver's affair.

use std::sync::Arc;

use machine_driver::{
    Context, Driver, Error, FlagValues, Kind, Material, Progress, Result, Template, Templates,
};

use super::{Engine, Machine, birth, boot_image};
use crate::iso::Choice;
use crate::provision::profile;
use crate::store::EngineOptions;

/// The machines that a template is for.
#[derive(Debug, Clone)]
pub enum Like {
    /// Those that `create` would make with these options.
    Options { driver: String, values: FlagValues, engine: Box<EngineOptions> },
    /// Those that are like one that exists.
    Machine(String),
}

/// Makes a template, unless it is there.
pub async fn build_template(
    engine: &Engine,
    like: &Like,
    progress: Arc<dyn Progress>,
) -> Result<Template> {
    match like {
        Like::Options { driver, values, engine: options } => {
            let kind = engine.registry.find(driver)?;
            let cx = context(engine, kind.name(), Arc::clone(&progress));
            let driver = kind.configure(&cx, values)?;
            let choice = engine.images.choose(driver.image_source(), kind.boots_boot2docker());
            let material = material(engine, &*driver, &choice, options, progress).await?;
            templates(kind)?.build(&cx, &*driver, &material).await
        }
        Like::Machine(name) => {
            let machine = engine.load(name, Arc::clone(&progress))?;
            let cx = context(engine, machine.kind.name(), Arc::clone(&progress));
            let options = &machine.record.host_options.engine_options;
            let choice = boot_image::choice(engine, &machine);
            let material = material(engine, &*machine.driver, &choice, options, progress).await?;
            templates(machine.kind)?.build(&cx, &*machine.driver, &material).await
        }
    }
}

/// Whether the next machine like this one could start from a template, if somebody made it.
pub async fn lacks_template(engine: &Engine, machine: &Machine<'_>) -> Result<bool> {
    let Some(templates) = machine.kind.templates() else { return Ok(false) };
    if !birth::reaches_guest(machine) {
        return Ok(false);
    }
    let cx = &machine.context;
    let options = &machine.record.host_options.engine_options;
    let (driver, progress) = (&*machine.driver, Arc::clone(&cx.progress));
    let material = material(engine, driver, &Choice::Own, options, progress).await?;
    Ok(templates.wanted(&*machine.driver)
        && !templates.fits(cx, &*machine.driver, &material).await?)
}

/// All templates, with the name of their driver.
pub fn list_templates(engine: &Engine) -> Result<Vec<(String, Template)>> {
    let mut all = Vec::new();
    for kind in engine.registry.iter() {
        let Some(templates) = kind.templates() else { continue };
        let cx = context(engine, kind.name(), Arc::new(machine_driver::Silent));
        all.extend(templates.list(&cx)?.into_iter().map(|it| (kind.name().to_owned(), it)));
    }
    Ok(all)
}

pub async fn verify_template(engine: &Engine, id: &str) -> Result<()> {
    let (kind, cx) = owner(engine, id)?;
    templates(kind)?.verify(&cx, id).await
}

pub fn remove_template(engine: &Engine, id: &str) -> Result<()> {
    let (kind, cx) = owner(engine, id)?;
    templates(kind)?.remove(&cx, id)
}

/// Removes the templates that were not used for the longest time, until `keep` are left. Those in
/// use stay.
pub fn trim_templates(engine: &Engine, keep: usize) -> Result<()> {
    let mut all = list_templates(engine)?;
    all.sort_by_key(|(_, template)| std::cmp::Reverse(template.used));
    for (_, template) in all.iter().skip(keep) {
        if let Err(error) = remove_template(engine, &template.id) {
            tracing::debug!(%error, "a template stays");
        }
    }
    Ok(())
}

/// The driver that has the template; the first one that can have any, if none has it.
fn owner<'a>(engine: &'a Engine, id: &str) -> Result<(&'a dyn Kind, Context)> {
    let mut first = None;
    for kind in engine.registry.iter() {
        let Some(templates) = kind.templates() else { continue };
        let cx = context(engine, kind.name(), Arc::new(machine_driver::Silent));
        if templates.list(&cx)?.iter().any(|template| template.id == id) {
            return Ok((kind, cx));
        }
        first = first.or(Some((kind, cx)));
    }
    first.ok_or_else(|| Error::other("no driver has templates"))
}

fn templates(kind: &dyn Kind) -> Result<&dyn Templates> {
    kind.templates().ok_or_else(|| Error::unsupported(kind.name(), "templates"))
}

/// A context for work that is about no machine.
fn context(engine: &Engine, driver: &str, progress: Arc<dyn Progress>) -> Context {
    engine.context("template", driver, progress)
}

async fn material(
    engine: &Engine,
    driver: &dyn Driver,
    choice: &Choice,
    options: &EngineOptions,
    progress: Arc<dyn Progress>,
) -> Result<Material> {
    Ok(Material {
        image: engine.images.image(choice, progress).await?,
        profile: profile::profile(options, driver.kind(), birth::ENGINE_PORT),
    })
}
