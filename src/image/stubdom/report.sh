# The stubdom's log: lines on console 0, which dom0 stores in /var/log/xen/qemu-dm-<guest>.log, and the last failure in
# xenstore.

# Logs a line with the uptime in seconds.
say() {
  read -r uptime rest < /proc/uptime
  echo "stubferry[$uptime] $*"
}

# Logs a failure, and writes it for dom0 to data/stubferry/failure below the stubdom's directory in xenstore.
fail() {
  say "FAILED: $*"
  xenstore-write data/stubferry/failure "$(printf '%s' "$*" | tr -c '[:print:]' ' ' | cut -c1-1000)" ||
    say "cannot write the failure to xenstore"
}

# Prints the last log lines of program $1 as one line.
last_lines() {
  tail -n 4 "/run/log/$1/log" 2>/dev/null | tail -c 800 | tr '\n' ';'
}
