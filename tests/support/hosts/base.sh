#!/bin/bash
# base.sh DIR: DIR/docker, a bootable Debian with Docker, and DIR/bare, one without but with its
# packages in a local source; DIR/id_ed25519 logs in to both as root. MIRROR is a Debian mirror.
set -e
D=$1
mkdir -p "$D"
[ -f "$D/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -f "$D/id_ed25519"
[ -f "$D/id_rsa" ] || ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f "$D/id_rsa"
if [ ! -d "$D/docker" ]; then
  rm -rf "$D/tmp"
  mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --include=openssh-server,sudo,curl,iproute2,iptables,procps,ca-certificates,hostname,netbase,systemd,systemd-sysv,dbus,docker.io \
    bookworm "$D/tmp" "$MIRROR"
  G=$D/tmp
  : >"$G/etc/apt/sources.list"
  rm -rf "$G"/etc/apt/sources.list.d/* "$G"/var/lib/apt/lists/*
  mkdir -p "$G/root/.ssh"
  cat "$D/id_rsa.pub" "$D/id_ed25519.pub" >"$G/root/.ssh/authorized_keys"
  chmod 700 "$G/root/.ssh"
  chmod 600 "$G/root/.ssh/authorized_keys"
  printf 'UseDNS no\nPermitRootLogin prohibit-password\n' >"$G/etc/ssh/sshd_config.d/lab.conf"
  rm -f "$G/usr/sbin/policy-rc.d" "$G/etc/resolv.conf"
  echo '127.0.0.1 localhost' >"$G/etc/hosts"
  : >"$G/etc/resolv.conf"
  chroot "$G" systemctl enable ssh docker >/dev/null 2>&1
  chroot "$G" systemctl mask systemd-udevd systemd-modules-load getty@tty1 console-getty systemd-networkd systemd-timesyncd systemd-logind >/dev/null 2>&1
  chroot "$G" useradd -m -s /bin/bash plain
  cp -r "$G/root/.ssh" "$G/home/plain/.ssh"
  chroot "$G" chown -R plain: /home/plain/.ssh
  mv "$D/tmp" "$D/docker"
fi
if [ ! -d "$D/bare" ]; then
  rm -rf "$D/tmp"
  cp -a "$D/docker" "$D/tmp"
  G=$D/tmp
  cp /etc/resolv.conf "$G/etc/resolv.conf"
  echo "deb $MIRROR bookworm main" >"$G/etc/apt/sources.list"
  chroot "$G" sh -c 'export DEBIAN_FRONTEND=noninteractive
    apt-get -q -y purge docker.io containerd runc iptables && apt-get -q -y autoremove --purge &&
    apt-get -o Acquire::Check-Valid-Until=false -q update &&
    apt-get -q -y -d --no-install-recommends install docker.io iptables'
  mkdir -p "$G/srv/repo"
  mv "$G"/var/cache/apt/archives/*.deb "$G/srv/repo/"
  (cd "$G/srv/repo" && for deb in *.deb; do
    dpkg-deb -f "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum <"$deb" | cut -d' ' -f1)"
  done >Packages)
  echo 'deb [trusted=yes] file:/srv/repo ./' >"$G/etc/apt/sources.list"
  rm -rf "$G"/var/lib/apt/lists/* "$G/var/lib/docker" "$G/etc/docker"
  : >"$G/etc/resolv.conf"
  mv "$D/tmp" "$D/bare"
fi
