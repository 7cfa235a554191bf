#!/bin/bash
# dataplane.sh [-r REPETITIONS] [-t SECONDS] [-o FILE.jsonl] WG LABEL=DAEMON…: userspace WireGuard daemons
# side by side: two namespaces and a cable, iperf3 and ping through the tunnel, every daemon in turn
# within every repetition. One JSON line per measure, and a table of medians (least-most) at the end.
# WG is a wg(8) program. Needs root, iperf3, jq. Runs in a box of its own: sh tests/lib/box.sh bash …
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

reps=5 seconds=4 out=$(mktemp)
while getopts r:t:o: option; do
	case $option in
	r) reps=$OPTARG ;; t) seconds=$OPTARG ;; o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n 2,5p "$0" >&2; exit 2; }
wg=$1
shift
: > "$out"

a() { ip netns exec a "$@"; }
b() { ip netns exec b "$@"; }

emit() { # emit MEASURE VALUE UNIT
	jq -cn --arg impl "$label" --argjson rep "$rep" --arg measure "$1" --arg value "$2" --arg unit "$3" \
		'{$impl, $rep, $measure, value: ($value | tonumber), $unit}' >> "$out"
}

cpu() { # seconds both daemons have used
	cat $(printf '/proc/%s/stat ' $daemons) | awk '{ sub(/.*\) /, ""); t += $12 + $13 } END { print t / 100 }'
}

memory() { # memory VmRSS|VmHWM: MB of the larger one
	cat $(printf '/proc/%s/status ' $daemons) | awk -v k="$1:" '$1 == k && $2 > m { m = $2 } END { print m / 1024 }'
}

net() {
	ip netns add a
	ip netns add b
	ip -n a link add v0 type veth peer name v0 netns b
	for side in a:1 b:2; do
		ip -n "${side%:*}" address add "10.0.0.${side#*:}/24" dev v0
		ip -n "${side%:*}" link set lo up
		ip -n "${side%:*}" link set v0 up
	done
	(umask 077; for h in a b; do "$wg" genkey > "/run/key.$h"; done)
	b iperf3 -s -D > /dev/null
}

up() { # up DAEMON…
	local h n other began=$EPOCHREALTIME
	for h in a b; do
		ip netns exec $h "$@" "wg$h" > /dev/null 2>&1 < /dev/null &
		while [ ! -S "/run/wireguard/wg$h.sock" ]; do sleep 0.002; done
		[ $h = b ] || emit start "$(awk -v s="$began" -v e="$EPOCHREALTIME" 'BEGIN { print (e - s) * 1000 }')" ms
	done
	for h in a:1:b:2 b:2:a:1; do
		IFS=: read -r h n other m <<< "$h"
		"$wg" set "wg$h" private-key "/run/key.$h" listen-port 5000 \
			peer "$("$wg" pubkey < "/run/key.$other")" allowed-ips "10.9.0.$m/32" endpoint "10.0.0.$m:5000"
		ip -n $h address add "10.9.0.$n/24" dev "wg$h"
		ip -n $h link set "wg$h" mtu 1420 up
	done
	a ping -n -q -c 3 -i 0.2 -W 6 10.9.0.2 > /dev/null
	daemons=$(for h in a b; do pgrep -f "wg$h\$" | while read -r pid; do
		[ "$(basename "$(readlink "/proc/$pid/exe")")" = "$(basename "$(readlink -f "$1")")" ] && echo "$pid"
	done; done)
}

down() {
	ip -n a link del wga
	ip -n b link del wgb
	while pgrep -f 'wg[ab]$' > /dev/null; do sleep 0.05; done
}

tcp() { # tcp MEASURE IPERF3-WORD…
	local name=$1 before result
	shift
	before=$(cpu)
	result=$(a iperf3 -J -c 10.9.0.2 -t "$seconds" -O 1 "$@")
	emit "$name" "$(jq '.end.sum_received.bits_per_second / 1e6' <<< "$result")" Mbit/s
	emit "$name-cpu" "$(jq --arg used "$(cpu)" --arg before "$before" \
		'(($used | tonumber) - ($before | tonumber)) / (.end.sum_sent.bytes / 1e9)' <<< "$result")" s/GB
}

rtt() { # rtt MEASURE: 500 pings, 5 ms apart
	a ping -n -c 500 -i 0.005 -W 1 10.9.0.2 | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n > /run/rtt
	emit "$1-p50" "$(sed -n "$(($(wc -l < /run/rtt) / 2 + 1))p" /run/rtt)" ms
	emit "$1-p99" "$(sed -n "$(($(wc -l < /run/rtt) * 99 / 100))p" /run/rtt)" ms
}

udp() { # udp MEASURE BYTES RATE: packets a second that arrived, and the loss
	local result
	result=$(a iperf3 -J -u -c 10.9.0.2 -t "$seconds" -l "$2" -b "$3")
	emit "$1" "$(jq '(.end.sum.packets - .end.sum.lost_packets) / .end.sum.seconds' <<< "$result")" packets/s
	emit "$1-lost" "$(jq .end.sum.lost_percent <<< "$result")" %
}

measure() {
	emit rss-idle "$(memory VmRSS)" MB
	rtt rtt-idle
	tcp tcp1
	tcp tcp1-back -R
	tcp tcp4 -P 4
	udp udp-64 64 50M
	udp udp-1372 1372 1G
	a iperf3 -c 10.9.0.2 -t 60 -b 1G > /dev/null 2>&1 &
	local load=$!
	rtt rtt-1G
	kill $load
	wait $load 2> /dev/null || true
	emit rss-peak "$(memory VmHWM)" MB
}

net
for rep in $(seq "$reps"); do
	for one; do
		label=${one%%=*}
		read -ra words <<< "${one#*=}"
		up "${words[@]}"
		measure
		down
	done
done

jq -rs 'group_by([.measure, .impl])[] | [.[0].measure, .[0].impl, (map(.value) | sort)] as [$m, $i, $v]
	| [$m, $i, $v[($v | length) / 2 | floor], $v[0], $v[-1], .[0].unit] | @tsv' "$out" |
	awk -F '\t' '{ printf "%-14s %-14s %10.2f  (%.2f-%.2f) %s\n", $1, $2, $3, $4, $5, $6 }'
