//! The kernel modules of the guest. One that is built into the kernel, or that this kernel does not
//! have, is passed over; what a module depends on comes along by itself.

/// What stage 1 needs to find the image, on every hypervisor.
#[rustfmt::skip]
pub(super) const STORAGE: &[&str] = &[
    "virtio_blk", "virtio_scsi", "sd_mod", "sr_mod", "ahci", "ata_piix", "loop", "squashfs",
    "overlay", "isofs", "ext4", "hv_vmbus", "hv_storvsc", "vmw_pvscsi", "mptspi", "nvme",
    "virtio_mmio", "jbd2", "mbcache", "crc32c_generic", "crc32c_intel", "crc32c", "libcrc32c",
];

/// Network cards of QEMU, VirtualBox, VMware and Hyper-V.
#[rustfmt::skip]
pub(super) const NETWORK: &[&str] = &[
    "virtio_net", "e1000", "e1000e", "vmxnet3", "pcnet32", "hv_netvsc", "af_packet",
];

/// What the Engine, its networks and its swarms use.
#[rustfmt::skip]
pub(super) const ENGINE: &[&str] = &[
    "bridge", "br_netfilter", "veth", "vxlan", "macvlan", "ipvlan", "ipvtap", "macvtap", "dummy",
    "tun", "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_lc", "ip_vs_sh", "ip_vs_nfct", "nf_tables",
    "nft_compat", "nft_chain_nat", "nft_masq", "nft_nat", "nft_ct", "nft_redir", "nft_reject",
    "nft_reject_inet", "nft_fib", "nft_fib_inet", "nft_fib_ipv4", "nft_fib_ipv6", "nft_limit",
    "nft_log", "nft_numgen", "nft_hash", "nft_socket", "nft_tproxy", "ip_tables", "ip6_tables",
    "iptable_nat", "iptable_filter", "iptable_mangle", "iptable_raw", "iptable_security",
    "ip6table_nat", "ip6table_filter", "ip6table_mangle", "ip6table_raw", "nf_nat",
    "nf_conntrack", "nf_conntrack_netlink", "nf_conntrack_ftp", "nf_nat_ftp", "nfnetlink",
    "nfnetlink_log", "nf_log_syslog", "xt_addrtype", "xt_conntrack", "xt_MASQUERADE", "xt_nat",
    "xt_ipvs", "xt_mark", "xt_u32", "xt_bpf", "xt_REDIRECT", "xt_tcpudp", "xt_multiport",
    "xt_comment", "xt_set", "ip_set", "ip_set_hash_ip", "ip_set_hash_net", "xt_physdev",
    "xt_LOG", "xt_NFLOG", "xt_statistic", "xt_string", "xt_state", "xt_policy", "xt_limit",
    "xt_recent", "xt_TCPMSS", "xt_owner", "ipt_REJECT", "ip6t_REJECT", "xt_CT", "xt_connmark",
    "xt_CONNMARK", "xt_CHECKSUM", "xt_cgroup", "esp4", "esp6", "xfrm_user", "xfrm_algo",
    "authenc", "echainiv", "seqiv", "gcm", "ccm", "cbc", "ctr", "hmac", "sha256_generic",
    "aesni_intel", "cls_cgroup", "netprio_cgroup", "sch_ingress", "sch_htb", "sch_netem",
    "cls_u32", "cls_bpf", "act_mirred", "wireguard", "configs",
];

/// Clocks, balloons, sockets and shared folders of the hypervisors.
#[rustfmt::skip]
pub(super) const HYPERVISOR: &[&str] = &[
    "vboxguest", "vboxsf", "vboxvideo", "hv_utils", "hv_balloon", "hid_hyperv",
    "hyperv_keyboard", "hv_sock", "vmw_balloon", "vmw_vmci", "vmw_vsock_vmci_transport", "vsock",
    "vmw_vsock_virtio_transport", "virtio_balloon", "virtio_rng", "virtio_console", "virtiofs",
    "9p", "9pnet_virtio", "qemu_fw_cfg", "button", "psmouse", "evdev", "i2c_piix4", "tls",
];

/// File systems that containers and volumes may want.
#[rustfmt::skip]
pub(super) const FILE_SYSTEMS: &[&str] = &[
    "xfs", "btrfs", "fuse", "vfat", "nls_utf8", "nls_cp437", "nls_ascii", "nls_iso8859_1",
    "cifs", "nfs", "nfsv4", "nfsv3", "nfsd", "binfmt_misc", "zram", "autofs4", "algif_hash",
    "af_alg", "udf",
];

/// Loaded at each boot before the Engine starts; the rest is loaded when it is asked for.
pub(super) const AT_BOOT: &str = "overlay bridge br_netfilter veth xt_addrtype xt_conntrack \
    xt_MASQUERADE xt_nat nf_conntrack_netlink nf_tables nft_compat nft_chain_nat\n";
