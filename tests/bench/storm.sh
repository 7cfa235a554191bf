#!/bin/bash
# storm.sh TOOLS [-n INITIATORS] [-f RATE:SECONDS] LABEL=DAEMON…: handshakes answered, with 1 and 64 unanswered
# at a time (rate, CPU of the daemon for each); then a flood of initiations with a valid mac1 from many
# sources beside an established flow of 100 pings a second: how many were lost, how much memory grew.
# JSON lines. TOOLS is the build folder. Needs root and jq. Runs in a box of its own.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

tools=$1 n=8192 flood=100000:10
shift
while getopts n:f: option; do
	case $option in
	n) n=$OPTARG ;; f) flood=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
wg=$tools/wg storm=$tools/tests/bench/storm rate=${flood%:*} seconds=${flood#*:}

a() { ip netns exec a "$@"; }
b() { ip netns exec b "$@"; }
cpu() { awk '{ sub(/.*\) /, ""); print ($12 + $13) / 100 }' "/proc/$1/stat"; }
memory() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

net() {
	local i
	ip netns add a
	ip netns add b
	ip -n a link add v0 type veth peer name v0 netns b
	for side in a:1 b:2; do
		ip -n "${side%:*}" address add "10.0.0.${side#*:}/24" dev v0
		ip -n "${side%:*}" link set lo up
		ip -n "${side%:*}" link set v0 up
	done
	ip -n a route add local 10.77.0.0/16 dev lo
	ip -n b route add 10.77.0.0/16 via 10.0.0.1
	sources=$(for i in $(seq 128); do echo "10.77.$i.$i"; done)
	(umask 077; for h in a b; do "$wg" genkey > "/run/key.$h"; done)
}

start() { # start NAMESPACE: sets pid
	ip netns exec "$1" "${words[@]}" "wg$1" > /dev/null 2>&1 < /dev/null &
	pid=$!
	while [ ! -S "/run/wireguard/wg$1.sock" ]; do sleep 0.01; done
}

stop() {
	kill "$@"
	wait "$@" 2> /dev/null || true
}

answered() { # answered WINDOW
	local before result
	start b
	{ printf '[Interface]\nListenPort = 5000\nPrivateKey = '; cat /run/key.b; } > /run/conf
	rm -f /run/initiations
	"$storm" make "$n" "$("$wg" pubkey < /run/key.b)" /run/conf /run/initiations
	"$wg" setconf wgb /run/conf
	ip -n b link set wgb up
	sleep 0.5
	before=$(cpu "$pid")
	result=$(a "$storm" run /run/initiations 10.0.0.2 5000 "$1")
	jq -c --arg impl "$label" --argjson window "$1" --argjson cpu "$(cpu "$pid")" --argjson before "$before" \
		'{$impl, $window} + . + {per_s: (.answers / .seconds), cpu_us: (($cpu - $before) * 1e6 / ([.answers, 1] | max))}' <<< "$result"
	stop "$pid"
}

flooded() {
	local here before lost
	start a
	here=$pid
	start b
	for h in a:1:b:2 b:2:a:1; do
		IFS=: read -r h k other m <<< "$h"
		"$wg" set "wg$h" private-key "/run/key.$h" listen-port 5000 \
			peer "$("$wg" pubkey < "/run/key.$other")" allowed-ips "10.9.0.$m/32" endpoint "10.0.0.$m:5000"
		ip -n "$h" address add "10.9.0.$k/24" dev "wg$h"
		ip -n "$h" link set "wg$h" up
	done
	a ping -n -q -c 3 -i 0.2 -W 6 10.9.0.2 > /dev/null
	before=$(memory "$pid")
	a ping -n -i 0.01 -c "$((seconds * 100))" -W 1 10.9.0.2 > /run/pings &
	local pings=$!
	# shellcheck disable=SC2086
	sent=$(a "$storm" flood "$("$wg" pubkey < /run/key.b)" 10.0.0.2 5000 "$rate" "$seconds" $sources | jq .sent)
	wait "$pings" || true
	jq -cn --arg impl "$label" --argjson sent "$sent" --argjson seconds "$seconds" --argjson grown "$(($(memory "$pid") - before))" \
		--argjson answered "$(grep -c time= /run/pings)" \
		'{$impl, flood_per_s: ($sent / $seconds), pings: ($seconds * 100), $answered, rss_grown_kb: $grown}'
	stop "$here" "$pid"
}

net
for one; do
	label=${one%%=*}
	read -ra words <<< "${one#*=}"
	answered 1
	answered 64
	flooded
done
