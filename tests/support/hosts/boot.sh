#!/bin/bash
# boot.sh ROOTFS HOSTNAME: one boot of a Debian rootfs, systemd as process 1, in fresh pid, mount,
# uts, ipc and cgroup namespaces. The network namespace is the caller's.
R=$1 H=$2
exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child bash -c '
  set -e; R=$1
  mount --make-rprivate /; mount --bind $R $R
  mount -t proc proc $R/proc; mount -t sysfs -o ro sysfs $R/sys
  mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
  mount -t tmpfs tmpfs $R/dev; mkdir $R/dev/pts $R/dev/shm
  for n in null zero full random urandom tty; do touch $R/dev/$n; mount --bind /dev/$n $R/dev/$n; done
  ln -s /proc/self/fd $R/dev/fd; ln -s pts/ptmx $R/dev/ptmx; ln -s fd/0 $R/dev/stdin; ln -s fd/1 $R/dev/stdout; ln -s fd/2 $R/dev/stderr
  mount -t devpts -o newinstance,ptmxmode=0666 devpts $R/dev/pts; mount -t tmpfs tmpfs $R/dev/shm
  mount -t tmpfs tmpfs $R/run; mount -t tmpfs tmpfs $R/tmp
  hostname $2; cd $R; pivot_root . mnt; umount -l /mnt
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=lab TERM=dumb /sbin/init --log-target=console </dev/null' guest "$R" "$H"
