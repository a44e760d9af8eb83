# Prepares the stubdom's Xen devices for QEMU.

# Loads the kernel modules of the list in file $1. Each line has a path and options; the lines are in load order.
load_modules() {
  while read -r module options; do
    # shellcheck disable=SC2086
    insmod "$module" $options || say "cannot load the kernel module $module"
  done < "$1"
}

# Waits up to $1 tenths of a second until the command $3... succeeds. If it does not, logs that $2 is missing and
# returns 1.
wait_until() {
  tenths=$1 what=$2
  shift 2
  while ! "$@"; do
    tenths=$((tenths - 1))
    if [ $tenths -le 0 ]; then
      say "$what did not appear"
      return 1
    fi
    sleep 0.1
  done
}

# A device node can exist before the device works, and after the device is removed.
opens() {
  [ -b "$1" ] && true < "$1"
} 2>/dev/null

# Gives the devices time to appear. A device that is still missing is not fatal here: QEMU reports what it cannot open.
wait_for_devices() {
  for disk in $DISKS; do wait_until 50 "disk $disk" opens "$disk"; done
  for line in $LINES; do wait_until 50 "console $line" [ -c "$line" ]; done
}

# Connects each NIC: the guest's NIC n <-> QEMU's tap <-> bridge brn <-> ethX, the stubdom's PV network n <-> dom0.
# The tap is created before QEMU opens it, so that QEMU needs no script for it.
bring_up_networks() {
  [ -n "$TAPS" ] || return 0
  load_modules /usr/lib/modules/load-network
  for entry in $TAPS; do
    number=${entry%%:*}
    net=/sys/bus/xen/devices/vif-$number/net
    wait_until 50 "network $number" [ -d "$net" ] || continue
    for path in "$net"/*; do bring_up_network "$number" "${path##*/}" "${entry#*:}"; done
  done
}

bring_up_network() {
  # The PV network has the guest's own address. The bridge would consume frames to this address instead of forwarding
  # them.
  ip link set "$2" address fe:ff:ff:ff:ff:ff &&
    brctl addbr "br$1" &&
    brctl addif "br$1" "$2" &&
    tunctl -t "$3" > /dev/null &&
    brctl addif "br$1" "$3" &&
    ip link set "$2" up && ip link set "$3" up && ip link set "br$1" up ||
    fail "network $1 of the guest cannot be bridged from $2 to $3"
}
