//! `HostOptions` of a record, with docker-machine's key names, order and defaults.
//!
//! A list that was never set is `null` there, an empty one `[]`; both are read. What stands here is
//! not all that a record may hold: [`super::Record`] keeps the rest.

use serde::{Deserialize, Serialize};

use super::keys;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HostOptions {
    pub driver: String,
    pub memory: i64,
    pub disk: i64,
    #[serde(deserialize_with = "keys::or_default")]
    pub engine_options: EngineOptions,
    #[serde(deserialize_with = "keys::or_default")]
    pub swarm_options: SwarmOptions,
    #[serde(deserialize_with = "keys::or_default")]
    pub auth_options: AuthOptions,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EngineOptions {
    #[serde(deserialize_with = "keys::or_default")]
    pub arbitrary_flags: Vec<String>,
    pub dns: Option<Vec<String>>,
    pub graph_dir: String,
    #[serde(deserialize_with = "keys::or_default")]
    pub env: Vec<String>,
    pub ipv6: bool,
    #[serde(deserialize_with = "keys::or_default")]
    pub insecure_registry: Vec<String>,
    #[serde(deserialize_with = "keys::or_default")]
    pub labels: Vec<String>,
    pub log_level: String,
    pub storage_driver: String,
    pub selinux_enabled: bool,
    pub tls_verify: bool,
    #[serde(deserialize_with = "keys::or_default")]
    pub registry_mirror: Vec<String>,
    #[serde(rename = "InstallURL")]
    pub install_url: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SwarmOptions {
    pub is_swarm: bool,
    pub address: String,
    pub discovery: String,
    pub agent: bool,
    pub master: bool,
    pub host: String,
    pub image: String,
    pub strategy: String,
    pub heartbeat: i64,
    pub overcommit: f64,
    #[serde(deserialize_with = "keys::or_default")]
    pub arbitrary_flags: Vec<String>,
    #[serde(deserialize_with = "keys::or_default")]
    pub arbitrary_join_flags: Vec<String>,
    pub env: Option<Vec<String>>,
    pub is_experimental: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthOptions {
    pub cert_dir: String,
    pub ca_cert_path: String,
    pub ca_private_key_path: String,
    pub ca_cert_remote_path: String,
    pub server_cert_path: String,
    pub server_key_path: String,
    pub client_key_path: String,
    pub server_cert_remote_path: String,
    pub server_key_remote_path: String,
    pub client_cert_path: String,
    #[serde(rename = "ServerCertSANs", deserialize_with = "keys::or_default")]
    pub server_cert_sans: Vec<String>,
    /// The machine's directory, where clients look for the certificates.
    pub store_path: String,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            arbitrary_flags: Vec::new(),
            dns: None,
            graph_dir: String::new(),
            env: Vec::new(),
            ipv6: false,
            insecure_registry: Vec::new(),
            labels: Vec::new(),
            log_level: String::new(),
            storage_driver: String::new(),
            selinux_enabled: false,
            tls_verify: true,
            registry_mirror: Vec::new(),
            install_url: "https://get.docker.com".to_owned(),
        }
    }
}

impl Default for SwarmOptions {
    fn default() -> Self {
        Self {
            is_swarm: false,
            address: String::new(),
            discovery: String::new(),
            agent: false,
            master: false,
            host: "tcp://0.0.0.0:3376".to_owned(),
            image: "swarm:latest".to_owned(),
            strategy: "spread".to_owned(),
            heartbeat: 0,
            overcommit: 0.0,
            arbitrary_flags: Vec::new(),
            arbitrary_join_flags: Vec::new(),
            env: None,
            is_experimental: false,
        }
    }
}
