use std::net::Ipv4Addr;

use machine_driver::{BaseRecord, Context, Forward};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::snapshots::Saved;

/// The `Driver` object of `config.json`: docker-machine's keys, then our own, which stand there only
/// where they say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Record {
    /// `SSHPort` is the port of 127.0.0.1 that leads to the guest's port 22.
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    /// Always empty: traces of two Go interfaces.
    #[serde(rename = "VBoxManager")]
    pub(crate) manager: Map<String, Value>,
    pub(crate) host_interfaces: Map<String, Value>,
    /// Less than 1 stands for as many as this computer has.
    #[serde(rename = "CPU")]
    pub(crate) cpus: i64,
    /// In MiB, which VirtualBox calls MB.
    pub(crate) memory: i64,
    /// In MiB.
    pub(crate) disk_size: i64,
    pub(crate) nat_nic_type: String,
    #[serde(rename = "Boot2DockerURL")]
    pub(crate) boot2docker_url: String,
    /// The machine whose disk, memory and processors this one takes over.
    #[serde(rename = "Boot2DockerImportVM")]
    pub(crate) import_vm: String,
    #[serde(rename = "HostDNSResolver")]
    pub(crate) host_dns_resolver: bool,
    /// Address and prefix of this computer on the host-only network.
    #[serde(rename = "HostOnlyCIDR")]
    pub(crate) cidr: String,
    pub(crate) host_only_nic_type: String,
    pub(crate) host_only_promisc_mode: String,
    #[serde(rename = "UIType")]
    pub(crate) ui_type: String,
    #[serde(rename = "HostOnlyNoDHCP")]
    pub(crate) no_dhcp: bool,
    pub(crate) no_share: bool,
    #[serde(rename = "DNSProxy")]
    pub(crate) dns_proxy: bool,
    #[serde(rename = "NoVTXCheck")]
    pub(crate) no_vtx_check: bool,
    pub(crate) share_folder: String,

    /// How VirtualBox knows the machine, fixed before it is made. A machine of docker-machine has
    /// only its name.
    #[serde(rename = "UUID", skip_serializing_if = "String::is_empty")]
    pub(crate) uuid: String,
    #[serde(skip_serializing_if = "Network::is_host_only")]
    pub(crate) network: Network,
    /// The user asked for the host-only network by its address: it is not moved.
    #[serde(rename = "HostOnlyCIDRGiven", skip_serializing_if = "is_false")]
    pub(crate) cidr_given: bool,
    /// The host-only interfaces that there were before one more was asked for. Present while it is not
    /// known what became of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host_only_before: Option<Vec<String>>,
    /// The host-only interface, or network on Apple silicon, that the machine is on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) host_only_adapter: String,
    /// Of the second interface: twelve upper-case hexadecimal digits.
    #[serde(rename = "MAC", skip_serializing_if = "String::is_empty")]
    pub(crate) mac: String,
    /// The port of 127.0.0.1 that leads to the Engine, with [`Network::Nat`].
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) engine_port: u16,
    /// The user's port forwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) forwards: Vec<Forward>,
    /// The network on which machines without a host-only one reach each other.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) internal_network: String,
    /// The machine's address there.
    #[serde(rename = "PrivateIP", skip_serializing_if = "Option::is_none")]
    pub(crate) private_ip: Option<Ipv4Addr>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) image_version: String,
    /// The disk is whole. It may have been used from then on and is never made again.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) disk_ready: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) host_loopback_reachable: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) no_accelerate3d_off: bool,
    /// Those that we have made, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) snapshots: Vec<Saved>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

/// How the machine is reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Network {
    /// At an address of its own on a network with this computer.
    #[default]
    HostOnly,
    /// Through ports of 127.0.0.1.
    Nat,
}

impl Network {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_host_only(&self) -> bool {
        *self == Self::HostOnly
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(port: &u16) -> bool {
    *port == 0
}

/// VirtualBox takes no more.
const MOST_CPUS: i64 = 32;

impl Record {
    pub(crate) fn new(cx: &Context) -> Self {
        let base = BaseRecord {
            ssh_user: "docker".to_owned(),
            ssh_key_path: cx.machine_dir.join("id_rsa").display().to_string(),
            ..BaseRecord::of(cx)
        };
        Self { base, ..Self::default() }
    }

    /// What VirtualBox is told of which machine is meant.
    pub(crate) fn id(&self) -> &str {
        if self.uuid.is_empty() { &self.base.machine_name } else { &self.uuid }
    }

    /// The number of CPUs on this computer, or fewer.
    pub(crate) fn cpus(&self) -> i64 {
        let here = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let wanted = match self.cpus {
            ..1 => i64::try_from(here()).unwrap_or(1),
            number => number,
        };
        wanted.min(MOST_CPUS)
    }

    /// All ports of 127.0.0.1 that the machine uses, with the name of each rule in VirtualBox.
    pub(crate) fn rules(&self) -> Vec<(String, Forward)> {
        let own =
            |host_port, guest_port| Forward { host: "127.0.0.1".to_owned(), host_port, guest_port };
        let mut rules = vec![("ssh".to_owned(), own(self.base.ssh_port, 22))];
        if self.network == Network::Nat {
            rules.push(("docker".to_owned(), own(self.engine_port, 2376)));
        }
        let named = |forward: &Forward| (rule_name(forward.host_port), forward.clone());
        rules.extend(self.forwards.iter().map(named));
        rules
    }
}

/// The name of the rule for a forward of the user's.
pub(crate) fn rule_name(host_port: u16) -> String {
    format!("machine-{host_port}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn docker_machines_keys_and_no_others_where_ours_say_nothing() {
        let record = Record::default();
        let value = serde_json::to_value(&record).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((keys[0], keys[9], keys[11]), ("IPAddress", "VBoxManager", "CPU"));
        assert_eq!(keys.len(), 27, "{keys:?}");
        let mut value = value;
        value["Later"] = json!({"a": [1]});
        let read: Record = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), value);
    }

    #[test]
    fn our_own_keys_survive() {
        let record = Record {
            uuid: "u".into(),
            network: Network::Nat,
            host_only_before: Some(vec!["vboxnet0".into()]),
            private_ip: Some(Ipv4Addr::new(10, 1, 2, 3)),
            engine_port: 7,
            disk_ready: true,
            ..Record::default()
        };
        let value = serde_json::to_value(&record).unwrap();
        assert_eq!(value["Network"], "nat");
        assert_eq!(serde_json::from_value::<Record>(value).unwrap(), record);
    }

    #[test]
    fn the_rules_name_the_engine_only_behind_nat() {
        let mut record = Record { engine_port: 4002, ..Record::default() };
        record.base.ssh_port = 4001;
        assert_eq!(record.rules().len(), 1);
        record.network = Network::Nat;
        record.forwards.push(Forward { host: "127.0.0.1".into(), host_port: 80, guest_port: 81 });
        let names: Vec<_> = record.rules().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ssh", "docker", "machine-80"]);
    }
}
