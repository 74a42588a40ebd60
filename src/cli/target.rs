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
}

impl Targets {
    /// The names, each of which exists.
    pub(super) fn resolve(self, session: &Session) -> Result<Vec<String>, CliError> {
        let names = if self.names.is_empty() { vec![default(session)?] } else { self.names };
        for name in &names {
            check(session, name)?;
        }
        Ok(names)
    }
}

impl Target {
    pub(super) fn resolve(&self, session: &Session) -> Result<String, CliError> {
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
    Err(CliError::new("No machine name(s) specified and no \"default\" machine exists")
        .hint("`machine ls` lists the machines"))
}

/// An error for a machine that does not exist, with the nearest name.
pub(super) fn check(session: &Session, name: &str) -> Result<(), CliError> {
    let store = &session.engine.store;
    crate::store::check_name(name)?;
    if store.exists(name) {
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
