# The agent's command line, in this one place.

AGENT=/usr/lib/stubferry/dist/agent.mjs
NODE_FLAGS=
# Where the transfer disks come from: dom0's agent is asked for each.
DISKS='--xenstore /dev/xen/xenbus'

start_agent() {
  set --
  # Only a QEMU that still waits for its state is to be given one: the agent may have been started again after that.
  if [ -n "$RESTORE" ] && [ "$(xenstore-read "device-model/$target/state" 2>/dev/null)" != running ]; then
    set -- --incoming "$RESTORE" --qemu-log /run/log/qemu/log
  fi
  # shellcheck disable=SC2086
  exec node $NODE_FLAGS $AGENT --log-level info agent stubdom \
    $DISKS --qmp $QMP --gate $GATE --fifo-dir $RUN --spool-dir $RUN "$@"
}
