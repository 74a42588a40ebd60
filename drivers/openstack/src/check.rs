//! What would make `create` fail later, found before anything is made.

use std::path::Path;

use machine_driver::{Context, Error, ErrorKind, Result, cloud};
use serde_json::Value;

use crate::choice::{Flavor, Network};
use crate::image::Image;
use crate::place::{Place, all};
use crate::problem::explain;
use crate::record::Record;
use crate::{group, metadata, quota};

/// What Nova takes, in base64.
pub(crate) const MOST_USER_DATA: usize = 65_535;

/// The microversion since which Nova makes a root volume of a type.
pub(crate) const VOLUME_TYPE: &str = "2.67";

/// What the record names, as the cloud has it.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) flavor: Flavor,
    pub(crate) image: Image,
    pub(crate) network: Network,
    /// The id of the network with the floating IPs; empty if none is wanted.
    pub(crate) pool: String,
    pub(crate) groups: Vec<String>,
    pub(crate) server_group: String,
}

impl Choice {
    /// Whether the network knows security groups.
    pub(crate) fn is_guarded(&self) -> bool {
        self.network.port_security_enabled != Some(false)
    }
}

/// Whether the machine is to be in the store's own security group: not if the user has chosen others,
/// and not by docker-machine's rule, by which Nova takes the project's `default`.
pub(crate) fn wants_own_group(cx: &Context, record: &Record) -> bool {
    record.groups().is_empty() && !(cx.policy.open_to.is_empty() && cx.policy.open_to_world)
}

/// Looks at the project and at everything that the flags name, which it returns.
pub(crate) async fn check(cx: &Context, record: &Record) -> Result<Choice> {
    files(record)?;
    metadata::of_user(&record.ours.metadata)?;
    let place = Place::open(cx, record).await.map_err(explain)?;
    all_of(cx, &place, record).await.map_err(explain)
}

async fn all_of(cx: &Context, place: &Place, record: &Record) -> Result<Choice> {
    let choice = choose(place, record).await?;
    let (mut groups, mut rules) = (0, 0);
    if choice.is_guarded() && wants_own_group(cx, record) {
        let networks = group::networks(cx).await?;
        (groups, rules) = place.group_to_make(cx.store_id.get()?, &networks).await?;
    }
    addresses(place, record, &choice).await?;
    choice.image.check(&choice.flavor, root_disk(record, &choice))?;
    zone(place, &record.availability_zone).await?;
    if record.existing_key {
        place.check_keypair(&record.key_pair_name).await?;
    }
    let rancher = &record.rancher;
    let wants_volume = rancher.volume_size > 0 || !rancher.volume_id.is_empty();
    if wants_volume || rancher.boot_from_volume {
        place.check_volume(record).await?;
    }
    if rancher.boot_from_volume && !rancher.volume_type.is_empty() {
        microversion(place, VOLUME_TYPE).await?;
    }
    let wish = quota::Wish {
        flavor: &choice.flavor,
        metadata: metadata::of_user(&record.ours.metadata)?.len() as u64,
        groups,
        rules,
        floating_ips: u64::from(!choice.pool.is_empty()),
        volume: match rancher.boot_from_volume {
            true => root_disk(record, &choice),
            false if record.wants_volume() => rancher.volume_size,
            false => 0,
        },
    };
    quota::check(place, &wish).await?;
    Ok(choice)
}

/// The texts are docker-machine's.
fn files(record: &Record) -> Result<()> {
    let there = [
        ("user data file", &record.ours.user_data_file),
        ("private key file", &record.private_key_file),
    ];
    for (what, path) in there {
        if !path.is_empty() && !Path::new(path).is_file() {
            return Err(Error::new(ErrorKind::Flags, format!("there is no {what} `{path}`")));
        }
    }
    Ok(())
}

/// Looks up all that the record names.
pub(crate) async fn choose(place: &Place, record: &Record) -> Result<Choice> {
    let rancher = &record.rancher;
    let Record { flavor_id, flavor_name, image_id, image_name, .. } = record;
    if flavor_id.is_empty() && flavor_name.is_empty() {
        let flavors = place.flavors().await?;
        let names: Vec<&str> = flavors.iter().map(|it| it.name.as_str()).collect();
        return Err(missing("Flavor", "flavor", &names));
    }
    if image_id.is_empty() && image_name.is_empty() {
        let names = place.image_names().await?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(missing("Image", "image", &names));
    }
    Ok(Choice {
        flavor: place.flavor(flavor_id, flavor_name).await?,
        image: place.image(image_id, image_name).await?,
        network: place.network(&record.network_id, &record.network_name).await?,
        pool: match (record.floating_ip_pool_id.as_str(), record.floating_ip_pool.as_str()) {
            ("", "") => String::new(),
            ("", name) => place.pool(name).await?.id,
            (id, _) => id.to_owned(),
        },
        groups: place.group_ids(record.groups()).await?,
        server_group: place
            .server_group(&rancher.server_group_id, &rancher.server_group_name)
            .await?,
    })
}

fn missing(what: &str, flag: &str, there: &[&str]) -> Error {
    let message = format!(
        "{what} name or {what} id must be specified using the CLI option --openstack-{flag}-name \
         or --openstack-{flag}-id"
    );
    let error = Error::new(ErrorKind::Flags, message);
    match there {
        [] => error,
        there => error.hint(format!("there are: {}", there[..there.len().min(20)].join(", "))),
    }
}

/// The size of the root disk in GiB; 0 is "as large as the image".
pub(crate) fn root_disk(record: &Record, choice: &Choice) -> u64 {
    match (record.rancher.boot_from_volume, record.rancher.volume_size) {
        (false, _) => choice.flavor.disk,
        // Nova makes no volume without a size.
        (true, 0) => choice.flavor.disk.max(choice.image.smallest_disk()).max(1),
        (true, size) => size,
    }
}

/// Whether the network gives addresses of the version that is wanted. Not everybody may look, or sees
/// the subnets of every network.
async fn addresses(place: &Place, record: &Record, choice: &Choice) -> Result<()> {
    let network = &choice.network;
    let version = if record.ip_version == 6 && choice.pool.is_empty() { 6 } else { 4 };
    let query = [("network_id", network.id.as_str())];
    let subnets: Vec<Value> = match all(&place.neutron, "subnets", "/subnets", &query).await {
        Err(error) if error.kind() == ErrorKind::Denied => return Ok(()),
        subnets => subnets?,
    };
    if subnets.is_empty() || subnets.iter().any(|it| it["ip_version"] == version) {
        return Ok(());
    }
    let message = format!("the network `{}` has no subnet of IPv{version}", network.name);
    Err(Error::new(ErrorKind::Flags, message)
        .hint("choose another one: --openstack-net-name")
        .hint(format!("or the other version: --openstack-ip-version {}", 10 - version)))
}

/// An administrator may put a host behind the zone: `nova:host`.
async fn zone(place: &Place, zone: &str) -> Result<()> {
    let name = zone.split(':').next().unwrap_or_default();
    if name.is_empty() {
        return Ok(());
    }
    let fetch = async || {
        let key = "availabilityZoneInfo";
        let zones: Vec<Value> = all(&place.nova, key, "/os-availability-zone", &[]).await?;
        let open = zones.iter().filter(|it| it["zoneState"]["available"] == true);
        let name = |it: &Value| it["zoneName"].as_str().map(str::to_owned);
        Ok(open.filter_map(name).collect::<Vec<String>>())
    };
    let zones = place.catalogue("zones", fetch).await?;
    match zones.iter().any(|it| it == name) {
        true => Ok(()),
        false => {
            let there = zones.iter().map(String::as_str);
            Err(cloud::unknown("openstack-availability-zone", "availability zone", name, there))
        }
    }
}

/// Nova's highest microversion is in the version document at its root.
async fn microversion(place: &Place, wanted: &str) -> Result<()> {
    let highest = place.catalogue("microversion", async || {
        let body: Value = place.nova.get("/").fetch().await?;
        Ok(body["version"]["version"].as_str().unwrap_or_default().to_owned())
    });
    let highest = highest.await?;
    let number = |version: &str| -> Option<(u32, u32)> {
        let (major, minor) = version.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    match number(&highest) {
        Some(highest) if Some(highest) < number(wanted) => Err(Error::new(
            ErrorKind::Flags,
            "this Nova makes no root volume of a type: --openstack-volume-type",
        )
        .caused_by(format!("its highest microversion is {}.{}", highest.0, highest.1))),
        _ => Ok(()),
    }
}
