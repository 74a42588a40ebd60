//! What a machine is, and what can be done with it.
//!
//! The engine never prints, prompts, or reads the environment, the working directory or the home
//! directory: everything from outside is in [`Engine`] and in the [`Progress`] that it is given.

mod address;
mod adopt;
mod birth;
mod boot_image;
mod capabilities;
mod certificates;
mod client;
mod clone;
mod create;
mod docker_context;
mod doctor;
mod follow;
mod gc;
mod lifecycle;
mod list;
mod machine;
mod missing;
mod neighbours;
mod provision;
mod ready;
mod redact;
mod registry;
mod remove;
mod resize;
mod swarm;
mod templates;
mod transfer;
mod tunnel;
mod upgrade;
mod version;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use machine_driver::{Checkpoint, Context, Environment, Policy, Progress, Result, StoreId};
use serde_json::Value;

use crate::iso::Images;
use crate::store::{Store, StoreError};
use crate::tls::CertPaths;

pub use adopt::{Address, adopt};
pub(crate) use birth::{issue_server, server_tls};
pub use capabilities::capability_table;
pub use certificates::{Expiry, expiry, regenerate, renew_client};
pub use client::{Misfit, misfit};
pub use clone::clone_machine;
pub use create::{CreateError, Request, Step, create};
pub use docker_context::{DockerContext, create_context, current_context, remove_context};
pub use doctor::{Finding, Health, examine};
pub use follow::follow;
pub use gc::{Leftover, Looked, clear, find_leftovers};
pub use lifecycle::{Action, act};
pub use list::{Found, Look, Row, find_all, look};
pub use machine::Machine;
pub use provision::{preview, provision};
pub use redact::redacted;
pub use registry::Registry;
pub use remove::{Removal, remove};
pub use resize::resize;
pub use swarm::swarm_url;
pub use templates::{
    Like, build_template, lacks_template, list_templates, remove_template, trim_templates,
    verify_template,
};
pub use transfer::{Part, export, import};
pub use tunnel::{end_tunnel, is_up, socket, tunnel};
pub use upgrade::{NewImage, upgrade};
pub use version::docker_version;

/// Everything the engine works with, put together by the command line or by a test.
pub struct Engine {
    pub store: Store,
    pub registry: Registry,
    pub images: Images,
    pub certs: CertPaths,
    /// The user's name, which stands in the certificates.
    pub organisation: String,
    /// Where programs are looked up, in the form of `PATH`.
    pub search_path: OsString,
    /// The caller's variables and home, for the drivers.
    pub environment: Environment,
    /// A short directory for sockets.
    pub runtime_dir: PathBuf,
    /// How long a guest may take from power-on to a Docker Engine that answers.
    pub boot_deadline: Duration,
}

impl Engine {
    /// What the driver `driver` may know for the machine `name`; of none in particular if that is
    /// empty.
    pub fn context(&self, name: &str, driver: &str, progress: Arc<dyn Progress>) -> Context {
        let store = self.store.clone();
        Context {
            machine: name.to_owned(),
            machine_dir: self.store.machine_dir(name),
            shared_dir: self.store.driver_dir(driver),
            cache_dir: self.images.cache().join(driver),
            runtime_dir: self.runtime_dir.clone(),
            search_path: self.search_path.clone(),
            environment: self.environment.clone(),
            policy: Policy::default(),
            store_id: StoreId::new(move || Ok(store.id()?)),
            progress: match name {
                "" => progress,
                _ => Arc::new(Prefixed { prefix: format!("({name}) "), progress }),
            },
            checkpoint: Arc::new(RecordCheckpoint {
                store: self.store.clone(),
                name: name.to_owned(),
            }),
        }
    }

    /// Loads a machine: its record, and the driver that it names.
    pub fn load(&self, name: &str, progress: Arc<dyn Progress>) -> Result<Machine<'_>> {
        Machine::load(self, name, progress)
    }
}

/// Puts the machine's name before a driver's lines, as docker-machine does.
struct Prefixed {
    prefix: String,
    progress: Arc<dyn Progress>,
}

impl Progress for Prefixed {
    fn line(&self, text: &str) {
        self.progress.line(&format!("{}{text}", self.prefix));
    }

    fn advance(&self, what: &str, done: u64, total: Option<u64>) {
        self.progress.advance(&format!("{}{what}", self.prefix), done, total);
    }

    fn warn(&self, text: &str) {
        self.progress.warn(&format!("{}{text}", self.prefix));
    }
}

/// Writes a driver's record into the machine's `config.json`. The machine's lock is held by
/// whoever runs the driver.
struct RecordCheckpoint {
    store: Store,
    name: String,
}

impl RecordCheckpoint {
    fn write(&self, driver: Value) -> Result<(), StoreError> {
        let mut record = self.store.load(&self.name)?;
        if record.driver != driver || record.is_old() {
            record.driver = driver;
            self.store.save(&record)?;
        }
        Ok(())
    }
}

impl Checkpoint for RecordCheckpoint {
    fn save(&self, driver: Value) -> Result<()> {
        Ok(self.write(driver)?)
    }
}
