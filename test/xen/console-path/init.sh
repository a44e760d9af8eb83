#!/bin/sh
# A Linux stubdom as specified in Xen's docs/misc/stubdom.txt, which moves the device state over the consoles. The lab
# compares stubferry with it. It needs three workarounds: a monitor that is never closed, notrunc.so and hvcraw. The
# image of stubferry contains nothing of this.
export PATH=/usr/local/bin:/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t tmpfs tmpfs /tmp
/bin/busybox mkdir -p /dev/shm /run /usr/local/bin
/bin/busybox --install -s /usr/local/bin
mount -t tmpfs tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd; ln -sf fd/0 /dev/stdin; ln -sf fd/1 /dev/stdout; ln -sf fd/2 /dev/stderr
log() { echo "CONSOLE-STUBDOM[$(cut -d' ' -f1 /proc/uptime)] $*"; }

while read -r module options; do insmod "/lib/modules/$module" $options || log "insmod $module failed"; done < /modules
mount -t xenfs xenfs /proc/xen
echo 1073741824 > /sys/module/xen_gntalloc/parameters/limit
echo 1 > /proc/sys/vm/overcommit_memory
target=$(xenstore-read target)
vm=$(xenstore-read "/local/domain/$target/vm")
xenstore-list "$vm/image/dm-argv" | sort | while read -r key; do xenstore-read "$vm/image/dm-argv/$key"; done > /tmp/arguments

console_is_up() { i=0; until [ "$(xenstore-read "device/console/$1/state")" = 4 ]; do i=$((i + 1)); [ $i -lt 100 ] || return 1; sleep 0.1; done; }

# In a save, QEMU writes the state to console 1, which is fdset 1. In a restore, it reads the state from console 2.
console_is_up 1 || log 'console 1 is not up'
exec 4> /dev/hvc1
stty raw -echo -opost -F /dev/hvc1
raw=''
if grep -q STUBDOM_RESTORE_INCOMING_ARG /tmp/arguments; then
  console_is_up 2 || log 'console 2 is not up'
  raw='hvcraw /dev/hvc2'
  sed -i 's/\$STUBDOM_RESTORE_INCOMING_ARG/fd:3/' /tmp/arguments
fi
for disk in $(sed -n 's/.*file=\(\/dev\/xvd[a-z]*\).*/\1/p' /tmp/arguments); do until [ -b "$disk" ]; do sleep 0.1; done; done

# QEMU removes fdset 1 when its last monitor is closed. This monitor stays open.
mkfifo /tmp/monitor.in /tmp/monitor.out
cat /tmp/monitor.out > /dev/null &
(echo '{"execute":"qmp_capabilities"}'; while :; do sleep 3600; done) > /tmp/monitor.in &
set -f
IFS='
'
set -- $(cat /tmp/arguments)
unset IFS
set +f
(
  $raw env LD_PRELOAD=/usr/lib/notrunc.so /usr/libexec/xen-qemu-system-i386 -L /usr/share/seabios -L /usr/share/qemu \
    -chardev pipe,path=/tmp/monitor,id=kept -mon chardev=kept,mode=control \
    -chardev socket,server=on,wait=off,path=/tmp/qemu.qmp,id=served -mon chardev=served,mode=control \
    -add-fd fd=4,set=1,opaque=save "$@" > /tmp/qemu.log 2>&1
  log "QEMU ended with $?: $(cat /tmp/qemu.log)"
) &
exec 4>&-
until [ -S /tmp/qemu.qmp ]; do sleep 0.1; done
(vchan-socket-proxy --mode=server 0 "device-model/$target/qmp-vchan" /tmp/qemu.qmp; log "vchan-socket-proxy ended with $?") &
log 'QEMU is started'

# Runs the commands of the tests, one at a time. It never ends, because the kernel panics when its first process ends.
while :; do
  command=$(xenstore-read data/command 2> /dev/null)
  if [ -n "$command" ]; then
    xenstore-write data/command ''
    output=$(sh -c "$command" 2>&1)
    xenstore-write data/result "$? $output"
  else
    sleep 0.1
  fi
done
