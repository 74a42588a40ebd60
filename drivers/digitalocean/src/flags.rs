use machine_driver::{Flag, cloud};

pub(crate) const API_URL: &str = "https://api.digitalocean.com";

/// The image if the user names none. When it has gone, the newest long-term Ubuntu stands in.
pub(crate) const IMAGE: &str = "ubuntu-24-04-x64";

const KEY: &str = "SSH key of the account to let in, instead of one of the machine's own";
const KEY_PATH: &str =
    "Private half of the key with that fingerprint; none: agent and default keys";
const PRIVATE: &str = "Accepted for old scripts: every droplet has a private network today";
const VPC: &str = "Private network for the droplet instead of the region's own";

/// docker-machine's fourteen, then ours.
pub(crate) fn flags() -> Vec<Flag> {
    let table = [
        Flag::text("access-token", "", None, "Token of the account").secret(),
        Flag::text("ssh-user", "", Some("root"), "User to log in as"),
        Flag::text("ssh-key-fingerprint", "", None, KEY),
        Flag::text("ssh-key-path", "", None, KEY_PATH),
        Flag::int("ssh-port", "", Some(22), "Port of the SSH server"),
        Flag::text("image", "", Some(IMAGE), "Image, by slug or number"),
        Flag::text("region", "", Some("nyc3"), "Region"),
        Flag::text("size", "", Some("s-1vcpu-1gb"), "Size"),
        Flag::bool("ipv6", "", "Give the droplet an IPv6 address too"),
        Flag::bool("private-networking", "", PRIVATE),
        Flag::bool("backups", "", "Let DigitalOcean make backups"),
        Flag::text("userdata", "", None, "File with user data, as --cloud-init"),
        Flag::bool("monitoring", "", "Install the metrics agent"),
        Flag::text("tags", "", None, "Tags for the droplet: a,b,c"),
        Flag::text("vpc-uuid", "", None, VPC),
        Flag::text("api-url", "", Some(API_URL), "Address of the interface"),
    ];
    cloud::flags("digitalocean", table)
}

/// The least that a token must be allowed: DigitalOcean's scopes.
pub(crate) const PERMISSIONS: &str = "\
account:read
droplet:create, droplet:read, droplet:update, droplet:delete
ssh_key:create, ssh_key:read, ssh_key:delete
firewall:create, firewall:read, firewall:update, firewall:delete
tag:create, tag:read, tag:delete
regions:read, sizes:read, image:read, vpc:read, actions:read";
