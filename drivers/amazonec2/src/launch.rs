use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use machine_driver::{Error, ErrorKind, FirstBoot, Result, Tags};

use crate::image::Chosen;
use crate::network::Subnet;
use crate::params::Params;
use crate::record::Record;

/// What EC2 takes, before it is put into base64.
const MOST_USER_DATA: usize = 16 * 1024;

/// The tags of a resource: ours, the name that Amazon's console shows, and the user's.
pub(crate) fn pairs(tags: &Tags, name: &str, user: &[(String, String)]) -> Vec<(String, String)> {
    let ours = tags.pairs().into_iter().map(|(key, value)| (key.to_owned(), value));
    let named = [("Name".to_owned(), name.to_owned())];
    // A key may stand there once only, and the user's word counts, except for ours.
    let mut all: Vec<(String, String)> = ours.collect();
    for (key, value) in user.iter().cloned().chain(named) {
        if !all.iter().any(|(there, _)| *there == key) {
            all.push((key, value));
        }
    }
    all
}

/// The parameters of `RunInstances`: everything that is made bears its tags from its first moment
/// and goes when the instance goes.
pub(crate) fn params(
    record: &Record,
    image: &Chosen,
    subnet: &Subnet,
    tags: &Tags,
    first_boot: &FirstBoot,
) -> Result<Params> {
    let kinds: &[&str] = match record.request_spot_instance {
        true => &["instance", "volume", "network-interface", "spot-instances-request"],
        false => &["instance", "volume", "network-interface"],
    };
    let tags = pairs(tags, &record.base.machine_name, &record.user_tags());
    let params = Params::new()
        .set("ClientToken", &record.client_token)
        .set("ImageId", image.id())
        .set("InstanceType", &record.instance_type)
        .set("KeyName", &record.key_name)
        .set("MinCount", 1)
        .set("MaxCount", 1)
        .set("Placement.AvailabilityZone", &subnet.availability_zone)
        .set("IamInstanceProfile.Name", &record.iam_instance_profile)
        .set_if("Monitoring.Enabled", record.monitoring)
        .set_if("EbsOptimized", record.use_ebs_optimized_instance)
        .set("UserData", user_data(record, first_boot)?)
        // When its time is up, the guest switches itself off, and nothing is to be left of it.
        .set(
            "InstanceInitiatedShutdownBehavior",
            if first_boot.expires.is_some() { "terminate" } else { "" },
        );
    let params = interface(params, record, subnet);
    let params = metadata(params, record);
    let params = spot(params, record);
    Ok(volumes(params, record, image).tags(kinds, &tags))
}

fn interface(params: Params, record: &Record, subnet: &Subnet) -> Params {
    let public = !record.private_ip_only && !record.ipv6_address_only;
    let count = record.ipv6_address_count;
    let name = |key: &str| format!("NetworkInterface.1.{key}");
    params
        .set(&name("DeviceIndex"), 0)
        .set(&name("SubnetId"), &subnet.id)
        .set(&name("AssociatePublicIpAddress"), public)
        .set(&name("DeleteOnTermination"), true)
        .set(&name("Ipv6AddressCount"), if count > 0 { count.to_string() } else { String::new() })
        .set_if(&name("PrimaryIpv6"), record.enable_primary_ipv6)
        .list(&name("SecurityGroupId"), &record.security_group_ids)
}

/// Containers are one hop further away than the guest.
fn metadata(params: Params, record: &Record) -> Params {
    let params = params.set("MetadataOptions.HttpEndpoint", &record.http_endpoint);
    if record.http_endpoint == "disabled" {
        return params;
    }
    params
        .set("MetadataOptions.HttpTokens", &record.http_tokens)
        .set("MetadataOptions.HttpProtocolIpv6", &record.http_protocol_ipv6)
        .set("MetadataOptions.HttpPutResponseHopLimit", 2)
}

fn spot(params: Params, record: &Record) -> Params {
    if !record.request_spot_instance {
        return params;
    }
    params
        .set("InstanceMarketOptions.MarketType", "spot")
        .set("InstanceMarketOptions.SpotOptions.MaxPrice", &record.spot_price)
        .set("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time")
}

/// The root volume as the user wants it, and no volume of the image's that stays.
fn volumes(params: Params, record: &Record, image: &Chosen) -> Params {
    let root = image.root_device(record);
    let others = match image {
        Chosen::Image(image) => image.devices.items.as_slice(),
        Chosen::Parameter(_) => &[],
    };
    let others = others.iter().filter(|it| it.ebs.is_some() && it.name != root);
    let names = std::iter::once(root).chain(others.map(|it| it.name.as_str()));
    names.enumerate().fold(params, |params, (at, device)| {
        let name = |key: &str| format!("BlockDeviceMapping.{}.{key}", at + 1);
        let params = params
            .set(&name("DeviceName"), device)
            .set(&name("Ebs.DeleteOnTermination"), true)
            .set_if(&name("Ebs.Encrypted"), record.encrypt_ebs_volume)
            .set(&name("Ebs.KmsKeyId"), &record.kms_key);
        match at {
            0 => params
                .set(&name("Ebs.VolumeSize"), record.root_size)
                .set(&name("Ebs.VolumeType"), &record.volume_type),
            _ => params,
        }
    })
}

fn user_data(record: &Record, first_boot: &FirstBoot) -> Result<String> {
    let file = match record.user_data_file.as_str() {
        "" => None,
        path => Some(std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::Flags, "unable to read --amazonec2-userdata file")
                .caused_by(error)
        })?),
    };
    let Some(text) = first_boot.user_data(file.as_deref())? else { return Ok(String::new()) };
    if text.len() > MOST_USER_DATA {
        let message = format!("the user data has {} bytes", text.len());
        return Err(Error::new(ErrorKind::Flags, message).hint("Amazon EC2 takes 16 KiB"));
    }
    Ok(BASE64_STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        Tags { store: "0123456789ab".into(), machine: "m1".into(), created: 7, expires: None }
    }

    #[test]
    fn a_users_name_counts_and_ours_stay() {
        let user = [("Name", "web"), ("machine-store", "x"), ("team", "a")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let all = pairs(&tags(), "m1", &user);
        let value = |key: &str| {
            let found: Vec<&str> =
                all.iter().filter(|(it, _)| it == key).map(|(_, it)| it.as_str()).collect();
            found.join(" ")
        };
        assert_eq!(value("Name"), "web");
        assert_eq!(value("machine-store"), "0123456789ab");
        assert_eq!(value("team"), "a");
    }

    #[test]
    fn no_volume_stays_and_metadata_wants_tokens() {
        let image = crate::xml::read(
            b"<item><imageId>ami-1</imageId><rootDeviceName>/dev/xvda</rootDeviceName>\
              <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8\
              </volumeSize></ebs></item><item><deviceName>/dev/sdb</deviceName><ebs/></item><item>\
              <deviceName>/dev/sdc</deviceName></item></blockDeviceMapping></item>",
        )
        .unwrap();
        let subnet = crate::xml::read(
            b"<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>\
              <availabilityZone>eu-west-1a</availabilityZone></item>",
        )
        .unwrap();
        let mut record = Record::default();
        record.root_size = 16;
        record.http_endpoint = "enabled".into();
        record.http_tokens = "required".into();
        let params =
            params(&record, &Chosen::Image(image), &subnet, &tags(), &FirstBoot::default());
        let form = params.unwrap().form("RunInstances");
        let value = |key: &str| {
            form.iter().find(|(it, _)| it == key).map_or("", |(_, value)| value.as_str())
        };
        assert_eq!(value("BlockDeviceMapping.1.DeviceName"), "/dev/xvda");
        assert_eq!(value("BlockDeviceMapping.1.Ebs.VolumeSize"), "16");
        assert_eq!(value("BlockDeviceMapping.2.DeviceName"), "/dev/sdb");
        assert_eq!(value("BlockDeviceMapping.2.Ebs.DeleteOnTermination"), "true");
        assert_eq!(value("BlockDeviceMapping.3.DeviceName"), "");
        assert_eq!(value("MetadataOptions.HttpTokens"), "required");
        assert_eq!(value("TagSpecification.3.ResourceType"), "network-interface");
    }
}
