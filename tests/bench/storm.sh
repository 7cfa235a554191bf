#!/bin/bash
# storm.sh [-r REPETITIONS] [-n INITIATORS] [-f RATE:SECONDS] [-o FILE] TOOLS LABEL=COMMAND…: measures how daemons answer
# handshakes, sequentially and with 64 concurrent ones (rate, CPU time per handshake). Then, once, a flood of initiations
# with a valid mac1 from 65,536 addresses with 64 ports each: pings lost by an established session, initiations that new
# peers need to connect, memory growth, and time until handshakes need no cookie again. Writes JSON lines to FILE or
# stdout, then the report of tests/bench/report.py. TOOLS is the build folder. Needs root, jq, nft, python3. Runs in
# namespaces of tests/lib/box.sh.
set -eu
[ -n "${WGSUITE_BOX-}" ] || exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"

here=$(dirname "$0")
reps=5 n=8192 flood=100000:30 out=
while getopts r:n:f:o: option; do
	case $option in
	r) reps=$OPTARG ;; n) n=$OPTARG ;; f) flood=$OPTARG ;; o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
tools=$1 storm=$1/tests/bench/storm rate=${flood%:*} seconds=${flood#*:}
shift
. "$here/pair.sh"
begin_lines

answered() { # answered WINDOW
	local before result
	start b || return
	{ printf '[Interface]\nListenPort = 5000\nPrivateKey = '; cat /run/key.b; } > /run/conf
	"$storm" make "$n" "$(pub b)" /run/conf /run/initiations
	"$wg" setconf wgb /run/conf
	ip -n b link set wgb up
	sleep 0.5
	before=$(cpu "$pid")
	result=$(a "$storm" run /run/initiations 10.0.0.2 5000 "$1")
	emit "handshake-$1-cpu" "$(jq --argjson used "$(minus "$(cpu "$pid")" "$before")" \
		'if .answers > 0 then $used * 1e6 / .answers else "" end' <<< "$result")" us
	emit "handshake-$1-rate" "$(jq 'if .answers > 0 then .answers / .seconds else "" end' <<< "$result")" 1/s
	emit "handshake-$1-refused" "$(jq '.cookies + .lost' <<< "$result")" handshakes
	stop
}

new_peer() { # makes c a new peer of b, without a session, and resets the counter of its initiations
	[ ! -e /run/joined ] || "$wg" set wgb peer "$(cat /run/joined)" remove
	"$wg" set wgc peer "$(pub b)" remove
	(umask 077; "$wg" genkey > /run/key.c)
	pub c > /run/joined
	"$wg" set wgb peer "$(pub c)" allowed-ips 10.9.0.3/32
	"$wg" set wgc private-key /run/key.c listen-port 5000 peer "$(pub b)" \
		allowed-ips 10.9.0.0/24 endpoint 10.1.0.2:5000
	ip netns exec c nft reset counter ip t tries > /dev/null
}

initiations() { ip netns exec c nft list counter ip t tries | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }

connect_during_flood() { # connects up to three new peers, one after the other
	local i most=0 connected=yes
	for i in 1 2 3; do
		[ ! -s /run/sent ] || break
		new_peer
		ip netns exec c ping -n -q -c 1 -w 20 10.9.0.2 > /dev/null || connected=
		[ "$(initiations)" -le "$most" ] || most=$(initiations)
	done
	[ -n "$connected" ] || most=99
	emit flood-join-tries "$most" initiations
}

flooded() {
	local target before pings sender
	start c || return
	start a || return
	start b || return
	target=$pid
	set_peer a b
	set_peer b a
	bring_up c 3
	rm -f /run/joined /run/probes /run/sent
	: > /run/conf
	"$storm" make 200 "$(pub b)" /run/conf /run/probes
	"$wg" addconf wgb /run/conf
	first_handshake || return
	before=$(memory VmRSS "$target")
	echo 5 > "/proc/$target/clear_refs" # restarts the peak of VmHWM
	ip netns exec a ping -n -i 0.01 -c "$((seconds * 100))" -W 1 10.9.0.2 > /run/pings &
	pings=$!
	{
		a "$storm" flood "$(pub b)" 10.0.0.2 5000 "$rate" "$seconds" 10.77.0.0 > /run/sent
		a "$storm" settle /run/probes 10.0.0.2 5000 > /run/settled
	} &
	sender=$!
	sleep 0.5
	connect_during_flood
	wait "$sender" || return
	emit flood-normal-after "$(jq 'if .answered then .seconds else 99 end' /run/settled)" s
	wait "$pings" || true
	emit flood-rate "$(jq "(.sent / $seconds)" /run/sent)" 1/s
	emit flood-pings-lost "$(awk -v n="$((seconds * 100))" '/time=/ { k++ } END { print (n - k) * 100 / n }' /run/pings)" %
	emit flood-memory "$(minus "$(memory VmHWM "$target")" "$before")" MiB
}

create_hosts a b c
connect_hosts a:10.0.0.1/24 b:10.0.0.2/24
connect_hosts c:10.1.0.3/24 b:10.1.0.2/24
ip -n a route add local 10.77.0.0/16 dev lo
ip -n b route add 10.77.0.0/16 via 10.0.0.1
ip netns exec c nft 'add table ip t; add counter ip t tries; add chain ip t o { type filter hook output priority 0; };
	add rule ip t o udp dport 5000 udp length 156 counter name tries' # initiations of 148 bytes
about storm "$@"
for rep in $(seq "$reps"); do
	for daemon; do
		label=${daemon%%=*}
		read -ra command <<< "${daemon#*=}"
		note "$(date +%T) storm $rep/$reps $label"
		answered 1 || true
		answered 64 || true
		[ "$rep" != 1 ] || flooded || true
		stop
	done
done
end_lines
