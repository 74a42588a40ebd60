#!/bin/bash
# enter.sh ROOT COMMAND…: runs COMMAND in the chroot, in namespaces of its own with loopback only. All
# processes end with it.
root=$(readlink -f "$1")
shift
exec unshare --mount --pid --fork --net --ipc --uts --kill-child bash -c '
  root=$1
  shift
  mount --make-rprivate /
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/run"
  ip link set lo up
  hostname vboxhost
  exec chroot "$root" env -i HOME=/home/user USER=user PATH=/opt/lab:/usr/sbin:/usr/bin:/sbin:/bin \
    LC_ALL=C.UTF-8 "$@"
' enter "$root" "$@"
