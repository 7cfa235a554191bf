# Functions for the benchmarks: two hosts (network namespaces) connected by a veth pair, daemons on them, and measures
# as JSON lines. Source this inside tests/lib/box.sh. The benchmark sets: here (its folder), tools (the build folder),
# out (the file of JSON lines, or empty), label (of the daemon being measured), rep (the number of the repetition),
# command (of the daemon, an array).

# shellcheck disable=SC2154,SC2034
wg=$tools/wg
rep=1 daemons=

a() { ip netns exec a "$@"; }
b() { ip netns exec b "$@"; }
note() { echo "$*" >&2; }

begin_lines() {
	lines=${out:-/run/lines} # /run is private
	: > "$lines"
}

end_lines() {
	[ -n "$out" ] || cat "$lines"
	python3 "$here/report.py" "$lines"
}

. "$here/about.sh"

emit() { # emit MEASURE VALUE UNIT
	if [ -z "$2" ]; then
		note "$label: no $1"
		return
	fi
	jq -cn --arg impl "$label" --argjson rep "$rep" --arg measure "$1" --arg value "$2" --arg unit "$3" \
		'{$impl, $rep, $measure, value: ($value | tonumber), $unit}' >> "$lines"
}

cpu() { # cpu PID…: seconds of CPU time used
	local pid
	for pid; do cat "/proc/$pid/stat"; done |
		awk '{ sub(/.*\) /, ""); t += $12 + $13 } END { print t / 100 }'
}

memory() { # memory VmRSS|VmHWM PID…: MiB of the largest process
	local field=$1 pid
	shift
	for pid; do cat "/proc/$pid/status"; done |
		awk -v k="$field:" '$1 == k && $2 > m { m = $2 } END { print m / 1024 }'
}

since() { # since START: seconds elapsed
	awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.4f", b - a }'
}

minus() { awk -v a="$1" -v b="$2" 'BEGIN { print a - b }'; }

connect_hosts() { # connect_hosts HOST:ADDRESS HOST:ADDRESS: with a veth pair
	local one=${1%%:*} other=${2%%:*} side
	ip -n "$one" link add "v$other" type veth peer name "v$one" netns "$other"
	for side in "$1:v$other" "$2:v$one"; do
		IFS=: read -r host address link <<< "$side"
		ip -n "$host" address add "$address" dev "$link"
		ip -n "$host" link set "$link" up
	done
}

create_hosts() { # create_hosts NAME…: creates network namespaces, with a private key each
	local h
	for h; do
		ip netns add "$h"
		ip -n "$h" link set lo up
		(umask 077; "$wg" genkey > "/run/key.$h")
	done
}

pub() { "$wg" pubkey < "/run/key.$1"; }

start() { # start HOST: runs the daemon there with interface wgHOST; sets pid
	local tries=0
	ip netns exec "$1" "${command[@]}" "wg$1" > /dev/null 2>&1 < /dev/null &
	pid=$!
	daemons+=" $pid"
	while [ ! -S "/run/wireguard/wg$1.sock" ]; do
		if ! [ -d "/proc/$pid" ] || [ $((tries += 1)) -gt 5000 ]; then
			note "$label: does not start: ${command[*]} wg$1"
			return 1
		fi
		sleep 0.002
	done
}

set_peer() { # set_peer HOST OTHER: configures OTHER as peer of HOST (a is 10.0.0.1, b 10.0.0.2; inside 10.9.0.1 and .2)
	local -A number=([a]=1 [b]=2)
	"$wg" set "wg$1" private-key "/run/key.$1" listen-port 5000 peer "$(pub "$2")" \
		allowed-ips "10.9.0.${number[$2]}/32" endpoint "10.0.0.${number[$2]}:5000"
	bring_up "$1" "${number[$1]}"
}

bring_up() { # bring_up HOST NUMBER: gives the interface its address and brings it up
	ip -n "$1" address add "10.9.0.$2/24" dev "wg$1"
	ip -n "$1" link set "wg$1" mtu 1420 up
}

first_handshake() { # first_handshake: pings until the session is established
	a ping -n -q -c 3 -i 0.2 -W 6 10.9.0.2 > /dev/null || { note "$label: no answer through the tunnel"; return 1; }
}

stop() { # stops all daemons
	local pid
	# shellcheck disable=SC2086
	[ -z "$daemons" ] || kill $daemons 2> /dev/null || true
	for pid in $daemons; do wait "$pid" 2> /dev/null || true; done
	daemons=
	rm -f /run/wireguard/*.sock # left by killed daemons
}

times() { # times < PING-OUTPUT: writes the round trips, sorted, in ms to /run/times
	sed -n 's/.*time=\([0-9.]*\) ms.*/\1/p' | sort -n > /run/times
}

percentile() { # percentile P: of /run/times
	awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p / 100 + 0.999); if (NR) print v[i < 1 ? 1 : i] }' /run/times
}

rtt() { # rtt MEASURE PINGS: round trips of pings 5 ms apart
	{ a ping -n -c "$2" -i 0.005 -W 1 10.9.0.2 || true; } | times
	emit "$1-p50" "$(percentile 50)" ms
	emit "$1-p99" "$(percentile 99)" ms
}
