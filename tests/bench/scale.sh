#!/bin/bash
# scale.sh TOOLS [-i SECONDS] LABEL=DAEMON… -- PEERS…: configuring many peers with `wg setconf` (seconds, resident
# memory, seconds of `wg show dump`), and system calls of SECONDS (0) with 1,000 idle peers. JSON lines.
# TOOLS is the build folder. Needs root and python3, strace for -i. Runs in a box of its own.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

tools=$1 wg=$1/wg idle=0
shift
if [ "$1" = -i ]; then idle=$2; shift 2; fi
daemons=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do daemons+=("$1"); shift; done
shift

conf() { # conf PEERS: random keys, an allowed IP and an endpoint for each
	python3 - "$1" <<- 'END'
		import base64, os, sys
		print("[Interface]\nPrivateKey = " + base64.b64encode(os.urandom(32)).decode() + "\nListenPort = 5000")
		for i in range(int(sys.argv[1])):
		    a = "%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255)
		    print("[Peer]\nPublicKey = " + base64.b64encode(os.urandom(32)).decode() +
		          "\nAllowedIPs = 10." + a + "/32\nEndpoint = 127." + a + ":5001")
	END
}

field() { awk -v k="$1:" '$1 == k { print $2 / 1024 }' "/proc/$pid/status"; }
seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'; }

start() {
	"${words[@]}" wg0 > /dev/null 2>&1 < /dev/null &
	pid=$!
	while [ ! -S /run/wireguard/wg0.sock ]; do sleep 0.01; done
	ip link set wg0 up
	before=$(field VmRSS)
}

stop() {
	kill "$pid"
	wait "$pid" 2> /dev/null || true
}

load() { # load PEERS
	local began n=$1 setconf
	start
	began=$EPOCHREALTIME
	"$wg" setconf wg0 /run/conf || true
	setconf=$(seconds "$began")
	began=$EPOCHREALTIME
	printf '{"impl":"%s","peers":%d,"loaded":%d,"setconf_s":%s,"rss_before_mb":%.1f,"rss_after_mb":%.1f,"rss_peak_mb":%.1f,' \
		"$label" "$n" "$("$wg" show wg0 dump | tail -n +2 | wc -l)" "$setconf" "$before" "$(field VmRSS)" "$(field VmHWM)"
	printf '"dump_s":%s}\n' "$(seconds "$began")"
	stop
}

idle_calls() {
	start
	"$wg" setconf wg0 /run/conf
	sleep 1
	timeout -s INT "$idle" strace -f -qq -o /run/calls -p "$pid" || true
	printf '{"impl":"%s","idle_peers":1000,"idle_s":%d,"system_calls":%d}\n' "$label" "$idle" "$(wc -l < /run/calls)"
	stop
}

ip link set lo up
for n; do
	conf "$n" > /run/conf
	for one in "${daemons[@]}"; do
		label=${one%%=*}
		read -ra words <<< "${one#*=}"
		load "$n"
	done
done
[ "$idle" = 0 ] || conf 1000 > /run/conf
for one in "${daemons[@]}"; do
	[ "$idle" != 0 ] || break
	label=${one%%=*}
	read -ra words <<< "${one#*=}"
	idle_calls
done
