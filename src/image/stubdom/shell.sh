# For tests only, enabled by `stubferry.shell` on the stubdom's kernel command line (stubdomain_cmdline). dom0 writes a
# command to data/stubferry/command below the stubdom's directory in xenstore. The output goes to console 0, followed by
# a line with the exit status.

# Succeeds when the kernel's command line contains the word $1.
on_command_line() {
  read -r words < /proc/cmdline
  case " $words " in *" $1 "*) ;; *) return 1 ;; esac
}

listen_for_commands() {
  on_command_line stubferry.shell || return 0
  say "running commands from data/stubferry/command"
  xenstore-write data/stubferry/command ''
  xenstore-watch data/stubferry/command | while read -r path; do run_command "$path"; done &
}

run_command() {
  command=$(xenstore-read -R "$1" 2>/dev/null)
  [ -n "$command" ] || return 0
  xenstore-write "$1" ''
  echo "stubferry-command> $command"
  sh -c "$command" 2>&1
  echo "stubferry-command ended with status $?"
}
