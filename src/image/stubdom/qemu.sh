# The device model: the toolstack's arguments, and a monitor for the agent.

QEMU=/usr/libexec/xen-qemu-system-i386

# xenstore-read has three octal digits for a byte below 8 (\001), and printf takes up to three more behind a first 0: with a digit behind
# it, it would be another byte. So each such escape of `argument` gets a 0 more. A backslash that is escaped itself begins none.
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
      # \\, \t, \n, \r, \x41 and \101 are what xenstore-read escapes.
      *\\*)
        case $argument in *\\00*) in_four_digits ;; esac
        # The `.` keeps line feeds at the end, which the shell would cut off.
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
