# The devices that Xen gives to the stubdom, made ready for QEMU.

# The kernel modules of a list: a path and options on each line, in an order in which they can be loaded.
load_modules() {
  while read -r module options; do
    # shellcheck disable=SC2086
    insmod "$module" $options || say "the kernel does not take $module"
  done < "$1"
}

# Waits until condition $3... holds, up to $1 tenths of a second; says what ($2) is missing if not.
wait_until() {
  tenths=$1 what=$2
  shift 2
  while ! "$@"; do
    tenths=$((tenths - 1))
    if [ $tenths -le 0 ]; then
      say "$what is not there"
      return 1
    fi
    sleep 0.1
  done
}

# A node may be there before the device answers, and after it is gone.
opens() {
  [ -b "$1" ] && true < "$1"
} 2>/dev/null

# QEMU says itself what it cannot open; this gives the devices the time to come.
wait_for_devices() {
  for disk in $DISKS; do wait_until 50 "disk $disk" opens "$disk"; done
  for line in $LINES; do wait_until 50 "console $line" [ -c "$line" ]; done
}

# Guest's NIC n <- QEMU's tap <- bridge brn <- ethX, the stubdom's PV network n -> dom0.
# The tap is made before QEMU opens it, so that nothing has to run when QEMU does.
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
  # The PV network has the guest's own address: a bridge would keep frames to it instead of passing them on.
  ip link set "$2" address fe:ff:ff:ff:ff:ff &&
    brctl addbr "br$1" &&
    brctl addif "br$1" "$2" &&
    tunctl -t "$3" > /dev/null &&
    brctl addif "br$1" "$3" &&
    ip link set "$2" up && ip link set "$3" up && ip link set "br$1" up ||
    fail "network $1 of the guest cannot be bridged from $2 to $3"
}
