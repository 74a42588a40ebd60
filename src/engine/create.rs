//! `create`: named steps, each in the journal before its side effect and closed after.
//!
//! ```text
//!  flags ──▶ pre-check ──▶ image ──▶ certificates ──▶ resources ──▶ engine ──▶ verify ──▶ complete
//!              │                                          │  ▲
//!              ▼ (nothing is left)                        ▼  │ (no seed reaches this guest)
//!            gone                                        ssh, provision
//! ```
//!
//! A step may run again after a crash, so each is idempotent. What a step needs from an earlier
//! one it reads from the disk, never from memory alone: that is what makes a resumed `create` the
//! same code as a first one.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use machine_driver::{
    Birth, Context, Driver, Error, ErrorKind, FlagValues, Image, Kind, Policy, Progress, Result,
    file,
};

use super::{Engine, Machine, address, birth, boot_image, certificates, clone, neighbours, ready};
use crate::iso::Choice;
use crate::provision::Options;
use crate::store::{
    AuthOptions, EngineOptions, HostOptions, Journal, Lock, Record, StoreError, SwarmOptions,
    check_name,
};

/// What the user asks for.
#[derive(Debug, Clone)]
pub struct Request {
    pub name: String,
    pub driver: String,
    /// The driver's own flags.
    pub values: FlagValues,
    pub engine: EngineOptions,
    pub swarm: SwarmOptions,
    /// Further names and addresses for the server certificate.
    pub sans: Vec<String>,
    /// What is to be done with a host that is provisioned over SSH, and by cloud-init.
    pub provisioning: Options,
    /// Write secrets that were given literally into the record.
    pub store_secrets: bool,
    /// The lab that the machine belongs to from its first moment on.
    pub lab: Option<crate::lab::Membership>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The store's authority and client certificate. Nothing of the machine is begun.
    Authority,
    PreCheck,
    Image,
    Certificates,
    Resources,
    Ssh,
    Provision,
    Engine,
    Verify,
}

/// Why a machine was not made, and what is left of it.
#[derive(Debug)]
pub struct CreateError {
    /// `None` if nothing was begun.
    pub step: Option<Step>,
    pub error: Error,
    /// Whether there is a machine that can be resumed or removed.
    pub kept: bool,
}

/// Makes a machine, or carries on with one whose making was interrupted. Dropping the future stops
/// the work between two side effects; the machine can then be resumed or removed.
pub async fn create(
    engine: &Engine,
    request: &Request,
    progress: Arc<dyn Progress>,
) -> Result<(), CreateError> {
    let name = &request.name;
    let nothing = |error: Error| CreateError { step: None, error, kept: false };
    check_name(name).map_err(|error| nothing(error.into()))?;
    let kind = engine.registry.find(&request.driver).map_err(nothing)?;
    let lock = engine
        .store
        .lock(name, &format!("create {name}"), Duration::ZERO)
        .map_err(|error| nothing(error.into()))?;
    engine.store.sweep(name);
    let mut work = Work { engine, name, journal: engine.store.journal(name), progress, lock };

    let machine = match work.what_is_there().map_err(nothing)? {
        There::Unfinished(machine) => {
            work.say(&format!("Carrying on with machine \"{name}\"..."));
            let mut machine = *machine;
            let options = Options::load(&machine.context.machine_dir).map_err(nothing)?;
            machine.context.policy = options.policy();
            machine
        }
        There::Nothing => {
            let mut context = engine.context(name, kind.name(), Arc::clone(&work.progress));
            context.policy =
                Policy { store_secrets: request.store_secrets, ..request.provisioning.policy() };
            let driver = kind.configure(&context, &request.values).map_err(nothing)?;
            check_first_boot(request, &*driver).map_err(nothing)?;
            work.certificate_authority()
                .map_err(|error| CreateError { step: Some(Step::Authority), ..nothing(error) })?;
            let unmade = Unmade { engine, name };
            engine.store.make_machine_dir(name).map_err(|error| nothing(error.into()))?;
            work.journal.create().map_err(|error| nothing(error.into()))?;
            if let Some(lab) = &request.lab {
                lab.save(&engine.store.machine_dir(name)).map_err(nothing)?;
            }
            work.say("Running pre-create checks...");
            let checked = work.step(Step::PreCheck, pre_check(engine, kind, &*driver, &context));
            let checked = checked.await;
            checked.map_err(|failure| CreateError { kept: false, ..failure })?;
            request.provisioning.save(&context.machine_dir).map_err(nothing)?;
            let record = work.record(request, kind.name(), driver.record());
            engine.store.save(&record).map_err(|error| nothing(error.into()))?;
            std::mem::forget(unmade);
            let progress = Arc::clone(&work.progress);
            Machine { record, kind, driver, context, progress, unfinished: None }
        }
    };
    work.say("Creating machine...");
    Box::pin(work.make(machine)).await
}

/// What can be found out, and fetched, before anything is made.
async fn pre_check(
    engine: &Engine,
    kind: &dyn Kind,
    driver: &dyn Driver,
    context: &Context,
) -> Result<()> {
    driver.pre_create_check(context).await?;
    if !driver.capabilities().needs_image {
        return Ok(());
    }
    let old = kind.boots_boot2docker();
    let choice = engine.images.choose(driver.image_source(), old);
    engine.images.prepare(&choice, old, &*context.progress).await
}

/// One `create` under way. The lock is held as long as it lives.
struct Work<'a> {
    engine: &'a Engine,
    name: &'a str,
    journal: Journal,
    progress: Arc<dyn Progress>,
    #[expect(dead_code, reason = "held, never read: dropping it releases the machine")]
    lock: Lock,
}

/// A machine before its record is written: nothing is made outside its directory, so that a failure
/// or an interruption deletes that and leaves nothing.
pub(super) struct Unmade<'a> {
    pub(super) engine: &'a Engine,
    pub(super) name: &'a str,
}

impl Drop for Unmade<'_> {
    fn drop(&mut self) {
        self.engine.store.remove(self.name).ok();
    }
}

/// A step under way. Dropped with the work, it says in the journal that it was interrupted.
struct Open<'a> {
    journal: &'a Journal,
    step: Step,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // The user is told in any case: the journal is second.
        self.journal.failed(self.step.word(), "interrupted").ok();
    }
}

enum There<'a> {
    Nothing,
    Unfinished(Box<Machine<'a>>),
}

impl<'a> Work<'a> {
    /// Whether there is something to carry on with. A complete machine of that name is an error.
    fn what_is_there(&self) -> Result<There<'a>> {
        let Self { engine, name, .. } = *self;
        if !engine.store.exists(name) {
            return Ok(There::Nothing);
        }
        let exists = || {
            Error::other(format!("Docker machine \"{name}\" already exists"))
                .hint(format!("remove it with `machine rm {name}`, or choose another name"))
        };
        match engine.store.load(name) {
            Err(StoreError::NoRecord { .. }) if self.never_recorded()? => {
                return Ok(There::Nothing);
            }
            Err(error) => return Err(exists().caused_by(Error::from(error))),
            Ok(_) => {}
        }
        let machine = engine.load(name, Arc::clone(&self.progress))?;
        match &machine.unfinished {
            None => Err(exists()),
            Some(unfinished) if ["remove", clone::STEP].contains(&unfinished.step.as_str()) => {
                Err(machine.incomplete(unfinished))
            }
            Some(_) => Ok(There::Unfinished(Box::new(machine))),
        }
    }

    /// Whether an earlier `create` ended before it recorded anything, so that nothing was made.
    fn never_recorded(&self) -> Result<bool> {
        let dir = self.engine.store.machine_dir(self.name);
        let ours = |name: &str| {
            ["journal.jsonl", "provision.json", "lab.json"].contains(&name)
                || name.starts_with(file::TEMPORARY)
        };
        Ok(std::fs::read_dir(dir)?
            .filter_map(Result::ok)
            .all(|entry| ours(&entry.file_name().to_string_lossy())))
    }

    async fn make(&mut self, mut machine: Machine<'a>) -> Result<(), CreateError> {
        let capabilities = machine.driver.capabilities();
        if capabilities.needs_image {
            let image = self.step(Step::Image, self.image(&machine)).await?;
            self.resources(&mut machine, Some(image)).await?;
        } else {
            self.resources(&mut machine, None).await?;
        }
        if capabilities.has_guest {
            self.guest(&mut machine).await?;
        }
        self.journal.complete().map_err(|error| self.abandoned(error.into()))?;
        // The journal has said it: without this, readers only have to look there as well.
        self.engine.store.mark_finished(self.name).ok();
        birth::forget_secrets(&machine.context.machine_dir);
        Ok(())
    }

    async fn image(&self, machine: &Machine<'_>) -> Result<Image> {
        let choice = boot_image::choice(self.engine, machine);
        let progress = match choice {
            Choice::Own => &self.progress,
            _ => &machine.context.progress,
        };
        let image = self.engine.images.image(&choice, Arc::clone(progress)).await?;
        boot_image::record(&machine.context.machine_dir, &choice, &image)?;
        Ok(image)
    }

    async fn resources(
        &self,
        machine: &mut Machine<'_>,
        image: Option<Image>,
    ) -> Result<(), CreateError> {
        let context = machine.context.clone();
        self.step(Step::Resources, machine.driver.reserve(&context)).await?;
        let birth = self
            .step(Step::Certificates, async { birth::prepare(self.engine, machine, image) })
            .await?;
        self.step(Step::Resources, self.driver_create(machine, &birth)).await
    }

    async fn driver_create(&self, machine: &mut Machine<'_>, birth: &Birth) -> Result<()> {
        let context = machine.context.clone();
        machine.driver.create(&context, birth).await?;
        context.checkpoint(&*machine.driver)?;
        address::learn(self.engine, machine).await
    }

    async fn guest(&self, machine: &mut Machine<'_>) -> Result<(), CreateError> {
        self.say("Waiting for machine to be running, this may take a few minutes...");
        if birth::reaches_guest(machine) {
            // An address that only the boot has shown is in no certificate yet.
            let renewal = Box::pin(certificates::renew_if_needed(self.engine, machine));
            self.step(Step::Certificates, renewal).await?;
        } else {
            self.say("Detecting operating system of created instance...");
            self.step(Step::Ssh, crate::provision::wait_for_ssh(self.engine, machine)).await?;
            let provisioned = Box::pin(crate::provision::provision(self.engine, machine));
            self.step(Step::Provision, provisioned).await?;
        }
        self.say("Checking connection to Docker...");
        self.step(Step::Engine, Box::pin(ready::boots(self.engine, machine))).await?;
        self.say("Docker is up and running!");
        Box::pin(neighbours::announce(self.engine, machine)).await;
        Ok(())
    }

    fn certificate_authority(&self) -> Result<()> {
        birth::certificate_authority(self.engine, &*self.progress)
    }

    fn record(&self, request: &Request, driver: &str, value: serde_json::Value) -> Record {
        let options = HostOptions {
            engine_options: request.engine.clone(),
            swarm_options: request.swarm.clone(),
            auth_options: auth_options(self.engine, self.name, request.sans.clone()),
            ..HostOptions::default()
        };
        let mut record = Record::new(self.name, driver, value, options);
        record.unfinished = true;
        record
    }

    /// Runs one step between its two lines in the journal.
    async fn step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T, CreateError> {
        self.journal.begin(step.word()).map_err(|error| failed(step, error.into()))?;
        let open = Open { journal: &self.journal, step };
        let result = work.await;
        std::mem::forget(open);
        match result {
            Ok(value) => {
                self.journal.done(step.word()).map_err(|error| failed(step, error.into()))?;
                Ok(value)
            }
            Err(error) => {
                // The failure is reported to the user in any case: the journal is second.
                self.journal.failed(step.word(), &error.to_string()).ok();
                Err(failed(step, error))
            }
        }
    }

    fn abandoned(&self, error: Error) -> CreateError {
        CreateError { step: None, error, kept: self.engine.store.exists(self.name) }
    }

    fn say(&self, line: &str) {
        self.progress.line(line);
    }
}

/// What only cloud-init can do needs a driver that boots through it.
fn check_first_boot(request: &Request, driver: &dyn Driver) -> Result<()> {
    let options = &request.provisioning;
    let asked = match options {
        _ if driver.capabilities().cloud_init => return Ok(()),
        _ if options.cloud_init.is_some() => "--cloud-init",
        _ if options.expires.is_some() => "--ttl",
        _ => return Ok(()),
    };
    let message = format!("driver `{}` does not boot through cloud-init", request.driver);
    Err(Error::new(ErrorKind::Flags, message).hint(format!("leave out `{asked}`")))
}

/// Where the certificates of a machine of this store are, as docker-machine records it.
pub(super) fn auth_options(engine: &Engine, name: &str, sans: Vec<String>) -> AuthOptions {
    let dir = engine.store.machine_dir(name);
    let certs = &engine.certs;
    let text = |path: &PathBuf| path.display().to_string();
    AuthOptions {
        cert_dir: text(&engine.store.certs_dir()),
        ca_cert_path: text(&certs.ca_cert),
        ca_private_key_path: text(&certs.ca_key),
        server_cert_path: text(&dir.join("server.pem")),
        server_key_path: text(&dir.join("server-key.pem")),
        client_key_path: text(&certs.client_key),
        client_cert_path: text(&certs.client_cert),
        server_cert_sans: sans,
        store_path: text(&dir),
        ..AuthOptions::default()
    }
}

fn failed(step: Step, error: Error) -> CreateError {
    CreateError { step: Some(step), error, kept: true }
}

impl Step {
    pub fn word(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::PreCheck => "pre-check",
            Self::Image => "image",
            Self::Certificates => "certificates",
            Self::Resources => "resources",
            Self::Ssh => "ssh",
            Self::Provision => "provision",
            Self::Engine => "engine",
            Self::Verify => "verify",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
