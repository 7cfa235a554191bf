#!/bin/sh
# box.sh COMMAND…: runs the command as root in namespaces of its own (mounts, network, processes),
# with private copies of /etc and /run, so that nothing a test does reaches this machine and
# everything it forgets ends with it.
set -eu
if [ "${1-}" != --inside ]; then
	exec unshare --mount --net --pid --fork --kill-child --mount-proc --propagation unchanged -- \
		sh "$0" --inside "$@"
fi

. "$(dirname "$0")/mounts.sh"
own_root "$0" "$@"
shift
private_mounts
ip link set lo up
export WGSUITE_BOX=1
# The first process of a pid namespace ignores signals it has no handler for: leave that to init.
"$@" &
main=$!
trap 'kill -TERM $main 2>/dev/null || true' INT TERM HUP
code=0
wait $main || code=$?
exit $code
