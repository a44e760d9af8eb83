#!/bin/busybox sh
# Mounts dom0's root disk and switches to it. If this fails, the kernel panics and reports it on the serial line.
b=/bin/busybox
$b mount -t devtmpfs dev /dev; $b mount -t proc proc /proc; $b mount -t sysfs sys /sys
while read -r module; do $b insmod "/lib/$module"; done < /modules
until [ -b /dev/vda ]; do $b sleep 0.1; done
$b mount -t ext4 -o rw,noatime /dev/vda /root || exit 1
for at in dev proc sys; do $b mount --move /$at /root/$at; done
exec $b switch_root /root /sbin/lab-init
