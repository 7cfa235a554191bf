#!/bin/sh
# box.sh COMMAND…: runs the command in new mount, network and process namespaces, with private copies of /etc and /run.
# No change reaches this machine, and what the command leaves behind ends with the namespaces. Without root, the
# command is root in a user namespace that maps this user only (WGSUITE_BOX=user, otherwise root); where that is not
# permitted, it runs without a box.
set -eu
if [ "${1-}" != --inside ]; then
	box=root options=
	if [ "$(id -u)" != 0 ]; then
		box=user options="--user --map-root-user"
		unshare $options --mount --net --pid --fork true 2> /dev/null || exec "$@"
	fi
	exec unshare $options --mount --net --pid --fork --kill-child --mount-proc --propagation unchanged -- \
		sh "$0" --inside $box "$@"
fi
export WGSUITE_BOX="$2"

. "$(dirname "$0")/mounts.sh"
own_root "$0" "$@"
shift 2
private_mounts
ip link set lo up
# The first process of a process namespace ignores signals it has no handler for, so the command is its child.
"$@" &
main=$!
trap 'kill -TERM $main 2>/dev/null || true' INT TERM HUP
code=0
wait $main || code=$?
exit $code
