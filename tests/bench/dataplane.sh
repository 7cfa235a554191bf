#!/bin/bash
# dataplane.sh [-r REPETITIONS] [-t SECONDS] [-o FILE.jsonl] TOOLS LABEL=DAEMON… [ceiling]: userspace WireGuard
# daemons side by side: two namespaces and a cable, iperf3, ping and tests/bench/blast through the tunnel,
# every daemon in turn within every repetition; "ceiling" is the tunnel without cryptography. One JSON line
# per measure, then a table of medians (least-most). TOOLS is the build folder (wg, tests/bench/…).
# Needs root, iperf3, jq. Runs in a box of its own.
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
[ $# -ge 2 ] || { sed -n 2,6p "$0" >&2; exit 2; }
tools=$1 wg=$1/wg
shift
: > "$out"

a() { ip netns exec a "$@"; }
b() { ip netns exec b "$@"; }

emit() { # emit MEASURE VALUE UNIT
	jq -cn --arg impl "$label" --argjson rep "$rep" --arg measure "$1" --arg value "$2" --arg unit "$3" \
		'{$impl, $rep, $measure, value: ($value | tonumber), $unit}' >> "$out"
}

cpu() { # seconds both daemons have used
	local pid
	for pid in $daemons; do cat "/proc/$pid/stat"; done |
		awk '{ sub(/.*\) /, ""); t += $12 + $13 } END { print t / 100 }'
}

memory() { # memory VmRSS|VmHWM: MB of the larger one
	local pid
	for pid in $daemons; do cat "/proc/$pid/status"; done |
		awk -v k="$1:" '$1 == k && $2 > m { m = $2 } END { print m / 1024 }'
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

up_ceiling() {
	local h n m
	for h in a:1:2 b:2:1; do
		IFS=: read -r h n m <<< "$h"
		ip netns exec "$h" "$tools/tests/bench/ceiling" "wg$h" 5000 "10.0.0.$m" 5000 &
		daemons+=" $!"
		until ip -n "$h" link show "wg$h" > /dev/null 2>&1; do sleep 0.01; done
		ip -n "$h" link set "wg$h" txqueuelen 1000 # the daemon's
		tc -n "$h" qdisc replace dev "wg$h" root noqueue
	done
}

up_daemons() { # up_daemons DAEMON…
	local h n m other began=$EPOCHREALTIME
	for h in a b; do
		ip netns exec $h "$@" "wg$h" > /dev/null 2>&1 < /dev/null &
		daemons+=" $!"
		while [ ! -S "/run/wireguard/wg$h.sock" ]; do sleep 0.002; done
		[ $h = b ] || emit start "$(awk -v s="$began" -v e="$EPOCHREALTIME" 'BEGIN { print (e - s) * 1000 }')" ms
	done
	for h in a:1:b:2 b:2:a:1; do
		IFS=: read -r h n other m <<< "$h"
		"$wg" set "wg$h" private-key "/run/key.$h" listen-port 5000 \
			peer "$("$wg" pubkey < "/run/key.$other")" allowed-ips "10.9.0.$m/32" endpoint "10.0.0.$m:5000"
	done
}

up() { # up ceiling | DAEMON…, which stays in the foreground
	daemons=
	if [ "$1" = ceiling ]; then up_ceiling; else up_daemons "$@"; fi
	for h in a:1 b:2; do
		ip -n "${h%:*}" address add "10.9.0.${h#*:}/24" dev "wg${h%:*}"
		ip -n "${h%:*}" link set "wg${h%:*}" mtu 1420 up
	done
	a ping -n -q -c 3 -i 0.2 -W 6 10.9.0.2 > /dev/null
}

down() {
	local pid
	kill $daemons
	for pid in $daemons; do wait "$pid" 2> /dev/null || true; done
}

tcp() { # tcp MEASURE IPERF3-WORD…
	local name=$1 before result
	shift
	before=$(cpu)
	result=$(a iperf3 -J -c 10.9.0.2 -t "$seconds" "$@") || { echo "$label: iperf3 $*" >&2; return 0; }
	jq -r --arg used "$(cpu)" --arg before "$before" '
		([.end.sum_received, .end.sum_received_bidir_reverse] | map(.bytes // 0) | add) as $bytes |
		([.end.sum_received, .end.sum_received_bidir_reverse] | map(.bits_per_second // 0) | add / 1e6),
		((($used | tonumber) - ($before | tonumber)) / ($bytes / 1e9))' <<< "$result" > /run/tcp
	emit "$name" "$(sed -n 1p /run/tcp)" Mbit/s
	emit "$name-cpu" "$(sed -n 2p /run/tcp)" s/GB
}

rtt() { # rtt MEASURE: 500 pings, 5 ms apart
	a ping -n -c 500 -i 0.005 -W 1 10.9.0.2 | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n > /run/rtt
	emit "$1-p50" "$(sed -n "$(($(wc -l < /run/rtt) / 2 + 1))p" /run/rtt)" ms
	emit "$1-p99" "$(sed -n "$(($(wc -l < /run/rtt) * 99 / 100))p" /run/rtt)" ms
}

udp() { # udp MEASURE BYTES SEGMENTS
	local before
	before=$(cpu)
	read -r free mbit best lost < <("$tools/tests/bench/blast" a b 10.9.0.2 "$2" "$3" 0.7)
	emit "$1-flood" "$free" packets/s
	emit "$1-best" "$best" packets/s
	[ "$3" = 1 ] || emit "$1" "$mbit" Mbit/s
}

measure() {
	emit rss-idle "$(memory VmRSS)" MB
	rtt rtt-idle
	tcp tcp1
	tcp tcp1-back -R
	tcp tcp4 -P 4
	tcp tcp4-back -P 4 -R
	tcp both-ways --bidir
	udp udp-64 64 1
	udp udp-1372 1372 1
	udp udp-gso 1200 40
	ip netns exec a iperf3 -c 10.9.0.2 -t 60 -b 1G > /dev/null 2>&1 &
	local load=$!
	sleep 0.5
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

cat "$out"
jq -rs 'group_by([.measure, .impl])[] | [.[0].measure, .[0].impl, (map(.value) | sort)] as [$m, $i, $v]
	| [$m, $i, $v[($v | length) / 2 | floor], $v[0], $v[-1], .[0].unit] | @tsv' "$out" |
	awk -F '\t' '{ printf "%-14s %-14s %10.2f  (%.2f-%.2f) %s\n", $1, $2, $3, $4, $5, $6 }'
