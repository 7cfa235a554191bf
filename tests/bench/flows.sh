#!/bin/bash
# flows.sh [-r REPETITIONS] [-t SECONDS] [-u RATE] [-f FLOOD] [-n STREAMS] [-o FILE] TOOLS LABEL=COMMAND…: measures how fair
# a daemon is to TCP streams that leave through one interface next to a UDP flood. One daemon has five peers; 64 streams to
# addresses of four of them, and the flood (tests/bench/streams; default 1372@1000, of 1,000 Mbit/s) to the fifth. Once the CPU is the
# bottleneck, once an uplink of RATE (tbf; default 200mbit). Measures Jain's fairness index of the streams, their
# throughput and the flood's, and round trips meanwhile. The peers run the first daemon. Writes JSON lines to FILE or stdout, then
# the report of tests/bench/report.py. TOOLS is the build folder. Needs root, jq, python3. Runs in namespaces of
# tests/lib/box.sh.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

here=$(dirname "$0")
reps=3 seconds=8 uplink=200mbit flood=1372@1000 streams=64 peers=4 out=
while getopts r:t:u:f:n:o: option; do
	case $option in
	r) reps=$OPTARG ;; t) seconds=$OPTARG ;; u) uplink=$OPTARG ;; f) flood=$OPTARG ;;
	n) streams=$OPTARG ;; o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2,9s/^# //p' "$0" >&2; exit 2; }
tools=$1
shift
. "$here/pair.sh"
begin_lines

start_peer() { # start_peer N: a peer in namespace b: port 6000 + N, inner addresses 10.9.N.2 and following
	local i
	ip netns exec b "${first[@]}" "wgp$1" > /dev/null 2>&1 < /dev/null &
	daemons+=" $!"
	until [ -S "/run/wireguard/wgp$1.sock" ]; do sleep 0.01; done
	"$wg" set wga peer "$(pub "p$1")" allowed-ips "10.9.$1.0/24" endpoint "10.0.0.2:600$1"
	"$wg" set "wgp$1" private-key "/run/key.p$1" listen-port "600$1" peer "$(pub a)" \
		allowed-ips "10.9.$1.0/24" endpoint 10.0.0.1:5000
	ip -n a address add "10.9.$1.1/24" dev wga
	for ((i = 2; i < 2 + streams / peers; i++)); do ip -n b address add "10.9.$1.$i/24" dev "wgp$1"; done
	ip -n b link set "wgp$1" mtu 1420 up
	a ping -n -q -c 3 -i 0.2 -W 6 "10.9.$1.2" > /dev/null || { note "$label: no answer of peer $1"; return 1; }
}

up() {
	local n
	start a || return
	"$wg" set wga private-key /run/key.a listen-port 5000
	ip -n a link set wga mtu 1420 up
	for ((n = 0; n <= peers; n++)); do start_peer "$n" || return; done
}

fairness() { # fairness NAME FLOOD
	local jain sum least greatest got sent stalled pinger
	a ping -n -i 0.02 -w "$seconds" 10.9.1.2 > /run/pings &
	pinger=$!
	read -r jain sum least greatest got sent stalled < <("$tools/tests/bench/streams" a b "$seconds" 10.9.0.2 "$2" "${to[@]}") || true
	wait "$pinger" || true
	emit "fair-$1-jain" "${jain-}" ""
	emit "fair-$1-tcp" "${sum-}" Mbit/s
	emit "fair-$1-least" "${least-}" Mbit/s
	emit "fair-$1-greatest" "${greatest-}" Mbit/s
	emit "fair-$1-flood" "${got-}" Mbit/s
	emit "fair-$1-flood-sent" "${sent-}" Mbit/s
	emit "fair-$1-stalled" "${stalled-}" streams
	times < /run/pings
	emit "fair-$1-p50" "$(percentile 50)" ms
	emit "fair-$1-p99" "$(percentile 99)" ms
}

create_hosts a b
for ((n = 0; n <= peers; n++)); do (umask 077; "$wg" genkey > "/run/key.p$n"); done
connect_hosts a:10.0.0.1/24 b:10.0.0.2/24
to=()
for ((n = 1; n <= peers; n++)); do
	for ((i = 2; i < 2 + streams / peers; i++)); do to+=("10.9.$n.$i"); done
done
read -ra first <<< "${1#*=}"
about flows "$@"
for rep in $(seq "$reps"); do
	for daemon; do
		label=${daemon%%=*}
		read -ra command <<< "${daemon#*=}"
		note "$(date +%T) flows $rep/$reps $label"
		if up; then
			fairness cpu-alone 0
			fairness cpu "$flood"
			tc -n a qdisc add dev vb root tbf rate "$uplink" burst 100k limit 10m
			fairness uplink-alone 0
			fairness uplink "$flood"
			tc -n a qdisc del dev vb root
		fi
		stop
	done
done
end_lines
