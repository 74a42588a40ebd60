use std::time::SystemTime;

use machine_driver::{Result, State, Tags, tags};
use serde::{Deserialize, Serialize};

use crate::params::Params;
use crate::place::{POLL, Place};
use crate::xml::{Set, Tag};

/// What the driver reads of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instance {
    #[serde(rename = "instanceId")]
    pub(crate) id: String,
    #[serde(rename = "instanceState")]
    status: Status,
    #[serde(default)]
    state_reason: Option<Reason>,
    #[serde(default)]
    private_ip_address: String,
    /// The public one.
    #[serde(default)]
    ip_address: String,
    #[serde(default)]
    ipv6_address: String,
    #[serde(default, rename = "tagSet")]
    tags: Set<Tag>,
    #[serde(default, rename = "networkInterfaceSet")]
    interfaces: Set<Interface>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Status {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reason {
    #[serde(default)]
    message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Interface {
    #[serde(default, rename = "ipv6AddressesSet")]
    ipv6: Set<Ipv6>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ipv6 {
    ipv6_address: String,
}

/// The answer to a launch, and an item of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Reservation {
    #[serde(default, rename = "instancesSet")]
    pub(crate) instances: Set<Instance>,
}

#[derive(Debug, Deserialize)]
struct Reservations {
    #[serde(default, rename = "reservationSet")]
    reservations: Set<Reservation>,
}

impl Instance {
    /// An instance that is terminated is shown for about an hour: it is gone.
    pub(crate) fn state(&self) -> State {
        match self.status.name.as_str() {
            "pending" => State::Starting,
            "running" => State::Running,
            "stopping" | "shutting-down" => State::Stopping,
            "stopped" => State::Stopped,
            "terminated" => State::Missing,
            _ => State::Error,
        }
    }

    /// Whether it is terminated, or about to be.
    pub(crate) fn is_going(&self) -> bool {
        matches!(self.status.name.as_str(), "shutting-down" | "terminated")
    }

    /// Why it is in the state in which it is.
    pub(crate) fn reason(&self) -> &str {
        self.state_reason.as_ref().map_or("", |it| it.message.as_str())
    }

    pub(crate) fn private_v4(&self) -> Option<&str> {
        Some(self.private_ip_address.as_str()).filter(|it| !it.is_empty())
    }

    pub(crate) fn public_v4(&self) -> Option<&str> {
        Some(self.ip_address.as_str()).filter(|it| !it.is_empty())
    }

    pub(crate) fn v6(&self) -> Option<&str> {
        let of_interface = || self.interfaces.items.iter().flat_map(|it| &it.ipv6.items).next();
        Some(self.ipv6_address.as_str())
            .filter(|it| !it.is_empty())
            .or_else(|| of_interface().map(|it| it.ipv6_address.as_str()))
    }

    pub(crate) fn ours(&self) -> Option<Tags> {
        self.tags.ours()
    }
}

impl Place {
    async fn instances(&self, params: Params) -> Result<Vec<Instance>> {
        let pages: Vec<Reservations> = self.pages("DescribeInstances", params).await?;
        let reservations = pages.into_iter().flat_map(|page| page.reservations.items);
        Ok(reservations.flat_map(|it| it.instances.items).collect())
    }

    /// All instances of a store, in a list that was asked for after `since`: one call answers for
    /// all who wait.
    pub(crate) async fn of_store(&self, store: &str, since: SystemTime) -> Result<Vec<Instance>> {
        let fetch = async || {
            let params = Params::new().filter(&format!("tag:{}", tags::STORE), [store]);
            self.instances(params).await
        };
        self.shared.get(&format!("instances-{store}"), POLL, since, fetch).await
    }

    /// All instances of the account in the region.
    pub(crate) async fn every_instance(&self, since: SystemTime) -> Result<Vec<Instance>> {
        let fetch = async || self.instances(Params::new()).await;
        self.shared.get("instances", POLL, since, fetch).await
    }

    /// `None` when it has gone for an hour, or was launched in this moment.
    pub(crate) async fn instance(&self, id: &str) -> Result<Option<Instance>> {
        let params = Params::new().list("InstanceId", [id]);
        match self.instances(params).await {
            Ok(found) => Ok(found.into_iter().next()),
            Err(error) if error.kind() == machine_driver::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The instance that was launched with that client token.
    pub(crate) async fn launched_with(&self, token: &str) -> Result<Option<Instance>> {
        let params = Params::new().filter("client-token", [token]);
        Ok(self.instances(params).await?.into_iter().find(|it| !it.is_going()))
    }

    pub(crate) async fn terminate(&self, id: &str) -> Result<()> {
        let params = Params::new().list("InstanceId", [id]);
        self.call("TerminateInstances", params).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::answer;

    #[test]
    fn a_recorded_list_and_launch() {
        let (Some(list), Some(launch)) =
            (answer("describe_instances.xml"), answer("run_instances.xml"))
        else {
            return;
        };
        let list: Reservations = crate::xml::read(&list).unwrap();
        let all: Vec<&Instance> =
            list.reservations.items.iter().flat_map(|it| &it.instances.items).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].id.as_str(), all[0].state()), ("i-4382922a", State::Stopped));
        assert_eq!(all[0].public_v4(), Some("1.2.3.4"));
        assert_eq!(all[1].private_v4(), Some("172.16.9.139"));
        assert_eq!((all[1].v6(), all[1].ours()), (None, None));
        let launch: Reservation = crate::xml::read(&launch).unwrap();
        assert_eq!(launch.instances.items[0].id, "i-2ba64342");
        assert_eq!(launch.instances.items[0].state(), State::Starting);
    }
}
