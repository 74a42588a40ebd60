//! The files of our own that go into the guest: everything under `guest/files/`.

macro_rules! file {
    ($path:literal, $mode:literal) => {
        ($path, $mode, include_str!(concat!("../../files/root/", $path)))
    };
}

/// Path, mode and content. The names are those of `guest/files/root/`.
pub(super) const ROOT: &[(&str, u32, &str)] = &[
    file!("etc/acpi/PWRF/00000080", 0o755),
    file!("etc/chrony.conf", 0o644),
    file!("etc/containerd/config.toml", 0o644),
    file!("etc/init.d/docker", 0o755),
    file!("etc/init.d/rcK", 0o755),
    file!("etc/init.d/rcS", 0o755),
    file!("etc/inittab", 0o644),
    file!("etc/ssh/sshd_config", 0o644),
    file!("etc/sudoers.d/docker", 0o440),
    file!("usr/bin/sethostname", 0o755),
    file!("usr/lib/machine/clock", 0o755),
    file!("usr/lib/machine/common", 0o644),
    file!("usr/lib/machine/containerd", 0o755),
    file!("usr/lib/machine/dhcp", 0o755),
    file!("usr/lib/machine/disk", 0o755),
    file!("usr/lib/machine/engine-id", 0o644),
    file!("usr/lib/machine/hyperv", 0o755),
    file!("usr/lib/machine/identity", 0o755),
    file!("usr/lib/machine/identity-port", 0o755),
    file!("usr/lib/machine/identity-steps", 0o644),
    file!("usr/lib/machine/login", 0o755),
    file!("usr/lib/machine/modules", 0o755),
    file!("usr/lib/machine/network", 0o755),
    file!("usr/lib/machine/power", 0o755),
    file!("usr/lib/machine/run-script", 0o755),
    file!("usr/lib/machine/ssh-session", 0o755),
    file!("usr/lib/machine/sshd", 0o755),
    file!("usr/lib/machine/terminal", 0o755),
    file!("usr/lib/machine/trust", 0o755),
];

/// Stage 1, which the kernel runs first.
pub(super) const INIT: &str = include_str!("../../files/initramfs/init");
