# The device model: the toolstack's arguments, and a monitor for the agent.

QEMU=/usr/libexec/xen-qemu-system-i386

start_qemu() {
  set --
  while IFS= read -r argument; do
    case $argument in
      # \\, \t, \n, \r, \x41 and \101 are what xenstore-read escapes.
      *\\*)
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
