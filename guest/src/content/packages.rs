//! The packages of the guest. The list is closed by hand: it holds every library that the programs
//! load, and nothing that only maintainer scripts need (perl, debconf, adduser).

/// What is unpacked into the root file system.
#[rustfmt::skip]
pub(super) const ROOT: &[&str] = &[
    "base-files", "base-passwd", "libc6", "busybox-static", "bash", "libtinfo6", "kmod",
    "libkmod2", "libzstd1", "liblzma5", "libssl3t64", "zlib1g", "openssl", "e2fsprogs",
    "libext2fs2t64", "libblkid1", "libuuid1", "libcom-err2", "libss2", "iproute2", "libbpf1",
    "libelf1t64", "libcap2", "libmnl0", "libtirpc3t64", "libtirpc-common", "libselinux1",
    "libpcre2-8-0", "libgssapi-krb5-2", "libkrb5-3", "libk5crypto3", "libkrb5support0",
    "libkeyutils1", "libxtables12", "libdb5.3t64", "iptables", "libip4tc2", "libip6tc2",
    "libnetfilter-conntrack3", "libnfnetlink0", "libnftnl11", "netbase", "docker.io",
    "docker-cli", "containerd", "runc", "tini", "libseccomp2", "libsystemd0", "libgcc-s1",
    "openssh-server", "openssh-client", "openssh-sftp-server", "libcrypt1", "libpam0g",
    "libaudit1", "libcap-ng0", "libwrap0", "libwtmpdb0", "libsqlite3-0", "libedit2", "libbsd0",
    "libmd0", "sudo", "libpam-modules", "libpam-runtime", "libapparmor1", "ca-certificates",
    "chrony", "libgnutls30t64", "libnettle8t64", "libhogweed6t64", "libp11-kit0", "libtasn1-6",
    "libidn2-0", "libunistring5", "libgmp10", "libffi8", "stunnel4", "hyperv-daemons",
];

/// What is only needed to build the image: boot programs for BIOS and UEFI.
pub(super) const BOOT: &[&str] = &["isolinux", "syslinux-common", "systemd-boot-efi"];

/// The package that depends on the current kernel.
pub(super) const KERNEL: &str = "linux-image-amd64";

/// Whether a file of a package is of use in the guest.
pub(super) fn is_wanted(path: &str) -> bool {
    const USELESS: &[&str] = &[
        "usr/share/doc/",
        "usr/share/man/",
        "usr/share/locale/",
        "usr/share/lintian/",
        "usr/share/perl",
        "usr/share/bug/",
        "usr/share/i18n/",
        "usr/lib/x86_64-linux-gnu/gconv/",
        "usr/lib/systemd/",
        "usr/bin/ctr",
        "usr/bin/containerd-stress",
        "etc/init.d/",
        "etc/docker/",
        "etc/pam.d/",
    ];
    // The boot loader for UEFI is the one thing of systemd that an image needs.
    let is_loader = path.starts_with("usr/lib/systemd/boot/");
    is_loader || !USELESS.iter().any(|prefix| path.starts_with(prefix))
}
