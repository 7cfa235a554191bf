#!/bin/bash
# ndr.sh [-r REPETITIONS] [-t SECONDS] [-p "PEERS…"] [-s "SIZE…"] [-d "DIRECTION…"] [-o FILE] TOOLS LABEL=COMMAND… [ceiling]:
# searches the highest rate that userspace WireGuard daemons carry without loss (tests/bench/ndr.c), from the peers to the device
# (in) and back (out), with 1, 100, 1,000 and 10,000 peers, and packets of 64 and 1,420 bytes and a mix; with the delay at half
# that rate and the CPU time. Every repetition measures every daemon. "ceiling" is the tunnel without cryptography. Writes a JSON
# line per measure to FILE or stdout, then the report of tests/bench/report.py. TOOLS is the build folder. Needs root, jq,
# python3. Runs in namespaces of tests/lib/box.sh.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

here=$(dirname "$0")
reps=3 trial=1 peers="1 100 1000 10000" sizes="64 imix 1420" directions="in out" out=
while getopts r:t:p:s:d:o: option; do
	case $option in
	r) reps=$OPTARG ;; t) trial=$OPTARG ;; p) peers=$OPTARG ;; s) sizes=$OPTARG ;; d) directions=$OPTARG ;; o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
tools=$1 ndr=$1/tests/bench/ndr
shift
. "$here/pair.sh"
begin_lines

up() { # up PEERS: the device wgb with so many peers; sets key
	{ printf '[Interface]\nListenPort = 5000\nPrivateKey = '; cat /run/key.b; } > /run/conf
	"$ndr" make "$1" /run/conf /run/peers
	if [ "${command[0]}" = ceiling ]; then
		ip netns exec b "$tools/tests/bench/ceiling" wgb 5000 10.0.0.1 5000 &
		pid=$!
		daemons+=" $pid"
		until ip -n b link show wgb > /dev/null 2>&1; do
			[ -d "/proc/$pid" ] || return 1
			sleep 0.01
		done
		ip -n b link set wgb txqueuelen 1000 # as the daemon sets it
		key=-
	else
		start b || return
		"$wg" setconf wgb /run/conf
		key=$(pub b)
	fi
	bring_up b 2
	ip -n b route add 10.64.0.0/10 dev wgb
}

measure() { # measure DIRECTION SIZE PEERS
	local name=ndr-$1-$2-$3 result
	result=$("$ndr" run "$1" "$2" "$trial" /run/peers "$key" "$pid") || { note "$label: no $name"; return 0; }
	emit "$name" "$(jq .packets <<< "$result")" packets/s
	emit "$name-mbit" "$(jq .mbit <<< "$result")" Mbit/s
	emit "$name-cores" "$(jq .cores_per_gbit <<< "$result")" cores
	emit "$name-p50" "$(jq .p50 <<< "$result")" us
	emit "$name-p99" "$(jq .p99 <<< "$result")" us
}

create_hosts a b
connect_hosts a:10.0.0.1/24 b:10.0.0.2/24
about ndr "$@"
compared=("$@")
for rep in $(seq "$reps"); do
	for n in $peers; do
		for k in "${!compared[@]}"; do # each repetition starts with another one
			daemon=${compared[(k + rep - 1) % ${#compared[@]}]}
			label=${daemon%%=*}
			read -ra command <<< "${daemon#*=}"
			note "$(date +%T) ndr $rep/$reps, $n peers, $label"
			if up "$n"; then
				for size in $sizes; do
					for direction in $directions; do
						measure "$direction" "$size" "$n"
					done
				done
			fi
			stop
		done
	done
done
end_lines
