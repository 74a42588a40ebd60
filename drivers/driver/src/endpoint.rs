use std::net::IpAddr;
use std::path::PathBuf;

/// How a machine is reached, as last recorded; reading it costs nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The address that `ip` prints. `None` while the machine has none.
    pub ip: Option<String>,
    /// The address that other machines of the same private network use.
    pub private_ip: Option<IpAddr>,
    /// The Docker endpoint, for example `tcp://127.0.0.1:32769`.
    pub docker_url: Option<String>,
    pub ssh: Option<SshTarget>,
}

/// Where and as whom to log in.
///
/// Without a `key` it is the user's own SSH configuration, agent and default keys that let them
/// in; it then also decides on an empty `user` and on port 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub key: PathBuf,
}
