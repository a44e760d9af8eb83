# Starts the device model with the toolstack's arguments, and with an additional QMP monitor for the agent.

QEMU=/usr/libexec/xen-qemu-system-i386

# xenstore-read prints a byte below 8 with three octal digits (\001), but printf reads up to three digits after a
# leading 0. A digit that follows the escape would change the byte. This function inserts another 0 into each such
# escape of `argument`. An escaped backslash does not start an escape.
in_four_digits() {
  rest=$argument
  argument=
  while :; do
    case $rest in *\\*) ;; *) break ;; esac
    argument=$argument${rest%%\\*}\\
    rest=${rest#*\\}
    case $rest in 00*) argument=${argument}0 ;; esac
    argument=$argument${rest%"${rest#?}"}
    rest=${rest#?}
  done
  argument=$argument$rest
}

start_qemu() {
  set --
  while IFS= read -r argument; do
    case $argument in
      # xenstore-read prints the escapes \\, \t, \n, \r, \x41 and \101.
      *\\*)
        case $argument in *\\00*) in_four_digits ;; esac
        # The `.` preserves line feeds at the end, which the shell would remove.
        argument=$(printf '%b.' "$argument")
        argument=${argument%?}
        ;;
    esac
    set -- "$@" "$argument"
  done <<EOF
$ARGV
EOF
  exec $QEMU -chardev "socket,id=stubferry,path=$QMP,server=on,wait=off" -mon chardev=stubferry,mode=control "$@"
}
