//! What would make `create` fail later, found before anything is made.

use std::path::Path;

use machine_driver::{Context, Error, ErrorKind, Result, cloud};
use serde::Deserialize;

use crate::image::{self, Chosen};
use crate::network::{self, Subnet};
use crate::params::Params;
use crate::place::{Place, code, is_known_region, unknown_region};
use crate::record::Record;
use crate::rules::open_port;
use crate::xml::Set;

#[derive(Deserialize)]
struct Types {
    #[serde(default, rename = "instanceTypeSet")]
    types: Set<Type>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    instance_type: String,
    #[serde(default)]
    processor_info: Processor,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Processor {
    #[serde(default)]
    supported_architectures: Set<String>,
}

/// Looks at the account and at everything that the flags name. What is looked up once answers for
/// all machines that are made within the hour. Returns the subnet that they name.
pub(crate) async fn check(cx: &Context, record: &Record) -> Result<Subnet> {
    files(record)?;
    words(cx, record);
    let place = Place::open(cx, record).await?;
    let architecture = match architecture(&place, record).await {
        // There is no such host as `ec2.eu-centrl-1.amazonaws.com`.
        Err(error)
            if error.kind() == ErrorKind::Unreachable
                && !record.has_endpoint()
                && !is_known_region(&record.region) =>
        {
            return Err(unknown_region(&record.region).caused_by(error));
        }
        architecture => architecture?,
    };
    cloud::check_openings(cx).await?;
    let image = image::chosen(&place, record, &architecture).await?;
    fits(record, &image, &architecture)?;
    let subnet = network::subnet(&place, record).await?;
    if !record.owns_key() {
        place.check_key(&record.key_name).await?;
    }
    Ok(subnet)
}

fn files(record: &Record) -> Result<()> {
    let Record { ssh_private_key_path: key, user_data_file, .. } = record;
    if !user_data_file.is_empty() {
        std::fs::metadata(user_data_file).map_err(|error| {
            Error::new(ErrorKind::Flags, "unable to read --amazonec2-userdata file")
                .caused_by(error)
        })?;
    }
    if key.is_empty() {
        return Ok(());
    }
    let public = format!("{key}.pub");
    match [key, &public].into_iter().find(|path| !Path::new(path).exists()) {
        None => Ok(()),
        Some(missing) => {
            Err(Error::new(ErrorKind::Flags, format!("SSH key does not exist: {missing:?}"))
                .hint(format!("ssh-keygen -y -f {key} > {public}")))
        }
    }
}

fn words(cx: &Context, record: &Record) {
    let count = record.tags.split(',').count();
    if !record.tags.is_empty() && !count.is_multiple_of(2) {
        cx.progress.warn(&format!("Tags are not key value in pairs. {count} elements found"));
    }
    if record.block_duration_minutes != 0 {
        cx.progress.warn(
            "--amazonec2-block-duration-minutes is passed over: EC2 has no spot blocks any more",
        );
    }
}

/// What can be found wrong without a call.
pub(crate) fn combination(record: &Record) -> Result<()> {
    let wrong = |text: &str| Err(Error::new(ErrorKind::Flags, text));
    if record.is_insecure_without_endpoint() {
        return wrong("using --amazonec2-insecure-transport also requires --amazonec2-endpoint");
    }
    if record.existing_key && record.ssh_private_key_path.is_empty() {
        return wrong("using --amazonec2-keypair-name also requires --amazonec2-ssh-keypath");
    }
    if record.access_key.is_empty() != record.secret_key.is_empty() {
        return wrong(crate::login::MISSING);
    }
    if record.ipv6_address_only && record.ipv6_address_count < 1 {
        return wrong("--amazonec2-ipv6-address-only also requires --amazonec2-ipv6-address-count");
    }
    if record.enable_primary_ipv6 && record.ipv6_address_count < 1 {
        return wrong(
            "--amazonec2-enable-primary-ipv6 also requires --amazonec2-ipv6-address-count",
        );
    }
    if !record.kms_key.is_empty() && !record.encrypt_ebs_volume {
        return wrong("--amazonec2-kms-key also requires --amazonec2-encrypt-ebs-volume");
    }
    if record.base.ssh_port == 0 {
        return wrong("--amazonec2-ssh-port is a port from 1 to 65535");
    }
    if record.root_size < 1 {
        return wrong("--amazonec2-root-size is a number of GB");
    }
    let words = [
        ("http-endpoint", &record.http_endpoint, ["enabled", "disabled"]),
        ("http-tokens", &record.http_tokens, ["required", "optional"]),
        ("http-protocol-ipv6", &record.http_protocol_ipv6, ["enabled", "disabled"]),
    ];
    for (flag, value, there) in words {
        if !value.is_empty() && !there.contains(&value.as_str()) {
            return Err(cloud::unknown(&format!("amazonec2-{flag}"), "choice", value, there));
        }
    }
    let bid = record.spot_price.parse::<f64>();
    if record.request_spot_instance && !record.spot_price.is_empty() && bid.is_err() {
        return wrong("--amazonec2-spot-price is a number of USD an hour, for example 0.05");
    }
    for port in &record.open_ports {
        open_port(port)?;
    }
    Ok(())
}

/// What the instance type can run: `x86_64` or `arm64`.
pub(crate) async fn architecture(place: &Place, record: &Record) -> Result<String> {
    let wanted = record.instance_type.as_str();
    let fetch = async || {
        let params = Params::new().list("InstanceType", [wanted]);
        let found: Types = place.fetch("DescribeInstanceTypes", params).await?;
        let found = found.types.items.into_iter().next();
        let all = found.map(|it| it.processor_info.supported_architectures.items);
        let all = all.unwrap_or_default();
        // Older types can run 32 bits too.
        let first = all.iter().find(|it| ["x86_64", "arm64"].contains(&it.as_str()));
        Ok(first.map_or("x86_64", String::as_str).to_owned())
    };
    match place.catalogue(&format!("type-{wanted}"), fetch).await {
        Err(error) if code(&error).starts_with("InvalidInstanceType") => {
            let pages: Result<Vec<Types>> =
                place.pages("DescribeInstanceTypes", Params::new().set("MaxResults", 100)).await;
            let all = pages.unwrap_or_default();
            let all = all.iter().flat_map(|page| &page.types.items);
            let names = all.map(|it| it.instance_type.as_str());
            Err(cloud::unknown("amazonec2-instance-type", "instance type", wanted, names))
        }
        // Other clouds speak EC2's language without this word.
        Err(error) if record.has_endpoint() && error.kind() == ErrorKind::Other => {
            Ok("x86_64".to_owned())
        }
        architecture => architecture,
    }
}

fn fits(record: &Record, image: &Chosen, architecture: &str) -> Result<()> {
    let Chosen::Image(found) = image else { return Ok(()) };
    if !found.architecture.is_empty() && found.architecture != architecture {
        let message = format!("image `{}` cannot run on `{}`", found.id, record.instance_type);
        return Err(Error::new(ErrorKind::Flags, message).caused_by(format!(
            "the image is for {}, the type has {architecture}",
            found.architecture
        )));
    }
    let root = image.root_device(record);
    let least = found.devices.items.iter().find(|it| it.name == root);
    let least = least.and_then(|it| it.ebs.as_ref()).map_or(0, |it| it.volume_size);
    if record.root_size < least {
        let message = format!("{} GB are too few for this image", record.root_size);
        return Err(
            Error::new(ErrorKind::Flags, message).hint(format!("--amazonec2-root-size {least}"))
        );
    }
    Ok(())
}
