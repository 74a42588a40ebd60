use machine_driver::{Flag, cloud};

pub(crate) const API_URL: &str = "https://api.hetzner.cloud/v1";

/// The image if the user names none. When it has gone, the newest long-term Ubuntu stands in.
pub(crate) const IMAGE: &str = "ubuntu-24.04";

const KEY_ID: &str = "SSH key of the project to let in, instead of one of the machine's own";
const KEY_PATH: &str = "Private half of that key; alone, a key of yours to upload";
const PRIVATE: &str = "Reach the machine by its address in the first network";
const OLD: &str = "Accepted for old scripts, and unused";

/// The plugin's, in its order, then ours.
pub(crate) fn flags() -> Vec<Flag> {
    let table = [
        Flag::text("api-token", "", None, "Token of the project").secret(),
        Flag::text("image", "", Some(IMAGE), "Image, by name"),
        Flag::text("image-id", "", None, "Image or snapshot, by number"),
        Flag::text("image-arch", "", None, "x86 or arm; none: the server type's"),
        Flag::text("server-type", "HETZNER_TYPE", Some("cx23"), "Server type"),
        Flag::text("server-location", "HETZNER_LOCATION", None, "Location; none: any"),
        Flag::text("existing-key-id", "", None, KEY_ID),
        Flag::text("existing-key-path", "", None, KEY_PATH),
        Flag::text("user-data", "", None, "User data").secret(),
        Flag::bool("user-data-from-file", "", "Old: the user data is a file's name"),
        Flag::text("user-data-file", "", None, "File with user data, as --cloud-init"),
        Flag::list("volumes", "", "Volume to attach, by name or number"),
        Flag::list("networks", "", "Private network, by name or number"),
        Flag::bool("use-private-network", "", PRIVATE),
        Flag::bool("disable-public-ipv4", "", "No public IPv4 address"),
        Flag::bool("disable-public-4", "", "Old: --hetzner-disable-public-ipv4"),
        Flag::bool("disable-public-ipv6", "", "No public IPv6 address"),
        Flag::bool("disable-public-6", "", "Old: --hetzner-disable-public-ipv6"),
        Flag::bool("disable-public", "", "No public address, but a private network"),
        Flag::text("primary-ipv4", "", None, "Primary IPv4, by address, name or number"),
        Flag::text("primary-ipv6", "", None, "Primary IPv6, by address, name or number"),
        Flag::list("firewalls", "", "Further firewall, by name or number"),
        Flag::list("additional-key", "HETZNER_ADDITIONAL_KEYS", "Public key to let in too"),
        Flag::list("server-label", "HETZNER_SERVER_LABELS", "Label for the server: key=value"),
        Flag::list("key-label", "HETZNER_KEY_LABELS", "Label for its keys: key=value"),
        Flag::text("placement-group", "", None, "Placement group, by name or number"),
        Flag::bool("auto-spread", "", "Not supported: name a placement group"),
        Flag::text("ssh-user", "", Some("root"), "User to log in as"),
        Flag::int("ssh-port", "", Some(22), "Port of the SSH server"),
        Flag::int("wait-on-error", "", Some(0), OLD),
        Flag::int("wait-on-polling", "", Some(1), OLD),
        Flag::int("wait-for-running-timeout", "", Some(0), OLD),
        Flag::text("api-url", "", Some(API_URL), "Address of the interface"),
    ];
    cloud::flags("hetzner", table)
}

/// A token has no finer rights.
pub(crate) const PERMISSIONS: &str = "a token of the project with the right to read and write";
