use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The variables and the home directory of whoever called, as a value. Drivers look here for what
/// references to secrets name and for their vendors' own configuration, never in the process.
#[derive(Clone, Default)]
pub struct Environment {
    variables: Arc<BTreeMap<String, String>>,
    pub home: Option<PathBuf>,
    /// Where the caller is, for files that vendors look for there.
    pub directory: Option<PathBuf>,
}

impl Environment {
    pub fn new(variables: BTreeMap<String, String>, home: Option<PathBuf>) -> Self {
        Self { variables: Arc::new(variables), home, directory: None }
    }

    /// The value of a variable; empty counts as unset.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Variables hold secrets: only their number is told.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.len())
            .field("home", &self.home)
            .field("directory", &self.directory)
            .finish()
    }
}
