use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

use machine_driver::file::{create_dir, write_atomic};
use machine_driver::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::Script;

/// The fake cloud as it stands in its file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// How many resources were ever made; the last one's id ends in it.
    pub made: u32,
    /// How often the states of several machines were asked for in one question.
    pub asked_for_all: u32,
    /// What exists now: empty when nothing has leaked.
    pub resources: Vec<Resource>,
    /// Scripts by machine name; one that is here replaces the one from the flags of `create`.
    pub script: BTreeMap<String, Script>,
    /// How often each order was carried out, by `machine/verb/step`.
    pub spent: BTreeMap<String, u32>,
}

/// Something that costs money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// `key-1`, `disk-2`, `server-3`.
    pub id: String,
    /// The part of the id before the dash.
    pub kind: String,
    /// `store id/machine`: a tag, by which a resource is found whose id was never recorded.
    pub owner: String,
    /// A server's state, a word of [`machine_driver::State`]; empty for the others.
    pub state: String,
    /// A server's address, a loopback one; empty for the others.
    pub ip: String,
}

impl Cloud {
    /// Reads the file as it is; a missing file is an empty cloud.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = || format!("the cloud `{}` cannot be read", path.display());
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Error::other(failed()).caused_by(error)),
            Err(error) if error.kind() == NotFound => Ok(Self::default()),
            Err(error) => Err(Error::from(error).context(failed())),
        }
    }

    /// Changes the cloud in one step, alone among all processes.
    pub fn update<T>(path: &Path, change: impl FnOnce(&mut Self) -> T) -> Result<T> {
        let failed = |error| {
            Error::from(error).context(format!("the cloud `{}` cannot be written", path.display()))
        };
        if let Some(dir) = path.parent() {
            create_dir(dir).map_err(failed)?;
        }
        // The lock is a file of its own, for the cloud's own file is replaced by each write.
        let lock = File::create(lock_path(path)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut cloud = Self::read(path)?;
        let value = change(&mut cloud);
        let bytes = serde_json::to_vec_pretty(&cloud).expect("a cloud of text is JSON");
        write_atomic(path, &bytes, 0o600).map_err(failed)?;
        Ok(value)
    }

    /// Makes a resource, or finds the one of this kind that the owner has already.
    pub(crate) fn make(&mut self, kind: &str, owner: &str) -> Resource {
        let theirs = |it: &&Resource| it.kind == kind && it.owner == owner;
        if let Some(resource) = self.resources.iter().find(theirs) {
            return resource.clone();
        }
        self.made += 1;
        let server = kind == "server";
        let resource = Resource {
            id: format!("{kind}-{}", self.made),
            kind: kind.to_owned(),
            owner: owner.to_owned(),
            state: if server { "Running".to_owned() } else { String::new() },
            ip: if server { format!("127.0.0.{}", self.made % 254 + 1) } else { String::new() },
        };
        self.resources.push(resource.clone());
        resource
    }

    /// Deletes the resource with this id and all of this kind that bear the owner's tag. `false`
    /// if there was nothing to delete.
    pub(crate) fn delete(&mut self, kind: &str, id: &str, owner: &str) -> bool {
        let before = self.resources.len();
        self.resources.retain(|it| it.id != id && !(it.kind == kind && it.owner == owner));
        self.resources.len() < before
    }

    pub(crate) fn find(&mut self, id: &str) -> Option<&mut Resource> {
        self.resources.iter_mut().find(|it| it.id == id)
    }

    /// Counts one more turn of an order, and says whether it is to be carried out.
    pub(crate) fn spend(&mut self, order: &str, count: Option<u32>) -> bool {
        let spent = self.spent.entry(order.to_owned()).or_default();
        let due = count.is_none_or(|count| *spent < count);
        *spent += u32::from(due);
        due
    }

    /// Forgets the orders of a machine that is gone, for its name may come back.
    pub(crate) fn forget(&mut self, machine: &str) {
        let prefix = format!("{machine}/");
        self.spent.retain(|order, _| !order.starts_with(&prefix));
        self.script.remove(machine);
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
