#!/bin/sh
# Make a container fit for systemd, and start it.
set -eu

mount -o remount,ro /sys
# The kubelet passes mounts on between pods and the node.
mount --make-rshared /
echo 1 >/proc/sys/net/ipv4/ip_forward
# Every node has one of its own.
rm -f /etc/machine-id
systemd-machine-id-setup
# kind waits for this line, or for systemd's own at the end of the start.
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  echo "detected cgroup v1"
fi
exec /sbin/init
