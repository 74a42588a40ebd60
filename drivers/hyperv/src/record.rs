use std::net::Ipv4Addr;
use std::path::PathBuf;

use machine_driver::{BaseRecord, Context};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The `Driver` object of `config.json`: docker-machine's keys in its order, then our own.
///
/// 0 and empty text stand for what is not known yet or was not asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    #[serde(rename = "Boot2DockerURL")]
    pub(crate) boot2docker_url: String,
    /// The one asked for, and from the first start the one in use.
    #[serde(rename = "VSwitch")]
    pub(crate) virtual_switch: String,
    /// In MiB.
    pub(crate) disk_size: u32,
    /// In MiB; with dynamic memory, the most that the machine gets.
    pub(crate) mem_size: u32,
    #[serde(rename = "CPU")]
    pub(crate) cpus: u32,
    /// Twelve hexadecimal digits. Empty: Hyper-V gives it one.
    pub(crate) mac_addr: String,
    #[serde(rename = "VLanID")]
    pub(crate) vlan: u32,
    pub(crate) disable_dynamic_memory: bool,

    /// Of the virtual machine: names are not unique. Empty in docker-machine's records.
    #[serde(rename = "VMID")]
    pub(crate) vm_id: String,
    /// 0 in docker-machine's records.
    pub(crate) generation: u8,
    pub(crate) nested_virtualization: bool,
    /// Of the network of our own that the machine is on, for example `192.168.77.0/24`.
    pub(crate) nat_subnet: String,
    /// Its address there.
    #[serde(rename = "NatIP")]
    pub(crate) nat_ip: Option<Ipv4Addr>,
    /// Where its disk and image lie, as Windows calls it, if not in its own directory: one in WSL.
    pub(crate) windows_directory: String,
    pub(crate) image_version: String,
    /// The disk is whole. It may have been used from then on and is never made again.
    pub(crate) disk_ready: bool,
    /// When this computer was switched on, in seconds since 1970, as the address was recorded.
    pub(crate) address_since: u64,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(cx: &Context) -> Self {
        let base = BaseRecord {
            ssh_user: "docker".to_owned(),
            ssh_port: 22,
            ssh_key_path: cx.machine_dir.join("id_rsa").display().to_string(),
            ..BaseRecord::of(cx)
        };
        Self { base, generation: 1, ..Self::default() }
    }

    /// The machine's SSH key. docker-machine left the path open where it was the usual one.
    pub(crate) fn ssh_key(&self) -> PathBuf {
        let BaseRecord { ssh_key_path, store_path, machine_name, .. } = &self.base;
        match ssh_key_path.as_str() {
            "" => PathBuf::from(store_path).join("machines").join(machine_name).join("id_rsa"),
            path => PathBuf::from(path),
        }
    }

    pub(crate) fn dynamic_memory(&self) -> bool {
        !self.disable_dynamic_memory && !self.nested_virtualization
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn docker_machines_keys_come_first_and_unknown_ones_survive() {
        let mut value = serde_json::to_value(Record::default()).unwrap();
        let keys: Vec<&str> =
            value.as_object().unwrap().keys().skip(9).take(8).map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "Boot2DockerURL",
                "VSwitch",
                "DiskSize",
                "MemSize",
                "CPU",
                "MacAddr",
                "VLanID",
                "DisableDynamicMemory"
            ]
        );
        value["Later"] = json!({"a": [1]});
        let read: Record = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), value);
    }

    #[test]
    fn an_open_key_path_is_the_usual_one() {
        let record: Record =
            serde_json::from_value(json!({"MachineName": "m", "StorePath": "/s"})).unwrap();
        assert_eq!(record.ssh_key(), PathBuf::from("/s/machines/m/id_rsa"));
    }
}
