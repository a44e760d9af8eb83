# For tests alone, and only with `stubferry.shell` on the stubdom's kernel command line (stubdomain_cmdline): dom0 writes a command to
# data/stubferry/command below the stubdom's folder in xenstore; its output goes to console 0, and ends with a line of its own.

listen_for_commands() {
  grep -qwF stubferry.shell /proc/cmdline || return 0
  say "takes commands from data/stubferry/command"
  xenstore-write data/stubferry/command ''
  run_commands &
}

run_commands() {
  while :; do
    command=$(xenstore-read -R data/stubferry/command 2>/dev/null)
    if [ -z "$command" ]; then
      sleep 0.3
    else
      xenstore-write data/stubferry/command ''
      echo "stubferry-command> $command"
      sh -c "$command" 2>&1
      echo "stubferry-command ended with status $?"
    fi
  done
}
