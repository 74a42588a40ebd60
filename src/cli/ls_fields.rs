//! The options of a machine as templates of `ls` name them: with the names of docker-machine's Go
//! structs, which are not quite those of the record.

use gotmpl::Value;

use crate::output::template::structure;
use crate::store::{EngineOptions, SwarmOptions};

pub(super) fn engine(options: &EngineOptions) -> Value {
    structure("*engine.Options", engine_fields(options))
}

pub(super) fn swarm(options: &SwarmOptions) -> Value {
    structure("*swarm.Options", swarm_fields(options))
}

pub(super) fn engine_fields(options: &EngineOptions) -> Vec<(&'static str, Value)> {
    vec![
        ("ArbitraryFlags", list(&options.arbitrary_flags)),
        ("DNS", list(options.dns.as_deref().unwrap_or_default())),
        ("GraphDir", text(&options.graph_dir)),
        ("Env", list(&options.env)),
        ("Ipv6", Value::Bool(options.ipv6)),
        ("InsecureRegistry", list(&options.insecure_registry)),
        ("Labels", list(&options.labels)),
        ("LogLevel", text(&options.log_level)),
        ("StorageDriver", text(&options.storage_driver)),
        ("SelinuxEnabled", Value::Bool(options.selinux_enabled)),
        ("TLSVerify", Value::Bool(options.tls_verify)),
        ("RegistryMirror", list(&options.registry_mirror)),
        ("InstallURL", text(&options.install_url)),
    ]
}

pub(super) fn swarm_fields(options: &SwarmOptions) -> Vec<(&'static str, Value)> {
    vec![
        ("IsSwarm", Value::Bool(options.is_swarm)),
        ("Address", text(&options.address)),
        ("Discovery", text(&options.discovery)),
        ("Agent", Value::Bool(options.agent)),
        ("Master", Value::Bool(options.master)),
        ("Host", text(&options.host)),
        ("Image", text(&options.image)),
        ("Strategy", text(&options.strategy)),
        ("Heartbeat", Value::Int(options.heartbeat)),
        ("Overcommit", Value::Float(options.overcommit)),
        ("ArbitraryFlags", list(&options.arbitrary_flags)),
        ("ArbitraryJoinFlags", list(&options.arbitrary_join_flags)),
        ("Env", list(options.env.as_deref().unwrap_or_default())),
        ("IsExperimental", Value::Bool(options.is_experimental)),
    ]
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn list(items: &[String]) -> Value {
    Value::from(items.iter().map(|item| text(item)).collect::<Vec<_>>())
}
