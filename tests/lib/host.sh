#!/bin/bash
# host.sh READY: the first process of one test host (started by netns.bash in fresh namespaces):
# private mounts, quiet network defaults, then it reaps orphans until it is killed.
set -eu
ready=$1
. "$(dirname "$0")/mounts.sh"
mount -n --make-rprivate /
private_mounts
# No waiting for duplicate address detection, no addresses nobody asked for.
for knob in all default; do
	echo 0 > "/proc/sys/net/ipv6/conf/$knob/accept_dad" || true
	echo 0 > "/proc/sys/net/ipv6/conf/$knob/router_solicitations" || true
done
ip link set lo up
# Unprivileged tools ask for it, and a fresh namespace says nobody.
echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range || true
trap : TERM INT HUP
exec < /dev/null > /dev/null 2>&1
sleep infinity &
: > "$ready"
while :; do wait || true; done
