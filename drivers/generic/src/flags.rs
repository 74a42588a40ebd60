use machine_driver::Flag;

/// The Engine's port where nothing else is said.
const ENGINE_PORT: i64 = 2376;
const SSH_PORT: i64 = 22;

/// docker-machine's five flags.
pub(crate) fn flags() -> Vec<Flag> {
    vec![
        Flag::int(
            "generic-engine-port",
            "GENERIC_ENGINE_PORT",
            Some(ENGINE_PORT),
            "Port on which the Engine listens",
        ),
        Flag::text("generic-ip-address", "GENERIC_IP_ADDRESS", None, "Address or name of the host"),
        Flag::text(
            "generic-ssh-key",
            "GENERIC_SSH_KEY",
            None,
            "Private key to log in with, copied into the store; none: agent and default keys",
        ),
        Flag::int("generic-ssh-port", "GENERIC_SSH_PORT", Some(SSH_PORT), "Port of the SSH server"),
        Flag::text("generic-ssh-user", "GENERIC_SSH_USER", Some("root"), "User to log in as"),
    ]
}
