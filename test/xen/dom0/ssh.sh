#!/bin/sh
# Replaces ssh to this host, which `xl migrate GUEST localhost` runs. The lab has no network.
[ "$1" = localhost ] || exit 255
shift
exec sh -c "$*"
