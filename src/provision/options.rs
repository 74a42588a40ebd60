use std::fs;
use std::io;
use std::path::Path;

use machine_driver::{Error, Policy, Result, file};
use serde::{Deserialize, Serialize};

/// What the user wants to be done with a host, beside what docker-machine has keys for. Kept in
/// the machine's directory, so that `provision` does the same again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    pub install: Install,
    /// `28`, `28.3`, `latest`; `None`: whatever is there or comes.
    pub engine_version: Option<String>,
    /// Give the host the machine's name.
    pub set_hostname: bool,
    /// Bring all packages of the host up to date first.
    pub upgrade_packages: bool,
    /// Do what docker-machine did: name the host, and update Red Hat's packages.
    pub as_docker_machine: bool,
    /// The user's own file for cloud-init.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_init: Option<String>,
    /// When the guest is to switch itself off: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// See [`Policy::open_to`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open_to: Vec<String>,
}

/// Where the Engine comes from on a host that has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Install {
    /// The script of `--engine-install-url`; the distribution's package where Docker's own script
    /// does not know the system or cannot be had.
    #[default]
    Auto,
    Script,
    Package,
    /// It must be there.
    None,
}

const FILE: &str = "provision.json";

impl Options {
    /// The options with which a machine was made; the defaults for one that has none.
    pub fn load(machine_dir: &Path) -> Result<Self> {
        let path = machine_dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(Error::from(error).context(format!("cannot read `{}`", path.display())));
            }
        };
        serde_json::from_slice(&text).map_err(|error| {
            Error::other(format!("`{}` cannot be read", path.display()))
                .caused_by(error)
                .hint("remove it: provisioning then follows the defaults")
        })
    }

    /// What holds for a `create` that is carried on: its secrets are recorded already.
    pub fn policy(&self) -> Policy {
        Policy {
            open_to: self.open_to.clone(),
            open_to_world: self.as_docker_machine,
            store_secrets: false,
        }
    }

    /// Whether all packages of this host are brought up to date.
    pub(super) fn upgrades(&self, survey: &super::survey::Survey) -> bool {
        self.upgrade_packages || (self.as_docker_machine && survey.family.name == "redhat")
    }

    /// Writes them, unless they are the defaults.
    pub fn save(&self, machine_dir: &Path) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(self).expect("options are plain data");
        Ok(file::write_atomic(&machine_dir.join(FILE), &text, 0o600)?)
    }
}

impl std::str::FromStr for Install {
    type Err = String;

    fn from_str(word: &str) -> std::result::Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "script" => Ok(Self::Script),
            "package" => Ok(Self::Package),
            "none" => Ok(Self::None),
            _ => Err("expected auto, script, package or none".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_and_defaults_leave_no_file() {
        let dir = tempfile::tempdir().unwrap();
        Options::default().save(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(Options::load(dir.path()).unwrap(), Options::default());
        let options = Options {
            install: Install::Package,
            engine_version: Some("28".into()),
            ..Options::default()
        };
        options.save(dir.path()).unwrap();
        assert_eq!(Options::load(dir.path()).unwrap(), options);
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Options::load(dir.path()).is_err());
    }
}
