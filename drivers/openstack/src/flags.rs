use machine_driver::Flag;

pub(crate) const PASSWORD: &str = "openstack-password";
pub(crate) const PASSWORD_VARIABLE: &str = "OS_PASSWORD";
pub(crate) const SECRET: &str = "openstack-application-credential-secret";
pub(crate) const SECRET_VARIABLE: &str = "OS_APPLICATION_CREDENTIAL_SECRET";
pub(crate) const TOKEN: &str = "openstack-token";
pub(crate) const TOKEN_VARIABLE: &str = "OS_TOKEN";

/// docker-machine's thirty, rancher-machine's, then ours.
pub(crate) fn flags() -> Vec<Flag> {
    [login(), server(), network(), disks(), ours()].concat()
}

fn login() -> Vec<Flag> {
    vec![
        text("openstack-auth-url", "OS_AUTH_URL", "Address of Keystone, the identity service"),
        Flag::bool("openstack-insecure", "OS_INSECURE", "Believe any TLS certificate"),
        text("openstack-cacert", "OS_CACERT", "File with the authorities (PEM) to believe instead"),
        text("openstack-domain-id", "OS_DOMAIN_ID", "Domain of user and project, by id"),
        text("openstack-domain-name", "OS_DOMAIN_NAME", "Domain of user and project"),
        text("openstack-user-id", "OS_USER_ID", "User, by id"),
        text("openstack-username", "OS_USERNAME", "User"),
        text(PASSWORD, PASSWORD_VARIABLE, "Password of the user").secret(),
        text("openstack-tenant-name", "OS_TENANT_NAME", "Project (tenant); also OS_PROJECT_NAME"),
        text("openstack-tenant-id", "OS_TENANT_ID", "Project, by id; also OS_PROJECT_ID"),
        text(
            "openstack-tenant-domain-name",
            "OS_TENANT_DOMAIN_NAME",
            "Domain of the project; also OS_PROJECT_DOMAIN_NAME",
        ),
        text(
            "openstack-tenant-domain-id",
            "OS_TENANT_DOMAIN_ID",
            "Domain of the project, by id; also OS_PROJECT_DOMAIN_ID",
        ),
        text("openstack-user-domain-name", "OS_USER_DOMAIN_NAME", "Domain of the user"),
        text("openstack-user-domain-id", "OS_USER_DOMAIN_ID", "Domain of the user, by id"),
        text(
            "openstack-application-credential-id",
            "OS_APPLICATION_CREDENTIAL_ID",
            "Application credential, by id",
        ),
        text(
            "openstack-application-credential-name",
            "OS_APPLICATION_CREDENTIAL_NAME",
            "Application credential of the user",
        ),
        text(SECRET, SECRET_VARIABLE, "Secret of the application credential").secret(),
        text("openstack-region", "OS_REGION_NAME", "Region"),
        text(
            "openstack-endpoint-type",
            "OS_ENDPOINT_TYPE",
            "Which addresses of the services: publicURL, internalURL or adminURL",
        ),
    ]
}

fn server() -> Vec<Flag> {
    vec![
        text("openstack-availability-zone", "OS_AVAILABILITY_ZONE", "Availability zone"),
        text("openstack-flavor-id", "OS_FLAVOR_ID", "Flavor, by id"),
        text("openstack-flavor-name", "OS_FLAVOR_NAME", "Flavor"),
        text("openstack-image-id", "OS_IMAGE_ID", "Image, by id"),
        text("openstack-image-name", "OS_IMAGE_NAME", "Image; the newest of that name"),
        text(
            "openstack-keypair-name",
            "OS_KEYPAIR_NAME",
            "Key pair of the user to let in, instead of one of the machine's own",
        ),
        text("openstack-private-key-file", "OS_PRIVATE_KEY_FILE", "Private half of that key pair"),
        text(
            "openstack-user-data-file",
            "OS_USER_DATA_FILE",
            "File with user data, as --cloud-init",
        ),
        Flag::text("openstack-ssh-user", "OS_SSH_USER", Some("root"), "User to log in as"),
        Flag::int("openstack-ssh-port", "OS_SSH_PORT", Some(22), "Port of the SSH server"),
        Flag::int(
            "openstack-active-timeout",
            "OS_ACTIVE_TIMEOUT",
            Some(200),
            "Seconds that the server may take until it is active",
        ),
        Flag::bool("openstack-config-drive", "OS_CONFIG_DRIVE", "Give the server a config drive"),
        text("openstack-metadata", "OS_METADATA", "Metadata of the server: key,value,key,value"),
        text("openstack-server-group-id", "OS_SERVER_GROUP_ID", "Server group, by id"),
        text("openstack-server-group-name", "OS_SERVER_GROUP_NAME", "Server group"),
    ]
}

fn network() -> Vec<Flag> {
    vec![
        text("openstack-net-id", "OS_NETWORK_ID", "Network, by id"),
        text("openstack-net-name", "OS_NETWORK_NAME", "Network"),
        text(
            "openstack-sec-groups",
            "OS_SECURITY_GROUPS",
            "Security groups a,b instead of the store's own; they stay as they are",
        ),
        Flag::bool(
            "openstack-nova-network",
            "OS_NOVA_NETWORK",
            "Refused: nova-network has gone from OpenStack",
        ),
        text(
            "openstack-floatingip-pool",
            "OS_FLOATINGIP_POOL",
            "External network, by name or id, from which to take a floating IP",
        ),
        Flag::int(
            "openstack-ip-version",
            "OS_IP_VERSION",
            Some(4),
            "Version of the address to use: 4 or 6",
        ),
    ]
}

/// rancher-machine's have no variables.
fn disks() -> Vec<Flag> {
    let size = Flag::int(
        "openstack-volume-size",
        "",
        Some(0),
        "GiB of a volume to make: the root disk with --openstack-boot-from-volume, else one beside it",
    );
    let boot = Flag::bool("openstack-boot-from-volume", "", "Have the root disk on a volume");
    let volume = |name, help| text(name, "", help);
    [
        boot,
        volume("openstack-volume-name", "Name of the volume that is made, else NAME-volume"),
        volume("openstack-volume-device-path", "Device to attach the volume as"),
        volume("openstack-volume-id", "Volume to attach, which stays when the machine goes"),
        volume("openstack-volume-type", "Type of the volume that is made"),
        size,
    ]
    .into_iter()
    .map(|flag| Flag { env: None, ..flag })
    .collect()
}

fn ours() -> Vec<Flag> {
    vec![
        text("openstack-cloud", "OS_CLOUD", "Entry of clouds.yaml that says how to log in"),
        text(TOKEN, TOKEN_VARIABLE, "Token instead of a password").secret(),
        text("openstack-cert", "OS_CERT", "File with the client certificate (PEM) for TLS"),
        text("openstack-key", "OS_KEY", "File with its key, if it is not in the same one"),
    ]
}

const fn text(name: &'static str, variable: &'static str, help: &'static str) -> Flag {
    Flag::text(name, variable, None, help)
}

/// The least that a user must be allowed.
pub(crate) const PERMISSIONS: &str = "\
role `member` in the project; nothing needs `admin`
an application credential may be restricted to these access rules:
compute: servers, their actions and volumes, os-keypairs, flavors, limits, os-availability-zone, os-server-groups
network: networks, subnets, ports, floatingips, security-groups, security-group-rules, quotas, extensions
image: images (GET)
volumev3: volumes, types, limits (only for machines with a volume)";
