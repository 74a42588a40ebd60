use std::path::PathBuf;
use std::sync::Arc;

use machine_driver::{Context, Driver, Endpoint, Error, ErrorKind, Kind, Progress, Result, State};
use serde_json::Value;

use super::Engine;
use super::missing::{self, MissingDriver};
use crate::store::{Record, Unfinished, rename_keys};
use crate::tls::ClientPaths;

/// A machine that exists: its record, its driver, and the driver's context.
pub struct Machine<'a> {
    pub record: Record,
    pub kind: &'a dyn Kind,
    pub driver: Box<dyn Driver>,
    pub context: Context,
    /// Where the engine says what it does; the context's puts the machine's name before a line.
    pub progress: Arc<dyn Progress>,
    /// Where its making or removal stopped, if it is not complete.
    pub unfinished: Option<Unfinished>,
}

impl<'a> Machine<'a> {
    pub(super) fn load(
        engine: &'a Engine,
        name: &str,
        progress: Arc<dyn Progress>,
    ) -> Result<Self> {
        let record = engine.store.load(name)?;
        let (kind, driver) = driver(engine, &record)?;
        let context = engine.context(name, kind.name(), Arc::clone(&progress));
        let unfinished = match record.unfinished {
            true => engine.store.journal(name).unfinished()?,
            false => None,
        };
        Ok(Self { record, kind, driver, context, progress, unfinished })
    }

    pub fn name(&self) -> &str {
        &self.record.name
    }

    pub fn endpoint(&self) -> Endpoint {
        self.driver.endpoint()
    }

    /// The state as far as it is known without a process or the network.
    pub fn glance(&self) -> Option<State> {
        self.driver.glance(&self.context)
    }

    /// The Docker endpoint, for example `tcp://127.0.0.1:32769`, of a machine that is complete and
    /// not known to be stopped.
    pub fn docker_url(&self) -> Result<String> {
        self.check_usable()?;
        self.endpoint().docker_url.ok_or_else(|| self.not_running())
    }

    /// An error for a machine that is half made or known to be off.
    pub fn check_usable(&self) -> Result<()> {
        if let Some(unfinished) = &self.unfinished {
            return Err(self.incomplete(unfinished));
        }
        match self.glance() {
            None | Some(State::Running) => Ok(()),
            Some(_) => Err(self.not_running()),
        }
    }

    /// Where a Docker client looks for the files with which it is let in: the machine's directory,
    /// wherever the store was when the record was written.
    pub fn client_paths(&self) -> ClientPaths {
        ClientPaths::in_dir(&self.context.machine_dir)
    }

    /// The same files where they are: docker-machine copies them only into the directories of
    /// machines that it provisions.
    pub fn credentials(&self) -> ClientPaths {
        let auth = &self.record.host_options.auth_options;
        let recorded = ClientPaths {
            ca: PathBuf::from(&auth.ca_cert_path),
            cert: PathBuf::from(&auth.client_cert_path),
            key: PathBuf::from(&auth.client_key_path),
        };
        [self.client_paths(), recorded]
            .into_iter()
            .find(|paths| paths.ca.exists())
            .unwrap_or_else(|| self.client_paths())
    }

    pub fn not_running(&self) -> Error {
        let name = self.name();
        Error::new(ErrorKind::NotRunning, "Host is not running")
            .hint(format!("start it with `machine start {name}`"))
    }

    pub fn incomplete(&self, unfinished: &Unfinished) -> Error {
        let name = self.name();
        let error = Error::other(format!(
            "machine `{name}` is not complete: it stopped at the step `{}`",
            unfinished.step
        ));
        let error = match &unfinished.error {
            Some(cause) => error.caused_by(cause.clone()),
            None => error,
        };
        if unfinished.step == "remove" {
            return error.hint(format!("finish the removal with `machine rm -y {name}`"));
        }
        if unfinished.step == super::clone::STEP {
            return error.hint(format!("remove it with `machine rm -y {name}`, and clone again"));
        }
        error
            .hint(format!("carry on with `machine create {name}`"))
            .hint(format!("or remove it with `machine rm -y {name}`"))
    }
}

/// The driver that a record names, and its kind. A driver that is not there is no reason not to
/// load a machine.
fn driver<'a>(engine: &'a Engine, record: &Record) -> Result<(&'a dyn Kind, Box<dyn Driver>)> {
    let name = &record.driver_name;
    let Ok(kind) = engine.registry.find(name) else {
        let dir = engine.store.machine_dir(&record.name);
        let driver = MissingDriver::new(name, dir, record.driver.clone());
        return Ok((&missing::KIND, Box::new(driver)));
    };
    let driver = kind.load(record.driver.clone())?;
    // Go finds keys in any case. Which keys the driver knows is seen from what it records.
    let (Some(read), Value::Object(known)) = (record.driver.as_object(), driver.record()) else {
        return Ok((kind, driver));
    };
    let missed: Vec<&String> = known.keys().filter(|key| !read.contains_key(*key)).collect();
    let mut renamed = read.clone();
    rename_keys(&mut renamed, &missed);
    if renamed == *read {
        return Ok((kind, driver));
    }
    Ok((kind, kind.load(Value::Object(renamed))?))
}
