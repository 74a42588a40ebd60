use machine_driver::{BaseRecord, Context, FlagValues, Secret};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::flags::{
    ACCESS_KEY, ACCESS_KEY_VARIABLE, SECRET_KEY, SECRET_KEY_VARIABLE, SESSION_TOKEN,
    SESSION_TOKEN_VARIABLE,
};

/// The `Driver` object of `config.json`: docker-machine's keys in its order, rancher-machine's, and
/// ours where they say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    /// Says nothing: docker-machine makes it up and never uses it.
    id: String,
    pub(crate) access_key: Secret,
    pub(crate) secret_key: Secret,
    pub(crate) session_token: Secret,
    pub(crate) region: String,
    #[serde(rename = "AMI")]
    pub(crate) ami: String,
    #[serde(rename = "SSHKeyID")]
    ssh_key_id: i64,
    pub(crate) existing_key: bool,
    pub(crate) key_name: String,
    pub(crate) instance_id: String,
    pub(crate) instance_type: String,
    #[serde(rename = "PrivateIPAddress")]
    pub(crate) private_ip_address: String,
    security_group_id: String,
    #[serde(deserialize_with = "list")]
    pub(crate) security_group_ids: Vec<String>,
    security_group_name: String,
    #[serde(deserialize_with = "list")]
    pub(crate) security_group_names: Vec<String>,
    pub(crate) security_group_read_only: bool,
    #[serde(deserialize_with = "list", serialize_with = "null_if_empty")]
    pub(crate) open_ports: Vec<String>,
    pub(crate) tags: String,
    reservation_id: String,
    pub(crate) device_name: String,
    pub(crate) root_size: i64,
    pub(crate) volume_type: String,
    pub(crate) iam_instance_profile: String,
    pub(crate) vpc_id: String,
    pub(crate) subnet_id: String,
    pub(crate) zone: String,
    pub(crate) request_spot_instance: bool,
    pub(crate) spot_price: String,
    pub(crate) block_duration_minutes: i64,
    #[serde(rename = "PrivateIPOnly")]
    pub(crate) private_ip_only: bool,
    #[serde(rename = "UsePrivateIP")]
    pub(crate) use_private_ip: bool,
    pub(crate) use_ebs_optimized_instance: bool,
    pub(crate) monitoring: bool,
    #[serde(rename = "SSHPrivateKeyPath")]
    pub(crate) ssh_private_key_path: String,
    pub(crate) retry_count: i64,
    endpoint: String,
    #[serde(rename = "DisableSSL")]
    disable_ssl: bool,
    pub(crate) user_data_file: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) encrypt_ebs_volume: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) kms_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) http_endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) http_tokens: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) http_protocol_ipv6: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) enable_primary_ipv6: bool,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) ipv6_address_count: i64,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) ipv6_address_only: bool,
    #[serde(rename = "IPv6Address", skip_serializing_if = "String::is_empty")]
    pub(crate) ipv6_address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) profile: String,
    /// Makes a repeated launch harmless.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_token: String,
    /// Seconds since 1970 of the first attempt to make it, which its tags say.
    #[serde(skip_serializing_if = "is_zero_u64")]
    pub(crate) created: u64,
    /// Something may have been made whose id is not recorded.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) may_have_more: bool,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Record {
    pub(crate) fn new(cx: &Context, values: &FlagValues) -> Self {
        let text = |name: &str| values.text(&format!("amazonec2-{name}")).unwrap_or_default();
        let owned = |name: &str| text(name).to_owned();
        let bool = |name: &str| values.bool(&format!("amazonec2-{name}"));
        let int = |name: &str| values.int(&format!("amazonec2-{name}")).unwrap_or_default();
        let list = |name: &str| values.list(&format!("amazonec2-{name}")).to_vec();
        let secret =
            |flag, variable| Secret::from_flag(cx, values, flag, variable).unwrap_or_default();
        let newer = cx.environment.var("AWS_REGION");
        let region = newer.filter(|_| !values.given("amazonec2-region")).unwrap_or(text("region"));
        let base = BaseRecord {
            ssh_user: match text("ssh-user") {
                "" if text("ami").starts_with("debian-") => "admin".to_owned(),
                "" => "ubuntu".to_owned(),
                user => user.to_owned(),
            },
            ssh_port: u16::try_from(int("ssh-port")).unwrap_or_default(),
            ..BaseRecord::of(cx)
        };
        Self {
            base,
            access_key: secret(ACCESS_KEY, ACCESS_KEY_VARIABLE),
            secret_key: secret(SECRET_KEY, SECRET_KEY_VARIABLE),
            session_token: secret(SESSION_TOKEN, SESSION_TOKEN_VARIABLE),
            profile: owned("profile"),
            region: region.to_owned(),
            ami: owned("ami"),
            existing_key: !text("keypair-name").is_empty(),
            key_name: owned("keypair-name"),
            instance_type: owned("instance-type"),
            security_group_names: list("security-group"),
            security_group_read_only: bool("security-group-readonly"),
            open_ports: list("open-port"),
            tags: owned("tags"),
            device_name: owned("device-name"),
            root_size: int("root-size"),
            volume_type: owned("volume-type"),
            iam_instance_profile: owned("iam-instance-profile"),
            vpc_id: owned("vpc-id"),
            subnet_id: owned("subnet-id"),
            zone: owned("zone"),
            request_spot_instance: bool("request-spot-instance"),
            spot_price: owned("spot-price"),
            block_duration_minutes: int("block-duration-minutes"),
            private_ip_only: bool("private-address-only"),
            use_private_ip: bool("use-private-address"),
            use_ebs_optimized_instance: bool("use-ebs-optimized-instance"),
            monitoring: bool("monitoring"),
            ssh_private_key_path: owned("ssh-keypath"),
            retry_count: int("retries"),
            endpoint: owned("endpoint"),
            disable_ssl: bool("insecure-transport"),
            user_data_file: owned("userdata"),
            encrypt_ebs_volume: bool("encrypt-ebs-volume"),
            kms_key: owned("kms-key"),
            http_endpoint: owned("http-endpoint"),
            http_tokens: owned("http-tokens"),
            http_protocol_ipv6: owned("http-protocol-ipv6"),
            enable_primary_ipv6: bool("enable-primary-ipv6"),
            ipv6_address_count: int("ipv6-address-count"),
            ipv6_address_only: bool("ipv6-address-only"),
            ..Self::default()
        }
    }

    /// Whether the interface is not Amazon's own in that region.
    pub(crate) fn has_endpoint(&self) -> bool {
        !self.endpoint.is_empty()
    }

    pub(crate) fn is_insecure_without_endpoint(&self) -> bool {
        self.disable_ssl && self.endpoint.is_empty()
    }

    /// Where the interface is.
    pub(crate) fn url(&self) -> String {
        let region = self.signing_region();
        match self.endpoint.as_str() {
            "" if region.starts_with("cn-") => format!("https://ec2.{region}.amazonaws.com.cn"),
            "" => format!("https://ec2.{region}.amazonaws.com"),
            endpoint if endpoint.contains("://") => endpoint.to_owned(),
            endpoint if self.disable_ssl => format!("http://{endpoint}"),
            endpoint => format!("https://{endpoint}"),
        }
    }

    /// docker-machine records no region where it records an endpoint.
    pub(crate) fn signing_region(&self) -> &str {
        if self.region.is_empty() { "us-east-1" } else { &self.region }
    }

    /// A letter goes with the region; whole names are those of local zones and of other clouds.
    pub(crate) fn whole_zone(&self) -> String {
        match self.zone.as_str() {
            zone if zone.len() == 1 && !self.region.is_empty() => format!("{}{zone}", self.region),
            zone => zone.to_owned(),
        }
    }

    /// The address by which the machine is used.
    pub(crate) fn uses_private_address(&self) -> bool {
        self.private_ip_only || self.use_private_ip
    }

    /// Whether the key pair in the account is this machine's own.
    pub(crate) fn owns_key(&self) -> bool {
        !self.existing_key
    }

    /// The user's tags. A key without a value at the end does not count, as in docker-machine.
    pub(crate) fn user_tags(&self) -> Vec<(String, String)> {
        let words: Vec<&str> = self.tags.split(',').map(str::trim).collect();
        words.chunks_exact(2).map(|it| (it[0].to_owned(), it[1].to_owned())).collect()
    }

    pub(crate) fn ssh_port(&self) -> u16 {
        if self.base.ssh_port == 0 { 22 } else { self.base.ssh_port }
    }
}

/// Go writes an empty list as `null`.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn null_if_empty<S: serde::Serializer>(list: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match list {
        [] => serializer.serialize_none(),
        list => list.serialize(serializer),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in references")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in references")]
fn is_zero(value: &i64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in references")]
fn is_zero_u64(value: &u64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_machines_record_is_written_as_it_was_read() {
        let golden = include_str!("../../../tests/golden/records/amazonec2.json");
        let golden: Value = serde_json::from_str(golden).unwrap();
        let record: Record = serde_json::from_value(golden["Driver"].clone()).unwrap();
        assert_eq!(record.url(), "http://127.0.0.1:1");
        assert_eq!(record.whole_zone(), "eu-central-1a");
        assert!(record.owns_key());
        let written = serde_json::to_string(&record).unwrap();
        assert_eq!(written, serde_json::to_string(&golden["Driver"]).unwrap());
    }

    #[test]
    fn tags_come_in_pairs() {
        let tags = |text: &str| Record { tags: text.into(), ..Record::default() }.user_tags();
        assert_eq!(tags(""), []);
        assert_eq!(tags("a, 1,b,"), [("a".into(), "1".into()), ("b".into(), String::new())]);
        assert_eq!(tags("a,1,b"), [("a".into(), "1".into())]);
    }
}
