//! The lab file that `plan`, `up` and `down` work on.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use machine_driver::{FlagValues, Kind};

use super::driver_flags;
use super::error::CliError;
use super::session::Session;
use crate::lab::{self, Lab, Plan, Source};

#[derive(Debug, clap::Args)]
pub(super) struct FileArg {
    /// The lab file [default: lab.yaml, also in a directory above]
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// How many machines are worked on at the same time where nobody says: what waits for a cloud costs
/// nothing here, and what boots here is bounded by the memory.
pub(super) fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(4, NonZero::get).max(8)
}

/// A lab file that was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    text: String,
    driver: String,
}

impl FileArg {
    /// Looks for the file as tools for projects do: here, then above.
    pub(super) fn find(&self, session: &Session) -> Result<Found, CliError> {
        let here = std::env::current_dir()?;
        let path = match &self.file {
            Some(path) => here.join(path),
            None => above(&here).ok_or_else(|| {
                CliError::new("there is no lab.yaml here, or in a directory above")
                    .hint("machine lab init")
            })?,
        };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            CliError::from(error).context(format!("cannot read `{}`", path.display()))
        })?;
        let environment = &session.environment;
        let driver = environment.var("MACHINE_DRIVER").map(str::to_owned);
        let driver = driver.unwrap_or_else(|| environment.manner.default_driver().to_owned());
        Ok(Found { path, text, driver })
    }
}

fn above(here: &Path) -> Option<PathBuf> {
    let names = ["lab.yaml", "lab.yml"];
    let mut paths = here.ancestors().flat_map(|dir| names.map(|name| dir.join(name)));
    paths.find(|path| path.is_file())
}

impl Found {
    fn with_source<T>(&self, session: &Session, use_it: impl FnOnce(&Source<'_>) -> T) -> T {
        let variables = |name: &str| session.environment.var(name).map(str::to_owned);
        use_it(&Source {
            text: &self.text,
            path: &self.path,
            driver: &self.driver,
            variables: &variables,
        })
    }

    /// What the file asks for, of `names` if there are any.
    pub(super) fn lab(&self, names: &[String], session: &Session) -> Result<Lab, CliError> {
        let registry = &session.engine.registry;
        let lab = self.with_source(session, |source| lab::read(source, registry));
        let lab = lab.map_err(|error| CliError::from(error).code(super::exit::USAGE))?;
        for name in names {
            if !lab.machines.iter().any(|spec| spec.name == *name) {
                let near = lab.machines.iter().map(|spec| spec.name.as_str());
                let near = crate::output::suggest::nearest(name, near);
                let error = CliError::usage(format!("there is no machine `{name}` in the lab"));
                return Err(match near {
                    Some(near) => error.hint(format!("there is `{near}`")),
                    None => error.hint("machine plan"),
                });
            }
        }
        Ok(lab)
    }

    /// The lab's name, also if the rest of the file is wrong.
    pub(super) fn name(&self, session: &Session) -> Result<String, CliError> {
        Ok(self.with_source(session, lab::lab_name)?)
    }
}

/// The plan for a file. Of `names` alone if there are any: the others stay as they are.
pub(super) async fn plan(
    found: &Found,
    names: &[String],
    session: &Session,
) -> Result<Plan, CliError> {
    let lab = found.lab(names, session)?;
    let given = Given::of(&lab, session)?;
    let mut plan = lab::plan(&session.engine, lab, &|kind| given.values(kind)).await?;
    if !names.is_empty() {
        plan.steps.retain(|step| names.contains(&step.name));
    }
    Ok(plan)
}

/// What the environment says of the drivers of a lab.
pub(super) struct Given {
    drivers: BTreeMap<String, FlagValues>,
}

impl Given {
    pub(super) fn of(lab: &Lab, session: &Session) -> Result<Self, CliError> {
        let mut drivers = BTreeMap::new();
        for spec in &lab.machines {
            if !drivers.contains_key(&spec.driver) {
                let kind = session.engine.registry.find(&spec.driver)?;
                let values = driver_flags::from_variables(kind, &session.environment)?;
                drivers.insert(spec.driver.clone(), values);
            }
        }
        Ok(Self { drivers })
    }

    pub(super) fn values(&self, kind: &dyn Kind) -> FlagValues {
        let known = self.drivers.get(kind.name()).cloned();
        known.unwrap_or_else(|| FlagValues::defaults(&kind.flags()))
    }
}
