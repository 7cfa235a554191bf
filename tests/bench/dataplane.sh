#!/bin/bash
# dataplane.sh [-r REPETITIONS] [-t SECONDS] [-m MEASURES] [-q] [-o FILE] TOOLS LABEL=COMMAND… [ceiling]: compares userspace
# WireGuard daemons with iperf3, ping and tests/bench/blast through a tunnel between two network namespaces. Every
# repetition measures every daemon. "ceiling" is the tunnel without cryptography. -m: only these, of "tcp udp rtt". -q:
# quick, to test that everything works. Writes a JSON line per measure to FILE or stdout, then the report of
# tests/bench/report.py. TOOLS is the build folder. Needs root, iperf3, jq, python3. Runs in namespaces of tests/lib/box.sh.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

here=$(dirname "$0")
reps=5 pings=500 step=0.7 long=(-t 4) measures="tcp udp rtt" out=
while getopts r:t:m:qo: option; do
	case $option in
	r) reps=$OPTARG ;;
	t) long=(-t "$OPTARG") ;;
	m) measures=$OPTARG ;;
	q) long=(-n 4M) pings=30 step=0.02 ;;
	o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }
tools=$1
shift
. "$here/pair.sh"
begin_lines

up_ceiling() {
	local h n m
	for h in a:1:2 b:2:1; do
		IFS=: read -r h n m <<< "$h"
		ip netns exec "$h" "$tools/tests/bench/ceiling" "wg$h" 5000 "10.0.0.$m" 5000 &
		daemons+=" $!"
		until ip -n "$h" link show "wg$h" > /dev/null 2>&1; do
			[ -d "/proc/$!" ] || return 1
			sleep 0.01
		done
		ip -n "$h" link set "wg$h" txqueuelen 1000 # as the daemon sets it
		tc -n "$h" qdisc replace dev "wg$h" root noqueue
		bring_up "$h" "$n"
	done
}

up_daemons() {
	local began=$EPOCHREALTIME
	start a || return
	emit start "$(awk -v s="$(since "$began")" 'BEGIN { print s * 1000 }')" ms
	start b || return
	set_peer a b && set_peer b a
}

up() {
	if [ "${command[0]}" = ceiling ]; then up_ceiling; else up_daemons; fi && first_handshake
}

tcp() { # tcp MEASURE IPERF3-WORD…
	local name=$1 before result
	shift
	before=$(cpu $daemons)
	result=$(a iperf3 -J -c 10.9.0.2 "${long[@]}" "$@") || { note "$label: iperf3 $* failed"; return 0; }
	jq -r --arg used "$(cpu $daemons)" --arg before "$before" '
		([.end.sum_received, .end.sum_received_bidir_reverse] | map(.bytes // 0) | add) as $bytes |
		([.end.sum_received, .end.sum_received_bidir_reverse] | map(.bits_per_second // 0) | add / 1e6),
		(if $bytes > 0 then (($used | tonumber) - ($before | tonumber)) / ($bytes / 1e9) else "" end)' <<< "$result" > /run/tcp
	emit "$name" "$(sed -n 1p /run/tcp)" Mbit/s
	emit "$name-cpu" "$(sed -n 2p /run/tcp)" s/GB
}

udp() { # udp MEASURE BYTES SEGMENTS
	local free mbit best lost
	read -r free mbit best lost < <("$tools/tests/bench/blast" a b 10.9.0.2 "$2" "$3" "$step") || return 0
	emit "$1-flood" "$free" packets/s
	emit "$1-best" "$best" packets/s
	emit "$1-lost" "$lost" %
	[ "$3" = 1 ] || emit "$1" "$mbit" Mbit/s
}

measure_tcp() {
	tcp tcp1
	tcp tcp1-back -R
	tcp tcp4 -P 4
	tcp tcp4-back -P 4 -R
	tcp both-ways --bidir
}

measure_udp() {
	udp udp-64 64 1
	udp udp-1400 1372 1 # IP packets of 1,400 bytes
	udp udp-gso 1200 40
}

rtt_under_load() {
	local load
	ip netns exec a iperf3 -c 10.9.0.2 -t 60 -b 1G > /dev/null 2>&1 &
	load=$!
	sleep 0.5
	rtt rtt-1G "$pings"
	kill "$load" 2> /dev/null || true
	wait "$load" 2> /dev/null || true
}

measure() {
	emit rss-idle "$(memory VmRSS $daemons)" MiB
	case " $measures " in *' rtt '*) rtt rtt-idle "$pings" ;; esac
	case " $measures " in *' tcp '*) measure_tcp ;; esac
	case " $measures " in *' udp '*) measure_udp ;; esac
	case " $measures " in *' rtt '*) rtt_under_load ;; esac
	emit rss-peak "$(memory VmHWM $daemons)" MiB
}

create_hosts a b
connect_hosts a:10.0.0.1/24 b:10.0.0.2/24
b iperf3 -s -D > /dev/null
about dataplane "$@"
compared=("$@")
for rep in $(seq "$reps"); do
	for k in "${!compared[@]}"; do # each repetition starts with another one
		daemon=${compared[(k + rep - 1) % ${#compared[@]}]}
		label=${daemon%%=*}
		read -ra command <<< "${daemon#*=}"
		note "$(date +%T) dataplane $rep/$reps $label"
		if up; then measure; fi
		stop
	done
done
end_lines
