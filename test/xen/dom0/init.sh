#!/bin/bash
# dom0's first process, which replaces an init system. It starts the programs that Debian's xen and xenstored services
# start, and the server that runs the commands of the tests. It never ends.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux LC_ALL=C.UTF-8
log() { echo "LAB[$(cut -d' ' -f1 /proc/uptime)] $*" > /dev/console; }

mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /dev/pts /dev/shm /run/lock /run/xen /run/xenstored
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
# Without /dev/stdin, the locking.sh of the hotplug scripts never returns.
ln -sf /proc/self/fd /dev/fd; ln -sf fd/0 /dev/stdin; ln -sf fd/1 /dev/stdout; ln -sf fd/2 /dev/stderr
hostname dom0
ip link set lo up
while read -r module; do modprobe "$module" || log "modprobe $module failed"; done < /etc/lab/modules
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host /host
[ -e /proc/xen/capabilities ] || mount -t xenfs xenfs /proc/xen

( while :; do node /usr/local/lib/lab/command-server.js; log "the command server ended"; sleep 0.2; done ) > /var/log/lab-server.log 2>&1 &

tools=/usr/lib/xen-4.17/bin
$tools/xenstored --pid-file /run/xenstored.pid
until xenstore-read / > /dev/null 2>&1; do sleep 0.1; done
$tools/xen-init-dom0 || log "xen-init-dom0 failed"
$tools/xenconsoled --pid-file=/run/xenconsoled.pid --log=all --log-dir=/var/log/xen
# dom0's own QEMU serves qdisk backends.
/usr/libexec/xen-qemu-system-i386 -xen-domid 0 -xen-attach -name dom0 -nographic -M xenpv -daemonize -monitor /dev/null \
  -serial /dev/null -parallel /dev/null -nodefaults -no-user-config -pidfile /run/qemu-dom0.pid > /var/log/xen/qemu-dom0.log 2>&1 \
  || log "dom0's QEMU failed"
touch /run/lab-up
log up
while :; do wait -n || sleep 1; done
