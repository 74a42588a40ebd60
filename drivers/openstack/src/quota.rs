//! What the project may still have. Each service counts what is its own.

use machine_driver::{Error, ErrorKind, Result};
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

/// What the limits of Nova and Cinder are called, and what is used of them.
const SERVERS: [&str; 2] = ["maxTotalInstances", "totalInstancesUsed"];
const CORES: [&str; 2] = ["maxTotalCores", "totalCoresUsed"];
const MEMORY: [&str; 2] = ["maxTotalRAMSize", "totalRAMUsed"];
const VOLUMES: [&str; 2] = ["maxTotalVolumes", "totalVolumesUsed"];
const GIBIBYTES: [&str; 2] = ["maxTotalVolumeGigabytes", "totalGigabytesUsed"];

/// Who may not ask finds out when the thing is made.
pub(crate) async fn check(place: &Place, wish: &Wish<'_>) -> Result<()> {
    let Wish { flavor, metadata, groups, rules, floating_ips, volume } = wish;
    if let Some(answer) = allowed(place.nova.get("/limits").fetch().await)? {
        let of = |names| absolute(&answer, names);
        used_up("servers", of(SERVERS), 1)?;
        used_up("cores", of(CORES), flavor.vcpus)?;
        used_up("MiB of memory", of(MEMORY), flavor.ram)?;
        // Ours are four at the most.
        let [most, _] = of(["maxServerMeta", ""]);
        used_up("pairs of metadata on a server", [most, 4], *metadata)?;
    }
    let quotas = place.neutron.get(format!("/quotas/{}/details", place.project.id));
    if let Some(quota) = allowed(one::<Value>("quota", quotas).await)? {
        let of = |kind| detail(&quota[kind]);
        used_up("ports", of("port"), 1)?;
        used_up("floating IPs", of("floatingip"), *floating_ips)?;
        used_up("security groups", of("security_group"), *groups)?;
        used_up("security group rules", of("security_group_rule"), *rules)?;
    }
    if *volume > 0
        && let Ok(cinder) = place.cinder()
        && let Some(answer) = allowed(cinder.get("/limits").fetch().await)?
    {
        used_up("volumes", absolute(&answer, VOLUMES), 1)?;
        used_up("GiB of volumes", absolute(&answer, GIBIBYTES), *volume)?;
    }
    Ok(())
}

fn allowed(answer: Result<Value>) -> Result<Option<Value>> {
    match answer {
        Err(error) if matches!(error.kind(), ErrorKind::Denied | ErrorKind::NotFound) => Ok(None),
        answer => answer.map(Some),
    }
}

/// What there may be and what there is, as Nova and Cinder say it. No limit is -1, like one that is not
/// told.
fn absolute(answer: &Value, [most, used]: [&str; 2]) -> [i64; 2] {
    let limits = &answer["limits"]["absolute"];
    [limits[most].as_i64().unwrap_or(-1), limits[used].as_i64().unwrap_or(0)]
}

/// The same, as Neutron says it.
fn detail(quota: &Value) -> [i64; 2] {
    let number = |key: &str| quota[key].as_i64();
    let used = number("used").unwrap_or(0).saturating_add(number("reserved").unwrap_or(0));
    [number("limit").unwrap_or(-1), used]
}

fn used_up(what: &str, [limit, used]: [i64; 2], wanted: u64) -> Result<()> {
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
