use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::vm::Vm;

/// Everything that is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) vms: Vec<Vm>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) dhcp: Vec<Dhcp>,
    pub(crate) extradata: BTreeMap<String, String>,
    /// The CDs that have been in a machine.
    pub(crate) dvds: Vec<String>,
    #[serde(skip)]
    alone: Option<File>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) mask: String,
    /// The addresses that its DHCP server has given away, by MAC address.
    pub(crate) leases: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Dhcp {
    pub(crate) network: String,
    pub(crate) server: String,
    pub(crate) mask: String,
    pub(crate) lower: String,
    pub(crate) upper: String,
    pub(crate) enabled: bool,
}

/// A new configuration has a server for an interface that is not there.
impl Default for Host {
    fn default() -> Self {
        let dhcp = Dhcp {
            network: "HostInterfaceNetworking-vboxnet0".into(),
            server: "192.168.56.100".into(),
            mask: "255.255.255.0".into(),
            lower: "192.168.56.101".into(),
            upper: "192.168.56.254".into(),
            enabled: true,
        };
        Self {
            vms: Vec::new(),
            interfaces: Vec::new(),
            dhcp: vec![dhcp],
            extradata: BTreeMap::new(),
            dvds: Vec::new(),
            alone: None,
        }
    }
}

pub(crate) fn home() -> PathBuf {
    PathBuf::from(std::env::var_os("VBOX_USER_HOME").expect("VBOX_USER_HOME names a directory"))
}

/// Writes a call down.
pub(crate) fn log(args: &[String]) {
    fs::create_dir_all(home()).ok();
    let mut line = serde_json::to_vec(args).expect("words are JSON");
    line.push(b'\n');
    let file = OpenOptions::new().create(true).append(true).open(home().join("calls.jsonl"));
    file.and_then(|mut file| file.write_all(&line)).expect("a call is written down");
}

impl Host {
    /// What is kept, to read.
    pub(crate) fn open() -> Self {
        let text = fs::read(home().join("host.json")).unwrap_or_default();
        if text.is_empty() {
            return Self::default();
        }
        let mut host: Self = serde_json::from_slice(&text).expect("it was written by this program");
        host.vms.iter_mut().for_each(Vm::look);
        host
    }

    /// To change, while nobody else does; `None` if somebody does. What machines say of themselves
    /// when they end is no call, and is waited for.
    pub(crate) fn open_alone() -> Option<Self> {
        let caller = lock("caller.lock");
        caller.try_lock().ok()?;
        let mut host = Self::quietly();
        // Held until the end of the process.
        std::mem::forget(caller);
        host.vms.iter_mut().for_each(Vm::look);
        Some(host)
    }

    /// To change, after waiting for whoever does now.
    pub(crate) fn quietly() -> Self {
        let file = lock("lock");
        let end = Instant::now() + Duration::from_secs(30);
        while file.try_lock().is_err() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        Self { alone: Some(file), ..Self::open() }
    }

    pub(crate) fn save(&self) {
        assert!(self.alone.is_some(), "only who is alone writes");
        let text = serde_json::to_vec_pretty(self).expect("plain data is JSON");
        let (new, path) = (home().join("host.json.new"), home().join("host.json"));
        fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).expect("the host is saved");
    }

    pub(crate) fn vm(&self, id: &str) -> Option<&Vm> {
        self.vms.iter().find(|vm| vm.uuid == id || vm.name == id)
    }

    pub(crate) fn vm_mut(&mut self, id: &str) -> Option<&mut Vm> {
        self.vms.iter_mut().find(|vm| vm.uuid == id || vm.name == id)
    }
}

fn lock(name: &str) -> File {
    fs::create_dir_all(home()).ok();
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options.open(home().join(name)).expect("the lock can be opened")
}
