//! State and address of machines: one question for all of them.

use std::net::Ipv4Addr;

use machine_driver::{Context, Result, State};
use serde::Deserialize;
use serde_json::json;

use crate::hypervisor::{Hypervisor, SHORT};
use crate::record::Record;
use crate::scripts::STATES;

#[derive(Debug, Deserialize)]
struct Answer {
    machines: Vec<Found>,
}

/// What Hyper-V says of a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Found {
    id: String,
    name: String,
    state: String,
    /// The addresses that the guest itself has told.
    #[serde(default)]
    told: Vec<String>,
    /// Those at which this computer has met the machine's MAC address.
    #[serde(default)]
    seen: Vec<String>,
}

/// Looks at all of these machines at once. `None` for one that Hyper-V does not know. What was seen
/// of addresses is kept for [`machine_driver::Driver::endpoint`].
pub(crate) async fn look(
    hypervisor: &Hypervisor,
    cx: &Context,
    records: &[&Record],
) -> Result<Vec<Option<Found>>> {
    let (mut ids, mut names) = (Vec::new(), Vec::new());
    for record in records {
        match record.vm_id.as_str() {
            "" => names.push(&record.base.machine_name),
            id => ids.push(id),
        }
    }
    let parameters = json!({ "Ids": ids, "Names": names });
    let answer: Answer = hypervisor.ask(cx, STATES, parameters, SHORT).await?;
    let found = records.iter().map(|record| {
        let found = answer.machines.iter().find(|found| found.is(record)).cloned();
        hypervisor.saw(record, found.as_ref().and_then(Found::address));
        found
    });
    Ok(found.collect())
}

/// Looks at one machine.
pub(crate) async fn look_at(
    hypervisor: &Hypervisor,
    cx: &Context,
    record: &Record,
) -> Result<Option<Found>> {
    Ok(look(hypervisor, cx, &[record]).await?.pop().flatten())
}

impl Found {
    fn is(&self, record: &Record) -> bool {
        match record.vm_id.as_str() {
            "" => self.name == record.base.machine_name,
            id => self.id.eq_ignore_ascii_case(id),
        }
    }

    /// Hyper-V's own word.
    pub(crate) fn word(&self) -> &str {
        &self.state
    }

    /// The words are those of `Microsoft.HyperV.PowerShell.VMState`.
    pub(crate) fn state(&self) -> State {
        match self.state.as_str() {
            "Running" => State::Running,
            "Off" => State::Stopped,
            "Paused" => State::Paused,
            "Saved" | "FastSaved" | "Hibernated" => State::Saved,
            "Starting" | "Resuming" | "Reset" => State::Starting,
            "Stopping" | "Saving" | "FastSaving" | "Pausing" | "ForceShutdown" | "ForceReboot" => {
                State::Stopping
            }
            // `RunningCritical` and so on: its files cannot be reached.
            _ => State::Error,
        }
    }

    /// The guest's own word comes first: a neighbour's may be of yesterday.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        let usable = |address: &Ipv4Addr| !address.is_link_local() && !address.is_unspecified();
        let addresses = self.told.iter().chain(&self.seen);
        addresses.filter_map(|text| text.parse().ok()).find(usable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(state: &str, told: &[&str], seen: &[&str]) -> Found {
        let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Found {
            id: "5F3C".into(),
            name: "lab1".into(),
            state: state.into(),
            told: all(told),
            seen: all(seen),
        }
    }

    #[test]
    fn the_address_is_the_guests_own_and_of_use() {
        let told = ["fe80::215:5dff:fe01:2300", "169.254.3.4", "172.17.80.5"];
        let address = |told: &[&str], seen: &[&str]| found("Running", told, seen).address();
        assert_eq!(address(&told, &["172.17.80.9"]), Some(Ipv4Addr::new(172, 17, 80, 5)));
        assert_eq!(address(&[], &["172.17.80.9"]), Some(Ipv4Addr::new(172, 17, 80, 9)));
        assert_eq!(address(&["fe80::1"], &[]), None);
    }

    #[test]
    fn states_in_our_words() {
        let state = |word| found(word, &[], &[]).state();
        assert_eq!(state("Off"), State::Stopped);
        assert_eq!(state("Saved"), State::Saved);
        assert_eq!(state("RunningCritical"), State::Error);
    }

    #[test]
    fn an_id_counts_before_a_name() {
        let mut record = Record::default();
        record.base.machine_name = "lab1".into();
        assert!(found("Off", &[], &[]).is(&record));
        record.vm_id = "5f3c".into();
        assert!(found("Off", &[], &[]).is(&record));
        record.vm_id = "0000".into();
        assert!(!found("Off", &[], &[]).is(&record));
    }
}
