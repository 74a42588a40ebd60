//! What would make `create` fail later, found before anything is made.

use std::path::Path;
use std::time::Duration;

use machine_driver::cloud::{check_openings, unknown};
use machine_driver::{Context, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::place::{Place, with_token_hint};
use crate::record::Record;

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
pub(crate) async fn check(cx: &Context, record: &Record) -> Result<()> {
    files(record)?;
    let place = Place::open(cx, record).await.map_err(with_token_hint)?;
    account(&place).await.map_err(with_token_hint)?;
    check_openings(cx).await?;
    region_and_size(&place, record).await?;
    image(&place, record).await?;
    if !record.owns_key() {
        place.key_with(&record.ssh_key_fingerprint).await?;
    }
    Ok(())
}

/// The texts are docker-machine's.
fn files(record: &Record) -> Result<()> {
    let Record { ssh_key, user_data_file, .. } = record;
    if !user_data_file.is_empty() {
        let Ok(found) = std::fs::metadata(user_data_file) else {
            return Err(Error::new(
                ErrorKind::Flags,
                format!("user-data file {user_data_file} could not be found"),
            ));
        };
        if found.len() > MOST_USER_DATA {
            return Err(Error::new(
                ErrorKind::Flags,
                format!("user-data file {user_data_file} has {} bytes", found.len()),
            )
            .hint("DigitalOcean takes 64 KiB"));
        }
    }
    if ssh_key.is_empty() {
        return Ok(());
    }
    if record.owns_key() {
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

async fn account(place: &Place) -> Result<()> {
    let account = match place.account(Duration::from_secs(60)).await {
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

async fn region_and_size(place: &Place, record: &Record) -> Result<()> {
    let Record { region, size, .. } = record;
    let regions: Vec<Region> = place.catalogue("regions").await?;
    let open = regions.iter().filter(|it| it.available).map(|it| it.slug.as_str());
    let Some(found) = regions.iter().find(|it| it.slug == *region && it.available) else {
        let error = unknown("digitalocean-region", "region", region, open);
        return Err(error.context("digitalocean requires a valid region"));
    };
    if found.sizes.contains(size) {
        return Ok(());
    }
    let sizes: Vec<Size> = place.catalogue("sizes").await?;
    if !sizes.iter().any(|it| it.slug == *size) {
        let there = found.sizes.iter().map(String::as_str);
        return Err(unknown("digitalocean-size", "size", size, there));
    }
    let error = Error::new(ErrorKind::Flags, format!("region `{region}` has no size `{size}`"));
    let elsewhere: Vec<&str> = regions
        .iter()
        .filter(|it| it.available && it.sizes.contains(size))
        .map(|it| it.slug.as_str())
        .collect();
    Err(match elsewhere.as_slice() {
        [] => error.hint("no region has it at the moment"),
        there => error.hint(format!("these have it: {}", there.join(", "))),
    })
}

async fn image(place: &Place, record: &Record) -> Result<()> {
    let Record { image, region, .. } = record;
    let images: Vec<Image> = place.catalogue("images").await?;
    let named = |it: &&Image| it.slug.as_ref() == Some(image) || it.id.to_string() == *image;
    let Some(found) = images.iter().find(named) else {
        if record.has_default_image() && newest_lts(&images, region).is_some() {
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
pub(crate) async fn chosen_image(place: &Place, record: &Record) -> Result<Value> {
    if let Ok(number) = record.image.parse::<u64>() {
        return Ok(number.into());
    }
    if record.has_default_image() {
        let images: Vec<Image> = place.catalogue("images").await?;
        let there = images.iter().any(|it| it.slug.as_ref() == Some(&record.image));
        if let Some(newest) = newest_lts(&images, &record.region).filter(|_| !there) {
            return Ok(newest.into());
        }
    }
    Ok(record.image.as_str().into())
}

/// `ubuntu-26-04-x64`: Ubuntu's releases of April in even years are supported for long.
fn newest_lts(images: &[Image], region: &str) -> Option<String> {
    let version = |slug: &str| -> Option<u32> {
        let year = slug.strip_prefix("ubuntu-")?.strip_suffix("-04-x64")?;
        year.parse().ok().filter(|year| year % 2 == 0)
    };
    images
        .iter()
        .filter(|it| it.regions.iter().any(|it| it == region))
        .filter_map(|it| it.slug.clone())
        .filter_map(|slug| Some((version(&slug)?, slug)))
        .max()
        .map(|(_, slug)| slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_long_term_ubuntu() {
        let image = |slug: &str, regions: &[&str]| Image {
            id: 1,
            slug: Some(slug.into()),
            regions: regions.iter().map(|it| (*it).to_owned()).collect(),
        };
        let images = [
            image("ubuntu-24-04-x64", &["nyc3"]),
            image("ubuntu-26-04-x64", &["nyc3"]),
            image("ubuntu-26-10-x64", &["nyc3"]),
            image("ubuntu-27-04-x64", &["nyc3"]),
            image("ubuntu-28-04-x64", &["ams3"]),
            image("debian-13-x64", &["nyc3"]),
        ];
        assert_eq!(newest_lts(&images, "nyc3").as_deref(), Some("ubuntu-26-04-x64"));
        assert_eq!(newest_lts(&images, "sfo9"), None);
    }
}
