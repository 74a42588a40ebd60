use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Progress, Result};

use super::{Engine, Machine, Request, certificates, ready};

/// Makes a machine a Docker host again: what is there stays, what is missing is put in place.
pub async fn provision(engine: &Engine, name: &str, progress: Arc<dyn Progress>) -> Result<()> {
    let command = format!("provision {name}");
    let _lock = engine.store.lock(name, &command, Duration::from_secs(20))?;
    let machine = Machine::load(engine, name, Arc::clone(&progress))?;
    certificates::check(&machine)?;
    super::birth::certificate_authority(engine, &*progress)?;
    crate::provision::wait_for_ssh(engine, &machine).await?;
    Box::pin(crate::provision::provision(engine, &machine)).await?;
    ready::docker_answers(engine, &machine).await?;
    // What stopped `create` may be mended by now.
    if machine.unfinished.is_some() {
        engine.store.journal(name).complete()?;
    }
    Ok(())
}

/// What `create` would change on a host that is there already, one line each; `None` for a kind of
/// machine that brings its own host. Reads on the host, writes nothing anywhere.
pub async fn preview(
    engine: &Engine,
    request: &Request,
    progress: Arc<dyn Progress>,
) -> Result<Option<Vec<String>>> {
    // What is wrong with the request is for `create` to say.
    let Ok(kind) = engine.registry.find(&request.driver) else { return Ok(None) };
    if crate::store::check_name(&request.name).is_err() || engine.store.exists(&request.name) {
        return Ok(None);
    }
    let mut context = engine.context(&request.name, kind.name(), Arc::clone(&progress));
    let scratch = tempfile::tempdir()?;
    let Ok(driver) = kind.configure(&context, &request.values) else { return Ok(None) };
    if !driver.capabilities().existing_host {
        return Ok(None);
    }
    driver.pre_create_check(&context).await?;
    // The host key that is seen here is pinned for the length of this look only.
    scratch.path().clone_into(&mut context.machine_dir);
    let options = crate::store::HostOptions {
        engine_options: request.engine.clone(),
        ..crate::store::HostOptions::default()
    };
    let record = crate::store::Record::new(&request.name, kind.name(), driver.record(), options);
    let machine = Machine { record, kind, driver, context, progress, unfinished: None };
    Box::pin(crate::provision::preview(engine, &machine, &request.provisioning)).await.map(Some)
}
