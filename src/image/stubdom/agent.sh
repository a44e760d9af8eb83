# The command line of the stubdom agent. V8 flags that reduce memory (smaller semi-spaces, fewer threads, no optimiser)
# were measured: they save less than 1 MB of the 16 MB of private memory.

AGENT=/usr/lib/stubferry/dist/agent.cjs
# The source of transfer disks: the agent requests each one from the stubferry service in dom0.
TRANSFER_DISKS='--xenstore /dev/xen/xenbus'

start_agent() {
  set --
  # The agent loads a state only into a QEMU that still waits for it. The init may have restarted the agent after that.
  if [ -n "$RESTORE" ] && [ "$(xenstore-read "device-model/$target/state" 2>/dev/null)" != running ]; then
    set -- --incoming "$RESTORE" --qemu-log /run/log/qemu/log
  fi
  # shellcheck disable=SC2086
  exec node $AGENT --log-level info agent stubdom \
    $TRANSFER_DISKS --qmp $QMP --qmp-proxy $QMP_PROXY --fifo-dir $RUN --spool-dir $RUN "$@"
}
