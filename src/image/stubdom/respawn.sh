# Runs the programs of the stubdom, and restarts them.
#
#   run      runs a program once. Its end is a failure.
#   respawn  runs a program and restarts it whenever it ends, which is a failure. The delay grows: 1, 2, 4, ... 30 s.
#            It is 1 s again when the program ran for a minute.
#
# The output of a program goes to console 0 and to a log file. The last lines of the file are part of the failure.

run() {
  name=$1
  shift
  tee "/run/log/$name/log" < "/run/log/$name/pipe" &
  "$@" > "/run/log/$name/pipe" 2>&1 < /dev/null &
  program=$!
  echo $program > "$RUN/$name.pid"
  wait $program
  status=$?
  [ -e $RUN/stopped ] || fail "$name ended with status $status: $(last_lines "$name")"
}

respawn() {
  pause=1
  while [ ! -e $RUN/stopped ]; do
    started=$(seconds)
    run "$@"
    [ $(($(seconds) - started)) -lt 60 ] || pause=1
    sleep $pause
    pause=$((pause * 2))
    [ $pause -lt 30 ] || pause=30
  done
}

seconds() {
  cut -d. -f1 /proc/uptime
}

# Ends the agent and vchan-socket-proxy for good. The toolstack's connection to the monitor closes.
stop_respawning() {
  : > $RUN/stopped
  for name in agent proxy; do
    [ ! -e $RUN/$name.pid ] || kill "$(cat $RUN/$name.pid)" 2>/dev/null
  done
}
