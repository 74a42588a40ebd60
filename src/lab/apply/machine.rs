//! One machine of a plan.

use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Error, Forward, Progress, Result, Size};

use super::{Options, has};
use crate::engine::{self, Action as Power, Engine, Request};
use crate::lab::{Action, Bounds, Change, Lab, Membership, Publish, Spec, Step, ready};
use crate::store::{EngineOptions, SwarmOptions};

/// Does what a step says, up to a machine that runs and has its ports and files.
pub(super) async fn step(
    engine: &Engine,
    lab: &Lab,
    step: &Step,
    options: &Options<'_>,
    bounds: &Bounds,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let Some(spec) = &step.spec else {
        if options.prune {
            engine::remove(engine, &step.name, false, progress).await?;
        }
        return Ok(());
    };
    if step.action == Action::Keep {
        return Ok(());
    }
    allowed(step, options)?;
    let _permit = bounds.enter(&spec.driver, step.memory).await;
    match step.action {
        Action::Adopt => adopt(engine, lab, spec)?,
        Action::Create | Action::Resume | Action::Replace => {
            if step.action == Action::Replace || has(step, |it| *it == Change::FinishRemoval) {
                engine::remove(engine, &step.name, false, Arc::clone(&progress)).await?;
            }
            Box::pin(create(engine, lab, spec, options, &progress)).await?;
            publish(engine, spec, &spec.publish, &[]).await?;
            let machine = engine.load(&spec.name, Arc::clone(&progress))?;
            ready::copy(&machine, spec, &*progress).await?;
        }
        Action::Start | Action::Change => change(engine, lab, step, spec, &progress).await?,
        Action::Keep | Action::Remove => {}
    }
    progress.line("Ready.");
    Ok(())
}

/// Runs the commands of a machine, unless they ran before, and notes that all is done.
pub(super) async fn prepare(
    engine: &Engine,
    step: &Step,
    spec: &Spec,
    progress: Arc<dyn Progress>,
) -> Result<()> {
    let made = matches!(step.action, Action::Create | Action::Resume | Action::Replace);
    if !made && !has(step, |change| *change == Change::Prepare) {
        return Ok(());
    }
    let machine = engine.load(&spec.name, Arc::clone(&progress))?;
    ready::run(&machine, spec, &*progress).await?;
    let dir = &machine.context.machine_dir;
    if let (Some(digest), Some(mut membership)) = (ready::digest(spec)?, Membership::load(dir)?) {
        membership.prepared = Some(digest);
        membership.save(dir)?;
    }
    Ok(())
}

/// What may only be done if the user has said so.
fn allowed(step: &Step, options: &Options<'_>) -> Result<()> {
    let name = &step.name;
    match step.action {
        Action::Replace if !options.replace => {
            let why = step.changes.iter().filter_map(|change| match change {
                Change::Replace(why) => Some(why.as_str()),
                _ => None,
            });
            let why = why.collect::<Vec<_>>().join("; ");
            Err(Error::other(format!("`{name}` would have to be removed and made again"))
                .caused_by(why)
                .hint(format!("all that is on it is lost then: `machine up --replace {name}`")))
        }
        Action::Adopt if !options.adopt => {
            Err(Error::other(format!("there is a machine `{name}` that belongs to no lab"))
                .hint(format!("take it in as it is: `machine up --adopt {name}`"))
                .hint("or choose another name in the file"))
        }
        _ => Ok(()),
    }
}

async fn create(
    engine: &Engine,
    lab: &Lab,
    spec: &Spec,
    options: &Options<'_>,
    progress: &Arc<dyn Progress>,
) -> Result<()> {
    let kind = engine.registry.find(&spec.driver)?;
    let membership = Membership::new(&lab.name, &lab.path, spec.without_secrets(kind));
    let mut provisioning = options.provisioning.clone();
    if let Some(install) = &spec.engine.install {
        provisioning.install = install.parse().map_err(Error::other)?;
    }
    provisioning.engine_version.clone_from(&spec.engine.version);
    if let Some(path) = &spec.cloud_init {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::from(error).context(format!("cannot read `{}`", path.display()))
        })?;
        provisioning.cloud_init = Some(text);
    }
    let request = Request {
        name: spec.name.clone(),
        driver: spec.driver.clone(),
        values: spec.values(kind, (options.base)(kind)),
        engine: engine_options(spec),
        swarm: SwarmOptions::default(),
        sans: spec.tls_san.clone(),
        provisioning,
        store_secrets: false,
        lab: Some(membership),
    };
    let created = Box::pin(engine::create(engine, &request, Arc::clone(progress))).await;
    created.map_err(|failure| {
        let error = match failure.step {
            Some(step) => failure.error.context(format!("the step `{step}` failed")),
            None => failure.error,
        };
        error.hint("carry on with `machine up`")
    })
}

fn engine_options(spec: &Spec) -> EngineOptions {
    let engine = &spec.engine;
    let defaults = EngineOptions::default();
    EngineOptions {
        arbitrary_flags: engine.options.clone(),
        env: engine.env.clone(),
        insecure_registry: engine.insecure_registries.clone(),
        labels: engine.labels.clone(),
        registry_mirror: engine.registry_mirrors.clone(),
        storage_driver: engine.storage_driver.clone().unwrap_or_default(),
        install_url: engine.install_url.clone().unwrap_or(defaults.install_url),
        ..EngineOptions::default()
    }
}

/// Changes a machine that is there, and switches it on if it is off. What was asked for is on record
/// after each change, so that the next `up` sees what is left to be done.
async fn change(
    engine: &Engine,
    lab: &Lab,
    step: &Step,
    spec: &Spec,
    progress: &Arc<dyn Progress>,
) -> Result<()> {
    let mut size = Size::default();
    let (mut more, mut fewer) = (Vec::new(), Vec::new());
    for change in &step.changes {
        match change {
            Change::Resize(wanted) => size = *wanted,
            Change::Publish(port) => more.push(*port),
            Change::Unpublish(port) => fewer.push(*port),
            Change::Prepare | Change::Role { .. } | Change::Replace(_) | Change::FinishRemoval => {}
        }
    }
    if !size.is_empty() {
        engine::resize(engine, &spec.name, size, Arc::clone(progress)).await?;
    }
    if !more.is_empty() || !fewer.is_empty() {
        publish(engine, spec, &more, &fewer).await?;
    }
    note(engine, lab, spec)?;
    if step.action == Action::Start {
        engine::act(engine, &spec.name, Power::Start, Arc::clone(progress)).await?;
    }
    if has(step, |change| *change == Change::Prepare) {
        let machine = engine.load(&spec.name, Arc::clone(progress))?;
        ready::copy(&machine, spec, &**progress).await?;
    }
    Ok(())
}

/// Puts on record what is asked of a machine now.
fn note(engine: &Engine, lab: &Lab, spec: &Spec) -> Result<()> {
    let dir = engine.store.machine_dir(&spec.name);
    let kind = engine.registry.find(&spec.driver)?;
    let mut membership = Membership::new(&lab.name, &lab.path, spec.without_secrets(kind));
    membership.prepared = Membership::load(&dir)?.and_then(|before| before.prepared);
    membership.save(&dir)
}

/// Takes a machine into the lab as it is. The next plan shows in what it differs from the file.
fn adopt(engine: &Engine, lab: &Lab, spec: &Spec) -> Result<()> {
    let machine = engine.load(&spec.name, Arc::new(machine_driver::Silent))?;
    let found = Spec::of(&machine).without_secrets(machine.kind);
    let dir = &machine.context.machine_dir;
    Membership::new(&lab.name, &lab.path, found.as_far_as(spec)).save(dir)
}

/// Takes forwards away and adds others. One that is there already is done.
async fn publish(engine: &Engine, spec: &Spec, more: &[Publish], fewer: &[Publish]) -> Result<()> {
    if more.is_empty() && fewer.is_empty() {
        return Ok(());
    }
    let name = &spec.name;
    let _lock = engine.store.lock(name, &format!("publish {name}"), Duration::from_secs(20))?;
    let mut machine = engine.load(name, Arc::new(machine_driver::Silent))?;
    let context = machine.context.clone();
    let forwards = machine.driver.forwards_or_unsupported()?;
    let leads = |forward: &Forward, port: &Publish| {
        forward.guest_port == port.guest && (port.host == 0 || port.host == forward.host_port)
    };
    for port in fewer {
        let found = forwards.list().into_iter().find(|forward| leads(forward, port));
        if let Some(forward) = found {
            forwards.remove(&context, forward.host_port).await?;
        }
    }
    for port in more {
        if !forwards.list().iter().any(|forward| leads(forward, port)) {
            let host = "127.0.0.1".to_owned();
            let forward = Forward { host, host_port: port.host, guest_port: port.guest };
            forwards.add(&context, forward).await?;
        }
    }
    Ok(())
}
