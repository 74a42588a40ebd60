//! Which machines a command is about.

use super::error::CliError;
use super::session::Session;

/// Any number of machines; none stands for `default`.
#[derive(Debug, clap::Args)]
pub(super) struct Targets {
    /// Machines [default: default]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// One machine; none stands for `default`.
#[derive(Debug, clap::Args)]
pub(super) struct Target {
    /// Machine [default: default]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[arg(hide = true)]
    extra: Vec<String>,
}

impl Targets {
    /// The names, each of which exists. All that do not are reported.
    pub(super) fn resolve(self, session: &Session) -> Result<Vec<String>, CliError> {
        let names = if self.names.is_empty() { vec![default(session)?] } else { self.names };
        let unknown = names.iter().filter_map(|name| check(session, name).err());
        match CliError::all(unknown) {
            Some(error) => Err(error),
            None => Ok(names),
        }
    }
}

impl Target {
    pub(super) fn resolve(&self, session: &Session) -> Result<String, CliError> {
        if !self.extra.is_empty() {
            return Err(CliError::usage("Expected one machine name as an argument")
                .docker_machine_says("Error: Expected one machine name as an argument"));
        }
        self.first(session)
    }

    /// The first name; docker-machine's `config` passes over the others.
    pub(super) fn first(&self, session: &Session) -> Result<String, CliError> {
        match &self.name {
            Some(name) => {
                check(session, name)?;
                Ok(name.clone())
            }
            None => default(session),
        }
    }

    pub(super) fn is_given(&self) -> bool {
        self.name.is_some()
    }
}

/// docker-machine's rule: without a name, the machine called `default` if there is one.
pub(super) fn default(session: &Session) -> Result<String, CliError> {
    if session.engine.store.exists("default") {
        return Ok("default".to_owned());
    }
    let message = "No machine name(s) specified and no \"default\" machine exists";
    Err(CliError::new(message)
        .hint("`machine ls` lists the machines")
        .docker_machine_says(format!("Error: {message}")))
}

/// An error for a machine that does not exist, with the nearest name.
pub(super) fn check(session: &Session, name: &str) -> Result<(), CliError> {
    let store = &session.engine.store;
    if crate::store::is_directory_name(name) && store.exists(name) {
        return Ok(());
    }
    let error = crate::store::StoreError::Unknown { name: name.to_owned() };
    let names = store.names().unwrap_or_default();
    let near = crate::output::suggest::nearest(name, names.iter().map(String::as_str));
    let error = CliError::from(error);
    Err(match near {
        Some(near) => error.hint(format!("there is a machine `{near}`")),
        None => error,
    })
}
