//! What would make `create` fail later, found before anything is made.

use std::path::Path;
use std::time::Duration;

use machine_driver::cloud::{self, Cloud, Place, check_openings, check_user_data, not_in, unknown};
use machine_driver::{Context, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::account::DigitalOcean;
use crate::record::Own;

/// What DigitalOcean takes.
const MOST_USER_DATA: u64 = 64 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Region {
    slug: String,
    available: bool,
    sizes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Size {
    slug: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Image {
    id: u64,
    slug: Option<String>,
    #[serde(default)]
    regions: Vec<String>,
}

/// Looks at the account and at everything that the flags name. What is looked up once answers for
/// all machines that are made within the hour.
pub(crate) async fn check(account: &DigitalOcean, cx: &Context, own: &Own) -> Result<()> {
    limits(account).await?;
    check_openings(cx).await?;
    region_and_size(account.place(), own).await?;
    image(account.place(), own).await?;
    if !own.owns_key() {
        account.key_with(&own.ssh_key_fingerprint).await?;
    }
    Ok(())
}

/// The texts are docker-machine's.
pub(crate) fn files(own: &Own) -> Result<()> {
    check_user_data(&own.user_data_file, "DigitalOcean", MOST_USER_DATA)?;
    let ssh_key = &own.ssh_key;
    if ssh_key.is_empty() {
        return Ok(());
    }
    if own.owns_key() {
        return Err(Error::new(
            ErrorKind::Flags,
            format!("ssh-key-fingerprint needs to be provided for {ssh_key:?}"),
        )
        .hint(format!("ssh-keygen -E md5 -lf {ssh_key}"))
        .hint("then: --digitalocean-ssh-key-fingerprint with what stands behind `MD5:`"));
    }
    match Path::new(ssh_key).exists() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Flags, format!("SSH key does not exist: {ssh_key:?}"))),
    }
}

async fn limits(digital_ocean: &DigitalOcean) -> Result<()> {
    let place = &digital_ocean.place;
    let account = match digital_ocean.account().await {
        // A token may be allowed everything that is needed, and not to look at the account.
        Err(error) if is_forbidden(&error) => return Ok(()),
        account => account?,
    };
    if account.status == "locked" {
        return Err(Error::new(ErrorKind::Denied, "the account is locked")
            .caused_by(account.status_message)
            .hint("see https://cloud.digitalocean.com"));
    }
    if account.droplet_limit == 0 {
        return Ok(());
    }
    let fetch = async || {
        let list: Value = place.api.get("/v2/droplets").query("per_page", "1").fetch().await?;
        Ok(list["meta"]["total"].as_u64().unwrap_or_default())
    };
    let seconds = Duration::from_secs(5);
    let count: u64 = place.shared.get("count", seconds, std::time::UNIX_EPOCH, fetch).await?;
    if count >= account.droplet_limit {
        let limit = account.droplet_limit;
        return Err(Error::other(format!("the account has {count} droplets, and may have {limit}"))
            .hint("remove one, or ask for more: https://cloud.digitalocean.com/account/team/droplet_limit_increase")
            .hint("`machine gc` removes what was left behind"));
    }
    Ok(())
}

fn is_forbidden(error: &Error) -> bool {
    machine_driver::rest::problem(error).is_some_and(|problem| problem.status == 403)
}

async fn region_and_size(place: &Place, own: &Own) -> Result<()> {
    let Own { region, size, .. } = own;
    let regions: Vec<Region> = place.catalogue("regions", "/v2/regions").await?;
    let open = regions.iter().filter(|it| it.available).map(|it| it.slug.as_str());
    let Some(found) = regions.iter().find(|it| it.slug == *region && it.available) else {
        let error = unknown("digitalocean-region", "region", region, open);
        return Err(error.context("digitalocean requires a valid region"));
    };
    if found.sizes.contains(size) {
        return Ok(());
    }
    let sizes: Vec<Size> = place.catalogue("sizes", "/v2/sizes").await?;
    if !sizes.iter().any(|it| it.slug == *size) {
        let there = found.sizes.iter().map(String::as_str);
        return Err(unknown("digitalocean-size", "size", size, there));
    }
    let elsewhere = regions.iter().filter(|it| it.available && it.sizes.contains(size));
    let elsewhere: Vec<&str> = elsewhere.map(|it| it.slug.as_str()).collect();
    Err(not_in(("region", region), "size", size, &elsewhere))
}

async fn image(place: &Place, own: &Own) -> Result<()> {
    let Own { image, region, .. } = own;
    let images: Vec<Image> = place.catalogue("images", "/v2/images").await?;
    let named = |it: &&Image| it.slug.as_ref() == Some(image) || it.id.to_string() == *image;
    let Some(found) = images.iter().find(named) else {
        if own.has_default_image() && newest_lts(&images, region).is_some() {
            return Ok(());
        }
        let slugs = images.iter().filter_map(|it| it.slug.as_deref());
        return Err(unknown("digitalocean-image", "image", image, slugs));
    };
    match found.regions.is_empty() || found.regions.contains(region) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Flags,
            format!("image `{image}` is not in region `{region}`"),
        )
        .hint(format!("it is in {}", found.regions.join(", ")))),
    }
}

/// The image to send: a number as such, and for a default that has gone what is newest of its kind.
pub(crate) async fn chosen_image(place: &Place, own: &Own) -> Result<Value> {
    if let Ok(number) = own.image.parse::<u64>() {
        return Ok(number.into());
    }
    if own.has_default_image() {
        let images: Vec<Image> = place.catalogue("images", "/v2/images").await?;
        let there = images.iter().any(|it| it.slug.as_ref() == Some(&own.image));
        if let Some(newest) = newest_lts(&images, &own.region).filter(|_| !there) {
            return Ok(newest.into());
        }
    }
    Ok(own.image.as_str().into())
}

fn newest_lts(images: &[Image], region: &str) -> Option<String> {
    let there = images.iter().filter(|it| it.regions.iter().any(|it| it == region));
    let slugs = there.filter_map(|it| it.slug.as_deref());
    cloud::newest_lts(slugs, ("ubuntu-", "-", "-x64")).map(str::to_owned)
}
