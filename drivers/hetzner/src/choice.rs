//! What the flags name, looked up in the project.

use machine_driver::cloud::{self, Place, not_in, unknown};
use machine_driver::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::flags::IMAGE;
use crate::record::Own;

#[derive(Debug, Serialize, Deserialize)]
struct ServerType {
    name: String,
    architecture: String,
    /// Those that have it.
    locations: Vec<Location>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Location {
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Image {
    id: u64,
    name: Option<String>,
    architecture: String,
}

/// The ids of it all.
pub(crate) struct Choice {
    pub(crate) image: u64,
    pub(crate) volumes: Vec<u64>,
    pub(crate) networks: Vec<u64>,
    pub(crate) firewalls: Vec<u64>,
    pub(crate) placement_group: Option<u64>,
    pub(crate) primary_ips: [Option<u64>; 2],
}

pub(crate) async fn choose(place: &Place, own: &Own) -> Result<Choice> {
    let architecture = server_type(place, own).await?;
    let group = ("hetzner-placement-group", "placement group");
    let group = place.ids("placement_groups", group, &[&own.placement_group]).await?;
    let v4 = ("hetzner-primary-ipv4", "primary IP");
    let v4 = place.ids("primary_ips", v4, &[&own.primary_ipv4]).await?;
    let v6 = ("hetzner-primary-ipv6", "primary IP");
    let v6 = place.ids("primary_ips", v6, &[&own.primary_ipv6]).await?;
    Ok(Choice {
        image: image(place, own, &architecture).await?,
        volumes: place.ids("volumes", ("hetzner-volumes", "volume"), &own.volumes).await?,
        networks: place.ids("networks", ("hetzner-networks", "network"), &own.networks).await?,
        firewalls: place
            .ids("firewalls", ("hetzner-firewalls", "firewall"), &own.firewalls)
            .await?,
        placement_group: group.first().copied(),
        primary_ips: [v4, v6].map(|ids| ids.first().copied()),
    })
}

/// Checks type and location, and gives the architecture.
async fn server_type(place: &Place, own: &Own) -> Result<String> {
    let Own { server_type: wish, location, .. } = own;
    let types: Vec<ServerType> = place.catalogue("server_types", "/server_types").await?;
    let Some(found) = types.iter().find(|it| it.name == *wish) else {
        let names = types.iter().map(|it| it.name.as_str());
        return Err(unknown("hetzner-server-type", "server type", wish, names));
    };
    if location.is_empty() {
        return Ok(found.architecture.clone());
    }
    let all: Vec<Location> = place.catalogue("locations", "/locations").await?;
    if !all.iter().any(|it| it.name == *location) {
        let names = all.iter().map(|it| it.name.as_str());
        return Err(unknown("hetzner-server-location", "location", location, names));
    }
    let there: Vec<&str> = found.locations.iter().map(|it| it.name.as_str()).collect();
    match there.contains(&location.as_str()) {
        true => Ok(found.architecture.clone()),
        false => Err(not_in(("location", location), "server type", wish, &there)),
    }
}

/// The image's id: its name stands for one of each architecture.
async fn image(place: &Place, own: &Own, architecture: &str) -> Result<u64> {
    if own.image_id != 0 {
        let id = own.image_id;
        let found = place.one::<Image>("image", place.api.get(format!("/images/{id}"))).await;
        return found.map(|it| it.id).map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Error::new(ErrorKind::Flags, format!("there is no image with the id {id}"))
            }
            _ => error,
        });
    }
    let images: Vec<Image> = place.catalogue("images", "/images").await?;
    let architecture = if own.image_arch.is_empty() { architecture } else { &own.image_arch };
    let fitting = images.iter().filter(|it| it.architecture == architecture);
    let named: Vec<(&str, u64)> =
        fitting.filter_map(|it| Some((it.name.as_deref()?, it.id))).collect();
    let id = |name: &str| named.iter().find(|it| it.0 == name).map(|it| it.1);
    let names = || named.iter().map(|it| it.0);
    let newest = cloud::newest_lts(names(), ("ubuntu-", ".", "")).filter(|_| own.image == IMAGE);
    let found = id(&own.image).or_else(|| id(newest?));
    found.ok_or_else(|| unknown("hetzner-image", "image", &own.image, names()))
}
