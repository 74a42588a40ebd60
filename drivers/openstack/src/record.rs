use machine_driver::{BaseRecord, Context, FlagValues, Origin, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::flags::{PASSWORD, PASSWORD_VARIABLE, SECRET, SECRET_VARIABLE, TOKEN, TOKEN_VARIABLE};

/// The `Driver` object of `config.json`: docker-machine's keys in its order, then
/// rancher-machine's and ours where they say something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) base: BaseRecord,
    pub(crate) auth_url: String,
    pub(crate) active_timeout: u64,
    pub(crate) insecure: bool,
    pub(crate) ca_cert: String,
    /// rancher-machine writes `DomainId`.
    #[serde(rename = "DomainID", alias = "DomainId")]
    pub(crate) domain_id: String,
    pub(crate) domain_name: String,
    pub(crate) username: String,
    pub(crate) password: Secret,
    pub(crate) tenant_name: String,
    pub(crate) tenant_id: String,
    pub(crate) region: String,
    pub(crate) availability_zone: String,
    pub(crate) endpoint_type: String,
    /// Empty while there is none.
    pub(crate) machine_id: String,
    pub(crate) flavor_name: String,
    pub(crate) flavor_id: String,
    pub(crate) image_name: String,
    pub(crate) image_id: String,
    pub(crate) key_pair_name: String,
    pub(crate) network_name: String,
    pub(crate) network_id: String,
    /// docker-machine keeps the content of the file here, in base64.
    pub(crate) user_data: Value,
    pub(crate) private_key_file: String,
    pub(crate) security_groups: Option<Vec<String>>,
    pub(crate) floating_ip_pool: String,
    pub(crate) compute_network: bool,
    pub(crate) floating_ip_pool_id: String,
    pub(crate) ip_version: u8,
    pub(crate) config_drive: bool,
    pub(crate) existing_key: bool,
    #[serde(flatten)]
    pub(crate) rancher: Rancher,
    #[serde(flatten)]
    pub(crate) ours: Ours,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// What rancher-machine has added.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Rancher {
    #[serde(rename = "IPv6Address", skip_serializing_if = "String::is_empty")]
    pub(crate) ipv6_address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) tenant_domain_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) tenant_domain_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_domain_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_domain_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) application_credential_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) application_credential_name: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) application_credential_secret: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) server_group_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) server_group_id: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) boot_from_volume: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) volume_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) volume_device_path: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) volume_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) volume_type: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) volume_size: u64,
}

/// What neither has a key for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Ours {
    /// The entry of `clouds.yaml` that says all that no other key says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) cloud: String,
    /// The file in which it is, if it is not in one of the usual places.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) clouds_file: String,
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) token: Secret,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_cert: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_data_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) metadata: String,
    /// The project that the machine is in, so that "not found" in another one is not taken for
    /// "gone".
    #[serde(rename = "ProjectID", skip_serializing_if = "String::is_empty")]
    pub(crate) project_id: String,
    /// Key pairs belong to users.
    #[serde(rename = "KeyPairUserID", skip_serializing_if = "String::is_empty")]
    pub(crate) key_pair_user_id: String,
    /// The region in which the machine is, wherever its name came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) region_in_use: String,
    #[serde(rename = "FloatingIPID", skip_serializing_if = "String::is_empty")]
    pub(crate) floating_ip_id: String,
    #[serde(rename = "PrivateIPAddress", skip_serializing_if = "String::is_empty")]
    pub(crate) private_ip_address: String,
    /// The volume was made with the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) volume_is_own: bool,
    /// Something may have been made whose id is not recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) may_have_more: bool,
}

impl Record {
    pub(crate) fn new(cx: &Context, values: &FlagValues) -> Self {
        let text = |name: &str| values.text(name).unwrap_or_default().to_owned();
        let cloud = text("openstack-cloud");
        // Whoever names a cloud means its entry, not what another one's openrc has left in the
        // environment.
        let named = |name: &str| match values.origin(name) {
            Origin::Flag => text(name),
            _ if cloud.is_empty() => text(name),
            _ => String::new(),
        };
        let modern = |name: &str, variable: &str| match named(name) {
            given if given.is_empty() && cloud.is_empty() => {
                cx.environment.var(variable).unwrap_or_default().to_owned()
            }
            given => given,
        };
        let secret = |name: &str, variable: &str| match named(name).as_str() {
            "" => Secret::default(),
            _ => Secret::from_flag(cx, values, name, variable).unwrap_or_default(),
        };
        let groups = text("openstack-sec-groups");
        let groups: Vec<String> = groups
            .split(',')
            .map(str::trim)
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
            .collect();
        let number = |name: &str| {
            values.int(name).and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
        };
        Self {
            base: base(cx, values),
            auth_url: named("openstack-auth-url"),
            active_timeout: number("openstack-active-timeout"),
            insecure: is_named(values, "openstack-insecure", &cloud),
            ca_cert: named("openstack-cacert"),
            domain_id: named("openstack-domain-id"),
            domain_name: named("openstack-domain-name"),
            username: named("openstack-username"),
            password: secret(PASSWORD, PASSWORD_VARIABLE),
            tenant_name: modern("openstack-tenant-name", "OS_PROJECT_NAME"),
            tenant_id: modern("openstack-tenant-id", "OS_PROJECT_ID"),
            region: named("openstack-region"),
            availability_zone: text("openstack-availability-zone"),
            endpoint_type: modern("openstack-endpoint-type", "OS_INTERFACE"),
            flavor_name: text("openstack-flavor-name"),
            flavor_id: text("openstack-flavor-id"),
            image_name: text("openstack-image-name"),
            image_id: text("openstack-image-id"),
            key_pair_name: text("openstack-keypair-name"),
            network_name: text("openstack-net-name"),
            network_id: text("openstack-net-id"),
            private_key_file: text("openstack-private-key-file"),
            security_groups: Some(groups).filter(|groups| !groups.is_empty()),
            floating_ip_pool: text("openstack-floatingip-pool"),
            compute_network: values.bool("openstack-nova-network"),
            ip_version: u8::try_from(number("openstack-ip-version")).unwrap_or_default(),
            config_drive: values.bool("openstack-config-drive"),
            existing_key: values.text("openstack-keypair-name").is_some(),
            rancher: Rancher {
                user_id: named("openstack-user-id"),
                tenant_domain_name: modern(
                    "openstack-tenant-domain-name",
                    "OS_PROJECT_DOMAIN_NAME",
                ),
                tenant_domain_id: modern("openstack-tenant-domain-id", "OS_PROJECT_DOMAIN_ID"),
                user_domain_name: named("openstack-user-domain-name"),
                user_domain_id: named("openstack-user-domain-id"),
                application_credential_id: named("openstack-application-credential-id"),
                application_credential_name: named("openstack-application-credential-name"),
                application_credential_secret: secret(SECRET, SECRET_VARIABLE),
                server_group_name: text("openstack-server-group-name"),
                server_group_id: text("openstack-server-group-id"),
                boot_from_volume: values.bool("openstack-boot-from-volume"),
                volume_name: text("openstack-volume-name"),
                volume_device_path: text("openstack-volume-device-path"),
                volume_id: text("openstack-volume-id"),
                volume_type: text("openstack-volume-type"),
                volume_size: number("openstack-volume-size"),
                ..Rancher::default()
            },
            ours: Ours {
                token: secret(TOKEN, TOKEN_VARIABLE),
                client_cert: named("openstack-cert"),
                client_key: named("openstack-key"),
                user_data_file: text("openstack-user-data-file"),
                metadata: text("openstack-metadata"),
                cloud,
                ..Ours::default()
            },
            ..Self::default()
        }
    }

    /// Tells projects and regions apart, for people. No secret is in it.
    pub(crate) fn place(&self) -> String {
        let Ours { cloud, region_in_use, .. } = &self.ours;
        let user = [&self.username, &self.rancher.user_id, &self.rancher.application_credential_id];
        let project = [&self.tenant_id, &self.tenant_name];
        let region = if self.region.is_empty() { region_in_use } else { &self.region };
        let parts = [cloud, &self.auth_url].into_iter().chain(project).chain(user).chain([region]);
        let parts: Vec<&str> = parts.map(String::as_str).filter(|it| !it.is_empty()).collect();
        parts.join(" ")
    }

    /// Whether the server's security groups are the user's choice.
    pub(crate) fn groups(&self) -> &[String] {
        self.security_groups.as_deref().unwrap_or_default()
    }

    /// Whether a volume beside the root disk is to be made.
    pub(crate) fn wants_volume(&self) -> bool {
        let Rancher { boot_from_volume, volume_id, volume_size, .. } = &self.rancher;
        *volume_size > 0 && !boot_from_volume && (volume_id.is_empty() || self.ours.volume_is_own)
    }
}

fn base(cx: &Context, values: &FlagValues) -> BaseRecord {
    let port = values.int("openstack-ssh-port").and_then(|port| u16::try_from(port).ok());
    BaseRecord {
        ssh_user: values.text("openstack-ssh-user").unwrap_or_default().to_owned(),
        ssh_port: port.unwrap_or_default(),
        ..BaseRecord::of(cx)
    }
}

fn is_named(values: &FlagValues, name: &str, cloud: &str) -> bool {
    values.bool(name) && (cloud.is_empty() || values.origin(name) == Origin::Flag)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_domain_are_read_and_strange_keys_stay() {
        for key in ["DomainID", "DomainId"] {
            let text = format!(r#"{{"{key}":"default","MachineId":"s","Strange":[1]}}"#);
            let record: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(record.domain_id, "default");
            let written = serde_json::to_value(&record).unwrap();
            assert_eq!(written["Strange"][0], 1);
            assert_eq!(written["DomainID"], "default");
            assert_eq!(written.get("VolumeSize"), None);
        }
    }
}
