# The programs of the stubdom, and what happens when one ends.
#
#   run   once. Its end is a failure.
#   keep  again after its end, which is a failure: after 1, 2, 4, ... 30 s; after 1 s again when it ran for a minute
#
# What a program writes goes to console 0 and to a file, of which the last lines tell why it ended.

run() {
  name=$1
  shift
  tee "/run/log/$name/log" < "/run/log/$name/pipe" &
  "$@" > "/run/log/$name/pipe" 2>&1 < /dev/null &
  program=$!
  echo $program > "$RUN/$name.pid"
  wait $program
  status=$?
  [ -e $RUN/stopped ] || fail "$name ended with status $status: $(last_words "$name")"
}

keep() {
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

# Ends all that is kept; the toolstack sees its connection go.
stop_keeping() {
  : > $RUN/stopped
  for name in agent proxy; do
    [ ! -e $RUN/$name.pid ] || kill "$(cat $RUN/$name.pid)" 2>/dev/null
  done
}
