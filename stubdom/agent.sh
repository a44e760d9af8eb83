# The agent's command line, in this one place.

AGENT=/usr/lib/stubferry/dist/agent.mjs
NODE_FLAGS=

start_agent() {
  set --
  # Only a QEMU that still waits for its state is to be given one: the agent may have been started again after that.
  if [ -n "$RESTORE" ] && [ "$(xenstore-read "device-model/$target/state" 2>/dev/null)" != running ]; then
    set -- --incoming "$RESTORE" --qemu-log /run/log/qemu/log
  fi
  # shellcheck disable=SC2086
  exec node $NODE_FLAGS $AGENT agent stubdom \
    --disk /dev/xvdz --qmp $QMP --gate $GATE --fifo-dir $RUN --spool-dir $RUN "$@"
}
