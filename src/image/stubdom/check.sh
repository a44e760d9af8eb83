# For tests only, enabled by `stubferry.check` on the kernel command line. It starts the programs of the image in any
# virtual machine, without Xen, logs the exit status of each program and the memory in use, and reboots the machine.

check_image() {
  on_command_line stubferry.check || return 0
  check busybox sh -c 'echo works'
  check node node --version
  check qemu $QEMU --version
  check agent node $AGENT --version
  check_proxy
  say "check memory $(grep -E '^(MemTotal|MemFree|MemAvailable|AnonPages|Slab|Unevictable|Mapped):' /proc/meminfo | tr -s ' ' | tr '\n' ' ')"
  reboot -f
}

# check NAME COMMAND: logs the exit status and the last line of output.
check() {
  name=$1
  shift
  output=$("$@" 2>&1)
  say "check $name status $? $(printf '%s' "$output" | tail -n 1)"
}

# Runs the agent with its QMP proxy, and a QEMU without a machine.
check_proxy() {
  target=0 RESTORE=''
  # There is no dom0 that could provide a disk.
  TRANSFER_DISKS='--disk /dev/xvdz'
  ARGV=$(printf '%s\n' -machine none -accel qtest -nodefaults -display none)
  run qemu start_qemu &
  respawn agent start_agent &
  wait_until 600 proxy [ -S $QMP_PROXY ]
  say "check proxy status $?"
  for name in qemu agent; do
    say "check $name-memory $(grep -E '^(VmHWM|RssAnon|RssFile)' "/proc/$(cat $RUN/$name.pid)/status" | tr -s '\t ' ' ' | tr '\n' ' ')"
  done
}
