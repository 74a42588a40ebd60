use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Vm {
    pub(crate) name: String,
    pub(crate) uuid: String,
    /// Where its settings are: a directory of its own below the base folder.
    pub(crate) dir: PathBuf,
    /// Options of `modifyvm` without dashes, as they were last given.
    pub(crate) options: BTreeMap<String, String>,
    /// `ssh,tcp,127.0.0.1,49203,,22`
    pub(crate) rules: Vec<String>,
    pub(crate) controller: Option<String>,
    /// By port: kind, path and UUID.
    pub(crate) media: BTreeMap<u32, (String, String, String)>,
    pub(crate) shares: Vec<(String, String)>,
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) extradata: BTreeMap<String, String>,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) snapshots: Vec<Snapshot>,
    /// The process that looks after the machine's QEMU.
    pub(crate) keeper: Option<u32>,
}

/// What a machine was; its disk is not kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) name: String,
    pub(crate) uuid: String,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) rules: Vec<String>,
    pub(crate) had_memory: bool,
}

impl Vm {
    pub(crate) fn option<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.options.get(name).map_or(default, String::as_str)
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.dir.join(format!("{}.vbox", self.name))
    }

    pub(crate) fn is_accessible(&self) -> bool {
        self.settings().exists()
    }

    pub(crate) fn saved(&self) -> PathBuf {
        self.dir.join("Snapshots").join("saved.sav")
    }

    pub(crate) fn is_on(&self) -> bool {
        ["starting", "running", "paused", "stopping", "saving"].contains(&self.state.as_str())
    }

    /// A machine whose process is gone without a word has been cut off.
    pub(crate) fn look(&mut self) {
        let alive = |pid: u32| Path::new(&format!("/proc/{pid}")).exists();
        if self.is_on() && !self.keeper.is_some_and(alive) && !pretends() {
            "aborted".clone_into(&mut self.state);
        }
    }

    /// Number and settings of the interfaces that are there.
    pub(crate) fn interfaces(&self) -> impl Iterator<Item = (u32, &str)> {
        (1..=8).filter_map(|number| {
            let kind = self.option(&format!("nic{number}"), "none");
            (kind != "none").then_some((number, kind))
        })
    }
}

pub(crate) fn pretends() -> bool {
    std::env::var("STANDIN_START").is_ok_and(|word| word == "pretend")
}
