#!/bin/bash
# host.sh READY: the first process of a test host, started by netns.bash in new namespaces. Sets up private mounts and
# the network defaults of tests, creates the file READY, then reaps orphans until it is killed.
set -eu
ready=$1
. "$(dirname "$0")/mounts.sh"
mount -n --make-rprivate /
private_mounts
# No duplicate address detection, which takes a second, and no automatic addresses.
for knob in all default; do
	echo 0 > "/proc/sys/net/ipv6/conf/$knob/accept_dad" || true
	echo 0 > "/proc/sys/net/ipv6/conf/$knob/router_solicitations" || true
done
ip link set lo up
# Allows unprivileged ping; in a new namespace no group may use it.
echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range || true
cd /
trap : TERM INT HUP
exec < /dev/null > /dev/null 2>&1
sleep infinity &
: > "$ready"
while :; do wait || true; done
