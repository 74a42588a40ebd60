//! What `showvminfo --machinereadable` says of one machine.

use std::collections::BTreeMap;

use machine_driver::{Result, State};

use crate::manage::Manage;
use crate::state;

/// The lines `key="value"`, `"key"="value"` and `key=value`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Info {
    values: BTreeMap<String, String>,
    /// VirtualBox only knows that the machine was there: its settings are gone or broken.
    pub(crate) is_inaccessible: bool,
}

/// Asks VirtualBox. [`machine_driver::ErrorKind::NotFound`] if it does not know the machine.
pub(crate) async fn info(manage: &Manage, id: &str) -> Result<Info> {
    match manage.run(&["showvminfo", id, "--machinereadable"]).await {
        Err(error) if error.one_line().contains("functionality is limited") => {
            Ok(Info { is_inaccessible: true, ..Info::default() })
        }
        answer => Ok(Info::parse(&answer?)),
    }
}

impl Info {
    fn parse(text: &str) -> Self {
        let pair = |line: &str| {
            let (key, value) = line.split_once('=')?;
            let bare = |text: &str| text.trim().trim_matches('"').to_owned();
            Some((bare(key), bare(value)))
        };
        Self { values: text.lines().filter_map(pair).collect(), is_inaccessible: false }
    }

    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The state, or `Error` for a machine whose settings cannot be read.
    pub(crate) fn state(&self) -> State {
        match self.value("VMState") {
            Some(word) => state::from_key(word),
            None if self.is_inaccessible => State::Error,
            None => State::None,
        }
    }

    /// Name and MAC address of the first host-only interface or network.
    pub(crate) fn host_only(&self) -> Option<(&str, &str)> {
        (1..=36).find_map(|number| {
            let name = self
                .value(&format!("hostonlyadapter{number}"))
                .or_else(|| self.value(&format!("hostonly-network{number}")))?;
            Some((name, self.value(&format!("macaddress{number}"))?))
        })
    }

    /// The rules of the NAT interface: name, and `tcp,127.0.0.1,49203,,22`.
    pub(crate) fn rules(&self) -> BTreeMap<&str, &str> {
        let rules = self.values.iter().filter(|(key, _)| key.starts_with("Forwarding("));
        rules.filter_map(|(_, rule)| rule.split_once(',')).collect()
    }

    pub(crate) fn has_storage(&self, controller: &str) -> bool {
        self.values
            .iter()
            .any(|(key, value)| key.starts_with("storagecontrollername") && value == controller)
    }

    pub(crate) fn shares(&self, name: &str) -> bool {
        self.values.iter().any(|(key, value)| key.starts_with("SharedFolderName") && value == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_lines() {
        let info = Info::parse(
            "WARNING: The character device /dev/vboxdrv does not exist.\n\nname=\"m1\"\nmemory=1024\n\
             VMState=\"poweroff\"\nstoragecontrollername0=\"SATA\"\n\"SATA-1-0\"=\"/a=b/disk.vmdk\"\n\
             Forwarding(0)=\"ssh,tcp,127.0.0.1,49203,,22\"\nhostonlyadapter2=\"vboxnet0\"\n\
             macaddress2=\"080027C229F8\"\nSharedFolderNameMachineMapping1=\"hosthome\"\n rec_screen0\n",
        );
        assert_eq!(info.state(), State::Stopped);
        assert_eq!(info.value("SATA-1-0"), Some("/a=b/disk.vmdk"));
        assert_eq!(info.rules(), [("ssh", "tcp,127.0.0.1,49203,,22")].into());
        assert_eq!(info.host_only(), Some(("vboxnet0", "080027C229F8")));
        assert!(info.has_storage("SATA") && !info.has_storage("IDE"));
        assert!(info.shares("hosthome") && !info.shares("Users"));
    }
}
