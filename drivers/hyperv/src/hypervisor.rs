//! What the machines of one run of this program share: PowerShell, and what it said of addresses.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use machine_driver::{Context, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::powershell::{Hello, PowerShell};
use crate::record::Record;
use crate::scripts::Script;

/// Questions that change nothing, and small changes.
pub(crate) const SHORT: Duration = Duration::from_secs(60);
/// Saving gigabytes of memory, or waiting for a guest's shutdown.
pub(crate) const LONG: Duration = Duration::from_secs(300);

#[derive(Debug, Default)]
pub(crate) struct Hypervisor {
    powershell: PowerShell,
    /// The addresses of running machines as last seen, by [`key`].
    seen: Mutex<BTreeMap<String, Ipv4Addr>>,
}

impl Hypervisor {
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        cx: &Context,
        script: Script,
        parameters: Value,
        deadline: Duration,
    ) -> Result<T> {
        self.powershell.ask(cx, script, parameters, deadline).await
    }

    pub(crate) async fn hello(&self, search_path: &std::ffi::OsStr) -> Result<Hello> {
        self.powershell.hello(search_path).await
    }

    /// Keeps what was seen, for the machine's endpoint.
    pub(crate) fn saw(&self, record: &Record, address: Option<Ipv4Addr>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(address) = address {
            seen.insert(key(record), address);
        }
    }

    pub(crate) fn seen(&self, record: &Record) -> Option<Ipv4Addr> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&key(record)).copied()
    }
}

/// What Hyper-V knows a machine by.
fn key(record: &Record) -> String {
    match record.vm_id.as_str() {
        "" => record.base.machine_name.clone(),
        id => id.to_owned(),
    }
}

/// When this computer was switched on, in seconds since 1970. In WSL it is when that was: it is
/// started anew at least as often.
pub(crate) fn switched_on() -> u64 {
    sysinfo::System::boot_time()
}

/// Whether two such times are of one boot: the clock may have been set in between.
pub(crate) fn is_one_boot(one: u64, other: u64) -> bool {
    one.abs_diff(other) < 60
}
