use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use machine_driver::{Error, Result, file};
use serde::{Deserialize, Serialize};

use super::Spec;

/// That a machine belongs to a lab, and what was asked of it: `lab.json` in its directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Membership {
    pub version: u32,
    pub lab: String,
    /// The file that last asked for it.
    pub file: PathBuf,
    /// Secrets are hashes in it.
    pub spec: Spec,
    /// Of the files and commands that were put on it and run there, when that came to its end; see
    /// [`super::ready`].
    #[serde(default)]
    pub prepared: Option<String>,
}

const FILE: &str = "lab.json";

/// The form of the file.
const VERSION: u32 = 1;

impl Membership {
    pub fn new(lab: &str, file: &Path, spec: Spec) -> Self {
        let (lab, file) = (lab.to_owned(), file.to_owned());
        Self { version: VERSION, lab, file, spec, prepared: None }
    }

    /// `None` for a machine of no lab.
    pub fn load(machine_dir: &Path) -> Result<Option<Self>> {
        let path = machine_dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Error::from(error).context(format!("cannot read `{}`", path.display())));
            }
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::other(format!("`{}` cannot be read", path.display()))
                .caused_by(error)
                .hint("delete it: the machine then belongs to no lab, and `machine up --adopt` takes it in again")
        })
    }

    pub fn save(&self, machine_dir: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("a membership is plain data");
        Ok(file::write_atomic(&machine_dir.join(FILE), &text, 0o600)?)
    }
}
