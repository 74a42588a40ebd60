use std::path::PathBuf;
use std::sync::Arc;

use machine_driver::{Context, Driver, Endpoint, Error, ErrorKind, Kind, Progress, Result, State};

use super::Engine;
use crate::store::{Record, Unfinished};
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
        let kind = engine.registry.find(&record.driver_name)?;
        let driver = kind.load(record.driver.clone())?;
        let context = engine.context(name, kind.name(), Arc::clone(&progress))?;
        let unfinished = engine.store.journal(name).unfinished()?;
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

    /// The files with which a Docker client is let in.
    pub fn client_paths(&self) -> ClientPaths {
        let auth = &self.record.host_options.auth_options;
        let dir = PathBuf::from(&auth.store_path);
        ClientPaths { ca: dir.join("ca.pem"), cert: dir.join("cert.pem"), key: dir.join("key.pem") }
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
        error
            .hint(format!("carry on with `machine create {name}`"))
            .hint(format!("or remove it with `machine rm -y {name}`"))
    }
}
