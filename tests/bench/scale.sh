#!/bin/bash
# scale.sh [-r REPETITIONS] [-i SECONDS] [-p PEERS] [-q] [-o FILE] TOOLS LABEL=COMMAND… -- PEERS…: measures daemons with
# many peers: for each number of PEERS, time of `wg setconf` and `wg show dump`, and memory. -i: system calls and packets
# during SECONDS with 1,000 idle peers. -p: one active peer of the first daemon while `wg addconf` adds PEERS others: pings
# before, during and after, TCP before and after. -q: quick, with few pings and little TCP. Writes JSON lines to FILE or
# stdout, then the report of tests/bench/report.py. TOOLS is the build folder. Needs root, jq, python3, strace, iperf3.
# Runs in namespaces of tests/lib/box.sh.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

here=$(dirname "$0")
reps=1 idle=0 others=0 pings=500 long=(-t 2) out=
while getopts r:i:p:qo: option; do
	case $option in
	r) reps=$OPTARG ;; i) idle=$OPTARG ;; p) others=$OPTARG ;; q) pings=30 long=(-n 4M) ;; o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
tools=$1
shift
. "$here/pair.sh"
compared=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do compared+=("$1"); shift; done
[ $# = 0 ] || shift
begin_lines

peers() { # peers N: peer sections with random keys, an allowed IP and an endpoint each
	python3 - "$1" <<- 'END'
		import base64, os, sys
		for i in range(int(sys.argv[1])):
		    a = "%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255)
		    print("[Peer]\nPublicKey = " + base64.b64encode(os.urandom(32)).decode() +
		          "\nAllowedIPs = 11." + a + "/32\nEndpoint = 127." + a + ":5001")
	END
}

conf() { # conf N: a configuration with N peers
	printf '[Interface]\nListenPort = 5000\nPrivateKey = '
	"$wg" genkey
	peers "$1"
}

load() { # load PEERS
	local n=$1 began before after loaded
	start a || return
	ip -n a link set wga up
	before=$(memory VmRSS "$pid")
	began=$EPOCHREALTIME
	"$wg" setconf wga /run/conf || true
	emit "peers-$n-setconf" "$(since "$began")" s
	after=$(memory VmRSS "$pid")
	emit "peers-$n-peak" "$(memory VmHWM "$pid")" MiB
	began=$EPOCHREALTIME
	loaded=$("$wg" show wga dump | tail -n +2 | wc -l)
	emit "peers-$n-dump" "$(since "$began")" s
	emit "peers-$n-loaded" "$loaded" peers
	[ "$loaded" -ge "$n" ] || [ "$rep" != "$reps" ] || limit[$label]=$loaded
	emit "peers-$n-memory" "$after" MiB
	emit "peers-$n-each" "$(awk -v a="$after" -v b="$before" -v n="$loaded" 'BEGIN { if (n) print (a - b) * 1024 / n }')" KiB
	stop
}

packets() { ip -n a -s -j link show lo | jq '.[0].stats64.tx.packets'; }

idle_daemon() {
	local before
	start a || return
	ip -n a link set wga up
	"$wg" setconf wga /run/conf
	sleep 1
	before=$(packets)
	timeout -s INT "$idle" strace -f -qq -o /run/calls -p "$pid" || true
	emit idle-calls "$(awk -v s="$idle" 'END { print NR * 60 / s }' /run/calls)" 1/min
	emit idle-packets "$(($(packets) - before))" packets
	stop
}

tcp() { # tcp MEASURE
	emit "$1" "$(a iperf3 -J -c 10.9.0.2 "${long[@]}" | jq '.end.sum_received.bits_per_second / 1e6')" Mbit/s
}

active_peer() {
	local loading pinging i
	start a || return
	start b || return
	set_peer a b
	set_peer b a
	first_handshake || return
	peers "$others" > /run/conf
	emit one-others "$others" peers
	rtt one-before "$pings"
	for i in 1 2 3; do tcp one-before-tcp; done
	"$wg" addconf wgb /run/conf &
	loading=$!
	ip netns exec a ping -n -i 0.005 -W 1 10.9.0.2 > /run/pings &
	pinging=$!
	wait "$loading" || note "$label: wg addconf of $others peers failed"
	sleep 0.1
	kill -INT "$pinging"
	wait "$pinging" || true
	times < /run/pings
	emit one-loading-p50 "$(percentile 50)" ms
	emit one-loading-p99 "$(percentile 99)" ms
	emit one-loading-longest "$(percentile 100)" ms
	# Lost pings are gaps in the sequence numbers of the replies.
	emit one-loading-lost "$(awk '/time=/ { n++; split($5, s, "="); if (s[2] > most) most = s[2] }
		END { if (most) print (most - n) * 100 / most }' /run/pings)" %
	rtt one-after "$pings"
	for i in 1 2 3; do tcp one-after-tcp; done
	stop
}

create_hosts a b
connect_hosts a:10.0.0.1/24 b:10.0.0.2/24
b iperf3 -s -D > /dev/null
about scale "${compared[@]}"
umask 077
declare -A limit=()
for n; do
	conf "$n" > /run/conf
	for rep in $(seq "$reps"); do
		for daemon in "${compared[@]}"; do
			label=${daemon%%=*}
			read -ra command <<< "${daemon#*=}"
			[ -z "${limit[$label]-}" ] || continue # it did not accept a smaller number
			note "$(date +%T) scale $rep/$reps $label $n"
			load "$n" || true
			stop
		done
	done
done
rep=1
[ "$idle" = 0 ] || conf 1000 > /run/conf
for daemon in "${compared[@]}"; do
	label=${daemon%%=*}
	read -ra command <<< "${daemon#*=}"
	if [ "$idle" != 0 ]; then
		note "$(date +%T) scale: $label, idle for $idle s"
		idle_daemon || true
		stop
	fi
	if [ "$others" != 0 ] && [ "$daemon" = "${compared[0]}" ]; then
		note "$(date +%T) scale: $label, an active peer and $others others"
		active_peer || true
		stop
	fi
done
end_lines
