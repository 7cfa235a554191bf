#!/bin/bash
# overlay.sh [-r REPETITIONS] [-t SECONDS] [-o FILE] TOOLS LABEL=COMMAND…: compares userspace WireGuard daemons with
# iperf3 through overlay networks inside the tunnel: VXLAN with and without UDP checksums, GRE and IPIP, as far as the
# kernel has these devices. Every repetition measures every daemon, with and without overlay network. Writes a JSON line
# per measure to FILE or stdout, then the medians and their ratios. TOOLS is the build folder. Needs root, iperf3, jq.
# Runs in namespaces of tests/lib/box.sh.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

here=$(dirname "$0")
reps=5 seconds=3 out=
while getopts r:t:o: option; do
	case $option in
	r) reps=$OPTARG ;;
	t) seconds=$OPTARG ;;
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

# overlay NAME NET IP-LINK-WORD…: a device on both hosts, with addresses 10.8.NET.1 and .2. False: not in this kernel.
overlay() {
	local name=$1 net=$2 host number other
	shift 2
	for host in a:1:2 b:2:1; do
		IFS=: read -r host number other <<< "$host"
		ip -n "$host" link add "$name" type "$@" local "10.9.0.$number" remote "10.9.0.$other" 2> /dev/null || return
		ip -n "$host" address add "10.8.$net.$number/24" dev "$name"
		ip -n "$host" link set "$name" up
	done
	a ping -n -q -c 1 -W 5 "10.8.$net.2" > /dev/null
}

tcp() { # tcp MEASURE ADDRESS IPERF3-WORD…
	local name=$1 to=$2 result
	shift 2
	result=$(a iperf3 -J -c "$to" -t "$seconds" "$@") || { note "$label: iperf3 $* failed"; return 0; }
	emit "$name" "$(jq -r '.end.sum_received.bits_per_second / 1e6' <<< "$result")" Mbit/s
}

measure() {
	tcp plain 10.9.0.2
	tcp plain-4 10.9.0.2 -P 4
	! overlay vx 1 vxlan id 7 dstport 4789 noudpcsum || { tcp vxlan 10.8.1.2; tcp vxlan-4 10.8.1.2 -P 4; }
	! overlay vxc 2 vxlan id 8 dstport 4790 udpcsum || tcp vxlan-checksum 10.8.2.2
	! overlay gr 3 gre || tcp gre 10.8.3.2
	! overlay ii 4 ipip || tcp ipip 10.8.4.2
}

create_hosts a b
connect_hosts a:10.0.0.1/24 b:10.0.0.2/24
b iperf3 -s -D > /dev/null
about overlay "$@"
compared=("$@")
for rep in $(seq "$reps"); do
	for k in "${!compared[@]}"; do # each repetition starts with another one
		daemon=${compared[(k + rep - 1) % ${#compared[@]}]}
		label=${daemon%%=*}
		read -ra command <<< "${daemon#*=}"
		note "$(date +%T) overlay $rep/$reps $label"
		if start a && start b && set_peer a b && set_peer b a && first_handshake; then measure; fi
		for link in vx vxc gr ii; do
			for host in a b; do ip -n "$host" link delete "$link" 2> /dev/null || true; done
		done
		stop
	done
done
[ -n "$out" ] || cat "$lines"
jq -rs '
	def median: sort | .[(length - 1) / 2 | floor] * 0.5 + .[length / 2 | floor] * 0.5;
	map(select(.measure)) as $l | ($l | map(.impl) | unique_by(. as $i | $l | map(.impl) | index($i))) as $impls |
	(["TCP, Mbit/s (ratio to plain TCP)"] + $impls | "| " + join(" | ") + " |"),
	($l | map(.measure) | unique[] as $m | [$m] + [$impls[] as $i |
		($l | map(select(.impl == $i and .measure == $m).value) | if length > 0 then median else null end) as $v |
		($l | map(select(.impl == $i and .measure == (if $m | endswith("-4") then "plain-4" else "plain" end)).value) | if length > 0 then median else null end) as $p |
		if $v then "\($v | round) (\($v / $p * 100 | round) %)" else "" end] | "| " + join(" | ") + " |")' "$lines"
