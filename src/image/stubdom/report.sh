# What the stubdom says: lines on console 0, which dom0 keeps in /var/log/xen/qemu-dm-<guest>.log, and the last failure in xenstore.

# A line with the seconds since the start.
say() {
  read -r uptime rest < /proc/uptime
  echo "stubferry[$uptime] $*"
}

# Says it, and writes it where dom0 can see it: data/stubferry/failure below the stubdom's own folder in xenstore.
fail() {
  say "FAILED: $*"
  xenstore-write data/stubferry/failure "$(printf '%s' "$*" | tr -c '[:print:]' ' ' | cut -c1-1000)" ||
    say "and xenstore does not take the failure"
}

# The end of what NAME wrote, as one line.
last_words() {
  tail -n 4 "/run/log/$1/log" 2>/dev/null | tail -c 800 | tr '\n' ';'
}
