//! The objects of a Windows with Hyper-V, in a file.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Failure;

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Host {
    pub(crate) facts: Facts,
    /// The first three numbers of the addresses on the Default Switch: another loopback network after
    /// each start of Windows, if a test says so.
    pub(crate) subnet: String,
    /// Whether guests tell their addresses; otherwise only their neighbours know them.
    pub(crate) integration: bool,
    /// Where the drive C: is, if paths are to be Windows' own, as in a WSL.
    pub(crate) drive_c: Option<PathBuf>,
    pub(crate) switches: Vec<Switch>,
    pub(crate) nats: Vec<Nat>,
    pub(crate) machines: Vec<Machine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) module: bool,
    pub(crate) elevated: bool,
    pub(crate) hyperv_administrator: bool,
    pub(crate) hypervisor: bool,
    pub(crate) service: Option<String>,
    pub(crate) refused: Option<String>,
    pub(crate) free_memory: u64,
    pub(crate) processors: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Switch {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// Address translation for the network behind a switch, with this computer's address there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Nat {
    pub(crate) name: String,
    pub(crate) subnet: String,
    pub(crate) gateway: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) generation: u8,
    pub(crate) switch: String,
    pub(crate) state: State,
    pub(crate) memory_mb: u64,
    pub(crate) processors: u32,
    pub(crate) dynamic_memory: bool,
    pub(crate) nested: bool,
    pub(crate) mac: String,
    pub(crate) vlan: u32,
    pub(crate) image: Option<PathBuf>,
    pub(crate) disk: Option<PathBuf>,
    pub(crate) secure_boot: bool,
    pub(crate) checkpoints: bool,
    /// At which its ports are to be reached while it runs.
    pub(crate) address: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    #[default]
    Off,
    Running,
    Paused,
    Saved,
    OffCritical,
    PausedCritical,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            facts: Facts::default(),
            subnet: "127.88.0".to_owned(),
            integration: true,
            drive_c: None,
            switches: vec![Switch {
                id: "c08cb7b8-9b3c-408e-8e30-5e16a3aeb444".to_owned(),
                name: "Default Switch".to_owned(),
                kind: "Internal".to_owned(),
            }],
            nats: Vec::new(),
            machines: Vec::new(),
        }
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            module: true,
            elevated: false,
            hyperv_administrator: true,
            hypervisor: true,
            service: Some("Running".to_owned()),
            refused: None,
            free_memory: 8 << 30,
            processors: 8,
        }
    }
}

/// Whether the user is in neither of the groups that may use Hyper-V.
pub(crate) fn has_no_rights(dir: &Path) -> bool {
    with(dir, |host| Ok(!host.facts.elevated && !host.facts.hyperv_administrator)).unwrap_or(false)
}

/// Reads the host, lets `change` at it, and writes it back, while nobody else does.
pub(crate) fn with<T>(
    dir: &Path,
    change: impl FnOnce(&mut Host) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(dir.join("lock"))?;
    File::lock(&lock)?;
    let path = dir.join("host.json");
    let mut host = match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).expect("host.json is a host"),
        Err(_) => Host::default(),
    };
    let done = change(&mut host);
    std::fs::write(&path, serde_json::to_vec_pretty(&host).expect("plain data"))?;
    done
}

impl Host {
    /// `Find-Machine` of `session.ps1`.
    pub(crate) fn find(
        &mut self,
        id: &str,
        name: &str,
        directory: &str,
    ) -> Result<Option<&mut Machine>, Failure> {
        let is_meant = |machine: &Machine| match id {
            "" => {
                let inside = machine.path.starts_with(&format!("{directory}\\"));
                machine.name == name && (directory.is_empty() || inside)
            }
            id => machine.id.eq_ignore_ascii_case(id),
        };
        if self.machines.iter().filter(|machine| is_meant(machine)).count() > 1 {
            return Err(Failure::new("StandIn", format!("several machines are named {name}")));
        }
        Ok(self.machines.iter_mut().find(|machine| is_meant(machine)))
    }

    /// What only an administrator may do: the cmdlets for networks, unlike those of Hyper-V.
    pub(crate) fn elevated(&self, cmdlet: &str) -> Result<(), Failure> {
        match self.facts.elevated {
            true => Ok(()),
            false => Err(crate::messages::only_elevated(cmdlet)),
        }
    }

    pub(crate) fn nat_of(&self, switch: &str) -> Option<&Nat> {
        self.nats.iter().find(|nat| nat.name == switch)
    }
}
