use machine_driver::Flag;

pub(crate) const TOKEN: &str = "digitalocean-access-token";
pub(crate) const TOKEN_VARIABLE: &str = "DIGITALOCEAN_ACCESS_TOKEN";
pub(crate) const API_URL: &str = "https://api.digitalocean.com";

/// The image if the user names none. When it has gone, the newest long-term Ubuntu stands in.
pub(crate) const IMAGE: &str = "ubuntu-24-04-x64";

/// docker-machine's fourteen, then ours.
pub(crate) fn flags() -> Vec<Flag> {
    vec![
        Flag::text(TOKEN, TOKEN_VARIABLE, None, "Token of the account").secret(),
        Flag::text(
            "digitalocean-ssh-user",
            "DIGITALOCEAN_SSH_USER",
            Some("root"),
            "User to log in as",
        ),
        Flag::text(
            "digitalocean-ssh-key-fingerprint",
            "DIGITALOCEAN_SSH_KEY_FINGERPRINT",
            None,
            "SSH key of the account to let in, instead of one of the machine's own",
        ),
        Flag::text(
            "digitalocean-ssh-key-path",
            "DIGITALOCEAN_SSH_KEY_PATH",
            None,
            "Private half of the key with that fingerprint; none: agent and default keys",
        ),
        Flag::int(
            "digitalocean-ssh-port",
            "DIGITALOCEAN_SSH_PORT",
            Some(22),
            "Port of the SSH server",
        ),
        Flag::text(
            "digitalocean-image",
            "DIGITALOCEAN_IMAGE",
            Some(IMAGE),
            "Image, by slug or number",
        ),
        Flag::text("digitalocean-region", "DIGITALOCEAN_REGION", Some("nyc3"), "Region"),
        Flag::text("digitalocean-size", "DIGITALOCEAN_SIZE", Some("s-1vcpu-1gb"), "Size"),
        Flag::bool(
            "digitalocean-ipv6",
            "DIGITALOCEAN_IPV6",
            "Give the droplet an IPv6 address too",
        ),
        Flag::bool(
            "digitalocean-private-networking",
            "DIGITALOCEAN_PRIVATE_NETWORKING",
            "Accepted for old scripts: every droplet has a private network today",
        ),
        Flag::bool("digitalocean-backups", "DIGITALOCEAN_BACKUPS", "Let DigitalOcean make backups"),
        Flag::text(
            "digitalocean-userdata",
            "DIGITALOCEAN_USERDATA",
            None,
            "File with user data, as --cloud-init",
        ),
        Flag::bool(
            "digitalocean-monitoring",
            "DIGITALOCEAN_MONITORING",
            "Install the metrics agent",
        ),
        Flag::text("digitalocean-tags", "DIGITALOCEAN_TAGS", None, "Tags for the droplet: a,b,c"),
        Flag::text(
            "digitalocean-vpc-uuid",
            "DIGITALOCEAN_VPC_UUID",
            None,
            "Private network for the droplet instead of the region's own",
        ),
        Flag::text(
            "digitalocean-api-url",
            "DIGITALOCEAN_API_URL",
            Some(API_URL),
            "Address of the interface",
        ),
    ]
}

/// The least that a token must be allowed: DigitalOcean's scopes.
pub(crate) const PERMISSIONS: &str = "\
account:read
droplet:create, droplet:read, droplet:update, droplet:delete
ssh_key:create, ssh_key:read, ssh_key:delete
firewall:create, firewall:read, firewall:update, firewall:delete
tag:create, tag:read, tag:delete
regions:read, sizes:read, image:read, vpc:read, actions:read";
