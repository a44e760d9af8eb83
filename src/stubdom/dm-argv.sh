# The device model's arguments. They stay escaped as xenstore-read prints them, one a line in ARGV, until QEMU is started: an argument
# may be empty or have spaces, quotes or line feeds.

# From the folder $1 of xenstore: keys 001, 002, ...
read_dm_argv() {
  keys=$(xenstore-list "$1" | sort) || return 1
  [ -n "$keys" ] || return 1
  folder=$1
  set --
  for key in $keys; do set -- "$@" "$folder/$key"; done
  # The `.` keeps empty arguments at the end, which the shell would cut off.
  ARGV=$(xenstore-read "$@" && echo .) || return 1
  ARGV=${ARGV%??}
  [ "$(count_lines "$ARGV")" -eq $# ]
}

count_lines() {
  printf '%s\n' "$1" | wc -l
}

# One argument as it is: \\, \t, \n, \r, \x41 and \101 are what xenstore-read escapes.
unescape() {
  case $1 in
    *\\*) printf '%b\n' "$1" ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# libxl leaves it to the stubdom to say where QEMU gets the state that it is to go on with: from the agent.
restore_from_agent() {
  case $ARGV in *\$STUBDOM_RESTORE_INCOMING_ARG*) RESTORE=$INCOMING ;; *) RESTORE= ;; esac
  ARGV=$(printf '%s\n.' "$ARGV" | sed "s|^\\\$STUBDOM_RESTORE_INCOMING_ARG\$|$1|")
  ARGV=${ARGV%??}
}

# The disks that QEMU is to emulate: /dev/xvda, ...
disks_of_argv() {
  printf '%s\n' "$ARGV" | sed -n 's/^\(.*,\)\{0,1\}file=\(\/dev\/xvd[a-z]*\)\(,.*\)\{0,1\}$/\2/p'
}

# The serial lines: /dev/hvc3, ...
serial_lines_of_argv() {
  printf '%s\n' "$ARGV" | grep -x '/dev/hvc[0-9]*'
}

# The networks, one a line: number of the NIC, name of the tap device that QEMU opens.
taps_of_argv() {
  printf '%s\n' "$ARGV" | sed -n 's/^type=tap,id=net\([0-9]*\),ifname=\([^,]*\),.*/\1 \2/p'
}
