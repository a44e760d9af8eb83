# Reads the device model's arguments. ARGV contains one argument a line, escaped as xenstore-read prints it, until QEMU
# is started: an argument may be empty or contain spaces, quotes or line feeds.
#
# The scripts use shell builtins where they can. Starting a program is expensive in a PV domain, and a guest that is
# restored or migrated is paused during all of this.

NEWLINE='
'

# Reads the arguments from the keys 001, 002, ... in the xenstore directory $1.
read_dm_argv() {
  directory=$1
  keys=$(xenstore-list "$directory") || return 1
  # shellcheck disable=SC2086
  set -- $keys
  number=$# index=0
  set --
  while [ $index -lt $number ]; do
    index=$((index + 1))
    key=00$index
    set -- "$@" "$directory/${key#"${key%???}"}"
  done
  # The `.` preserves empty arguments at the end, which the shell would remove.
  ARGV=$(xenstore-read "$@" && echo .) || return 1
  ARGV=${ARGV%??}
  ARGC=0
  while IFS= read -r argument; do ARGC=$((ARGC + 1)); done <<EOF
$ARGV
EOF
  [ $number -gt 0 ] && [ $ARGC -eq $number ]
}

# Replaces libxl's placeholder for the source of the state that QEMU loads: it loads the state from the agent, at the
# address $1.
restore_from_agent() {
  marker="$NEWLINE\$STUBDOM_RESTORE_INCOMING_ARG$NEWLINE"
  all="$NEWLINE$ARGV$NEWLINE"
  RESTORE=
  case $all in *"$marker"*) ;; *) return ;; esac
  RESTORE=$INCOMING
  all="${all%%"$marker"*}$NEWLINE$1$NEWLINE${all#*"$marker"}"
  ARGV=${all#?}
  ARGV=${ARGV%?}
}

# Finds the devices that must exist before QEMU starts. DISKS: /dev/xvda, ...; LINES: /dev/hvc3, ...; TAPS: the number
# of the NIC, a colon, and the tap device that QEMU opens for it.
find_devices() {
  DISKS='' LINES='' TAPS=''
  while IFS= read -r argument; do
    case $argument in
      /dev/hvc[0-9] | /dev/hvc[0-9][0-9]) LINES="$LINES $argument" ;;
      type=tap,id=net[0-9]*,ifname=*)
        argument=${argument#type=tap,id=net}
        tap=${argument#*,ifname=}
        TAPS="$TAPS ${argument%%,*}:${tap%%,*}"
        ;;
      file=/dev/xvd* | *,file=/dev/xvd*)
        argument=${argument#*file=}
        DISKS="$DISKS ${argument%%,*}"
        ;;
    esac
  done <<EOF
$ARGV
EOF
}
