# The device model's arguments. They stay escaped as xenstore-read prints them, one a line in ARGV, until QEMU is started: an argument
# may be empty or have spaces, quotes or line feeds.
#
# The shell does what it can by itself: to start a program is what takes the time in a PV domain, and while a guest is restored or
# migrated it stands still for all of this.

NEWLINE='
'

# From the folder $1 of xenstore: keys 001, 002, ...
read_dm_argv() {
  folder=$1
  keys=$(xenstore-list "$folder") || return 1
  # shellcheck disable=SC2086
  set -- $keys
  number=$# index=0
  set --
  while [ $index -lt $number ]; do
    index=$((index + 1))
    key=00$index
    set -- "$@" "$folder/${key#"${key%???}"}"
  done
  # The `.` keeps empty arguments at the end, which the shell would cut off.
  ARGV=$(xenstore-read "$@" && echo .) || return 1
  ARGV=${ARGV%??}
  ARGC=0
  while IFS= read -r argument; do ARGC=$((ARGC + 1)); done <<EOF
$ARGV
EOF
  [ $number -gt 0 ] && [ $ARGC -eq $number ]
}

# libxl leaves it to the stubdom to say where QEMU gets the state that it is to go on with: from the agent.
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

# What is to be there before QEMU starts. DISKS: /dev/xvda, ...; LINES: /dev/hvc3, ...; TAPS: number of the NIC, a colon, and the tap
# device that QEMU opens for it.
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
