#!/bin/sh
# Stands for ssh to this host, which `xl migrate GUEST localhost` runs: there is no network here.
[ "$1" = localhost ] || exit 255
shift
exec sh -c "$*"
