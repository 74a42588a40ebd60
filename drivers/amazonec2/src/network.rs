//! Where in the region an instance goes.

use machine_driver::{Error, ErrorKind, Result, cloud};
use serde::{Deserialize, Serialize};

use crate::params::Params;
use crate::place::Place;
use crate::record::Record;
use crate::xml::Set;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subnet {
    #[serde(rename = "subnetId")]
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) availability_zone: String,
    #[serde(default)]
    default_for_az: bool,
}

#[derive(Deserialize)]
struct Subnets {
    #[serde(default, rename = "subnetSet")]
    subnets: Set<Subnet>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Vpc {
    vpc_id: String,
}

#[derive(Deserialize)]
struct Vpcs {
    #[serde(default, rename = "vpcSet")]
    vpcs: Set<Vpc>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Zone {
    zone_name: String,
}

#[derive(Deserialize)]
struct Zones {
    #[serde(default, rename = "availabilityZoneInfo")]
    zones: Set<Zone>,
}

/// The subnet that the record asks for, with its VPC.
pub(crate) async fn subnet(place: &Place, record: &Record) -> Result<Subnet> {
    let Record { vpc_id, subnet_id, .. } = record;
    if !subnet_id.is_empty() {
        let params = Params::new().list("SubnetId", [subnet_id]);
        let found = match subnets(place, params).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            found => found?,
        };
        let found = found.into_iter().next().ok_or_else(|| {
            Error::new(ErrorKind::Flags, format!("there is no subnet `{subnet_id}`"))
                .hint("aws ec2 describe-subnets")
        })?;
        if !vpc_id.is_empty() && *vpc_id != found.vpc_id {
            let message = format!("subnet `{subnet_id}` is not in VPC `{vpc_id}`");
            return Err(Error::new(ErrorKind::Flags, message)
                .hint(format!("--amazonec2-vpc-id {}", found.vpc_id)));
        }
        return Ok(found);
    }
    let vpc = match vpc_id.as_str() {
        "" => default_vpc(place).await?,
        id => id.to_owned(),
    };
    let of_vpc = subnets(place, Params::new().filter("vpc-id", [&vpc])).await?;
    let zone = record.whole_zone();
    let in_zone = |it: &&Subnet| it.availability_zone == zone;
    let chosen = of_vpc.iter().filter(in_zone).max_by_key(|it| it.default_for_az);
    if let Some(chosen) = chosen {
        return Ok(chosen.clone());
    }
    let zones: Vec<String> = place
        .catalogue("zones", async || {
            let found: Zones = place.fetch("DescribeAvailabilityZones", Params::new()).await?;
            Ok(found.zones.items.into_iter().map(|it| it.zone_name).collect())
        })
        .await?;
    if !zones.contains(&zone) {
        let there = zones.iter().map(String::as_str);
        return Err(cloud::unknown("amazonec2-zone", "zone", &zone, there));
    }
    let mut there: Vec<&str> = of_vpc.iter().map(|it| it.availability_zone.as_str()).collect();
    there.sort_unstable();
    there.dedup();
    let message = format!(
        "unable to find a subnet that is both in the zone {zone} and belonging to VPC ID {vpc}"
    );
    let error = Error::new(ErrorKind::Flags, message);
    Err(match there.as_slice() {
        [] => {
            error.hint("is that VPC in this region, and has it subnets? `aws ec2 describe-subnets`")
        }
        there => error.hint(format!("it has subnets in {}", there.join(", "))),
    })
}

/// The texts are docker-machine's.
async fn default_vpc(place: &Place) -> Result<String> {
    let fetch = async || {
        let params = Params::new().filter("isDefault", ["true"]);
        let found: Vpcs = place.fetch("DescribeVpcs", params).await?;
        Ok(found.vpcs.items)
    };
    let found: Vec<Vpc> = place.catalogue("default-vpc", fetch).await?;
    found.into_iter().next().map(|it| it.vpc_id).ok_or_else(|| {
        place.shared.forget("default-vpc");
        Error::new(
            ErrorKind::Flags,
            "amazonec2 driver requires either the --amazonec2-subnet-id or --amazonec2-vpc-id \
             option or an AWS Account with a default vpc-id",
        )
        .hint("aws ec2 create-default-vpc")
    })
}

async fn subnets(place: &Place, params: Params) -> Result<Vec<Subnet>> {
    let pages: Vec<Subnets> = place.pages("DescribeSubnets", params).await?;
    Ok(pages.into_iter().flat_map(|page| page.subnets.items).collect())
}

impl Place {
    /// Whether this account sees the VPC: one of another account is not found.
    pub(crate) async fn sees_vpc(&self, id: &str) -> Result<bool> {
        let params = Params::new().list("VpcId", [id]);
        match self.fetch::<Vpcs>("DescribeVpcs", params).await {
            Ok(found) => Ok(!found.vpcs.items.is_empty()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::answer;

    #[test]
    fn recorded_lists() {
        if let Some(list) = answer("describe_subnets.xml") {
            let list: Subnets = crate::xml::read(&list).unwrap();
            let first = &list.subnets.items[0];
            assert_eq!(first.id, "subnet-ce0e7ce5");
            assert_eq!(
                (first.availability_zone.as_str(), first.default_for_az),
                ("us-east-1a", false)
            );
        }
        if let Some(list) = answer("describe_vpcs.xml") {
            let list: Vpcs = crate::xml::read(&list).unwrap();
            assert_eq!(list.vpcs.items[0].vpc_id, "vpc-532335e1");
        }
        if let Some(list) = answer("describe_availability_zones.xml") {
            let list: Zones = crate::xml::read(&list).unwrap();
            let names: Vec<&str> =
                list.zones.items.iter().map(|it| it.zone_name.as_str()).collect();
            assert_eq!(names, ["eu-west-1a", "eu-west-1b"]);
        }
    }
}
