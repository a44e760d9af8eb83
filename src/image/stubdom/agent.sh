# The agent's command line, in this one place. Flags of V8 for less memory (smaller semi-spaces, fewer threads, no optimiser) were
# measured: of 16 MB that are its own they save less than 1.

AGENT=/usr/lib/stubferry/dist/agent.cjs
# Where the transfer disks come from: dom0's agent is asked for each.
TRANSFER_DISKS='--xenstore /dev/xen/xenbus'

start_agent() {
  set --
  # Only a QEMU that still waits for its state is to be given one: the agent may have been started again after that.
  if [ -n "$RESTORE" ] && [ "$(xenstore-read "device-model/$target/state" 2>/dev/null)" != running ]; then
    set -- --incoming "$RESTORE" --qemu-log /run/log/qemu/log
  fi
  # shellcheck disable=SC2086
  exec node $AGENT --log-level info agent stubdom \
    $TRANSFER_DISKS --qmp $QMP --qmp-proxy $QMP_PROXY --fifo-dir $RUN --spool-dir $RUN "$@"
}
