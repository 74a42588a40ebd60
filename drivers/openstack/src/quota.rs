//! What the project may still have. Each service counts what is its own.

use machine_driver::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::choice::Flavor;
use crate::place::{Place, one};

/// What a machine takes of it.
pub(crate) struct Wish<'a> {
    pub(crate) flavor: &'a Flavor,
    /// The user's pairs.
    pub(crate) metadata: u64,
    pub(crate) groups: u64,
    pub(crate) rules: u64,
    pub(crate) floating_ips: u64,
    /// GiB of the volume that is made; 0 if none is.
    pub(crate) volume: u64,
}

/// Who may not ask finds out when the thing is made.
pub(crate) async fn check(place: &Place, wish: &Wish<'_>) -> Result<()> {
    let Wish { flavor, metadata, groups, rules, floating_ips, volume } = wish;
    if let Some(limits) = allowed(limits(place).await)? {
        used_up("servers", limits.max_total_instances, limits.total_instances_used, 1)?;
        used_up("cores", limits.max_total_cores, limits.total_cores_used, flavor.vcpus)?;
        used_up("MiB of memory", limits.max_total_ram, limits.total_ram_used, flavor.ram)?;
        // Ours are four at the most.
        used_up("pairs of metadata on a server", limits.max_server_meta, 4, *metadata)?;
    }
    if let Some(of) = allowed(network(place).await)? {
        of.port.check("ports", 1)?;
        of.floatingip.check("floating IPs", *floating_ips)?;
        of.security_group.check("security groups", *groups)?;
        of.security_group_rule.check("security group rules", *rules)?;
    }
    if *volume > 0
        && let Some(limits) = allowed(volumes(place).await)?
    {
        used_up("volumes", limits.max_total_volumes, limits.total_volumes_used, 1)?;
        let most = limits.max_total_volume_gigabytes;
        used_up("GiB of volumes", most, limits.total_gigabytes_used, *volume)?;
    }
    Ok(())
}

fn allowed<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotFound) => Ok(None),
        answer => answer.map(Some),
    }
}

fn used_up(what: &str, limit: i64, used: i64, wanted: u64) -> Result<()> {
    let over = wanted > 0 && limit >= 0 && used.saturating_add_unsigned(wanted) > limit;
    match over {
        false => Ok(()),
        true => Err(Error::other(format!(
            "the project may have {limit} {what}, and has {used}: {wanted} more are too many"
        ))
        .hint("`machine gc -d openstack` removes what was left behind")
        .hint("take less, or ask the cloud's operator for more")),
    }
}

/// Nova's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Limits {
    max_total_instances: i64,
    total_instances_used: i64,
    max_total_cores: i64,
    total_cores_used: i64,
    #[serde(rename = "maxTotalRAMSize")]
    max_total_ram: i64,
    #[serde(rename = "totalRAMUsed")]
    total_ram_used: i64,
    max_server_meta: i64,
}

/// -1 is "no limit".
impl Default for Limits {
    fn default() -> Self {
        Self {
            max_total_instances: -1,
            total_instances_used: 0,
            max_total_cores: -1,
            total_cores_used: 0,
            max_total_ram: -1,
            total_ram_used: 0,
            max_server_meta: -1,
        }
    }
}

async fn limits(place: &Place) -> Result<Limits> {
    let mut body: Value = place.nova.get("/limits").fetch().await?;
    Ok(serde_json::from_value(body["limits"]["absolute"].take()).unwrap_or_default())
}

/// Neutron's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    port: Detail,
    floatingip: Detail,
    security_group: Detail,
    security_group_rule: Detail,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Detail {
    limit: i64,
    used: i64,
    reserved: i64,
}

impl Default for Detail {
    fn default() -> Self {
        Self { limit: -1, used: 0, reserved: 0 }
    }
}

impl Detail {
    fn check(&self, what: &str, wanted: u64) -> Result<()> {
        used_up(what, self.limit, self.used.saturating_add(self.reserved), wanted)
    }
}

async fn network(place: &Place) -> Result<Network> {
    one("quota", place.neutron.get(format!("/quotas/{}/details", place.project.id))).await
}

/// Cinder's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Storage {
    max_total_volumes: i64,
    total_volumes_used: i64,
    max_total_volume_gigabytes: i64,
    total_gigabytes_used: i64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            max_total_volumes: -1,
            total_volumes_used: 0,
            max_total_volume_gigabytes: -1,
            total_gigabytes_used: 0,
        }
    }
}

async fn volumes(place: &Place) -> Result<Storage> {
    let mut body: Value = place.cinder()?.get("/limits").fetch().await?;
    Ok(serde_json::from_value(body["limits"]["absolute"].take()).unwrap_or_default())
}
