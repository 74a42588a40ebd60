use std::net::Ipv4Addr;

use machine_driver::{BaseRecord, Context, Forward};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::accelerator::Accelerator;
use crate::process_id::ProcessId;

/// The `Driver` object of `config.json`: docker-machine's base keys, then our own.
///
/// 0 and empty text stand for what is not known yet or was not asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Record {
    /// `SSHPort` is the port on this computer that leads to the guest's port 22.
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    #[serde(rename = "CPU")]
    pub(crate) cpus: u32,
    /// In MiB.
    pub(crate) memory: u32,
    /// In MiB, as docker-machine's VirtualBox driver counts its megabytes.
    pub(crate) disk_size: u32,
    /// The one asked for.
    pub(crate) accelerator: Accelerator,
    /// Whether it may be made from a template.
    pub(crate) warm: Warm,
    /// The one used at the last start.
    pub(crate) accelerator_used: Option<Accelerator>,
    /// The QEMU program asked for; empty for the one on the search path.
    pub(crate) program: String,
    #[serde(rename = "Boot2DockerURL")]
    pub(crate) boot2docker_url: String,
    /// The port on this computer that leads to the Docker Engine.
    pub(crate) engine_port: u16,
    /// The user's port forwards.
    pub(crate) forwards: Vec<Forward>,
    /// The shared network that the machine is on.
    pub(crate) network: String,
    /// Its address there.
    #[serde(rename = "PrivateIP")]
    pub(crate) private_ip: Option<Ipv4Addr>,
    /// Of the interface on the shared network.
    #[serde(rename = "MAC")]
    pub(crate) mac: String,
    pub(crate) image_version: String,
    /// Of the guest's kernel. Without one the machine boots from the ISO as from a CD.
    pub(crate) kernel_command_line: Option<String>,
    /// The image that takes the place of that one. Its files are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_image: Option<NextImage>,
    /// The disk is whole. It may have been used from then on and is never made again.
    pub(crate) disk_ready: bool,
    /// It was started from a template and has perhaps not learnt yet who it is: what there is of it
    /// is made again.
    pub(crate) unborn: bool,
    /// It was imported under another name than its disk knows, so it is told its name at each boot.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) renamed: bool,
    /// QEMU, as last started.
    pub(crate) process: Option<ProcessId>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// What the record is to say of an image when its files are in their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NextImage {
    pub(crate) version: String,
    pub(crate) kernel_command_line: Option<String>,
}

/// Whether a machine may be made from a template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Warm {
    /// From one that fits, if there is one.
    #[default]
    Auto,
    Off,
}

impl Record {
    pub(crate) fn new(cx: &Context) -> Self {
        let base = BaseRecord {
            ip_address: "127.0.0.1".to_owned(),
            ssh_user: "docker".to_owned(),
            ssh_key_path: cx.machine_dir.join("id_rsa").display().to_string(),
            ..BaseRecord::of(cx)
        };
        Self { base, ..Self::default() }
    }

    /// The record of the same machine in another place: with no port, address or process yet.
    pub(crate) fn at_home(&self, cx: &Context) -> Self {
        let base = BaseRecord { ssh_user: self.base.ssh_user.clone(), ..Self::new(cx).base };
        let (mac, engine_port) = (String::new(), 0);
        Self { base, engine_port, mac, private_ip: None, process: None, ..self.clone() }
    }

    /// All ports of this computer that the machine uses, each with the guest's.
    pub(crate) fn all_forwards(&self) -> Vec<Forward> {
        let own =
            |host_port, guest_port| Forward { host: "127.0.0.1".to_owned(), host_port, guest_port };
        let mut all = vec![own(self.base.ssh_port, 22), own(self.engine_port, 2376)];
        // A template has no ports.
        all.retain(|forward| forward.host_port != 0);
        all.extend(self.forwards.iter().cloned());
        all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_in_docker_machines_order_and_unknown_ones_survive() {
        let record = Record {
            base: BaseRecord { machine_name: "lab1".into(), ..BaseRecord::default() },
            process: Some(ProcessId { pid: 7, start_time: "1".into(), boot_id: "b".into() }),
            private_ip: Some(Ipv4Addr::new(10, 201, 1, 2)),
            forwards: vec![Forward { host: "127.0.0.1".into(), host_port: 1, guest_port: 2 }],
            ..Record::default()
        };
        let mut value = serde_json::to_value(&record).unwrap();
        let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!((keys[0].as_str(), keys[9].as_str()), ("IPAddress", "CPU"));
        assert_eq!(value["Process"], json!({"PID": 7, "StartTime": "1", "BootID": "b"}));
        assert_eq!(value["PrivateIP"], "10.201.1.2");
        value["Later"] = json!({"a": [1]});
        let read: Record = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), value);
    }

    #[test]
    fn a_record_with_little_in_it_is_read() {
        let record: Record = serde_json::from_value(json!({"MachineName": "lab1"})).unwrap();
        assert_eq!(record.base.machine_name, "lab1");
        assert!(!record.disk_ready);
    }
}
