#!/bin/bash
# run.sh BUILD [ROUNDS [SECONDS]]: compares TCP through `wg-quick run` of an ordinary user with TCP through a tunnel that root
# brought up, both with wireguardd, to and from the same server, in alternating rounds; and measures how long `wg-quick run` needs
# until its command runs, and to end after it. Prints medians. Needs root, iperf3 and jq.
set -eu
if [ -z "${WGSUITE_BOX-}" ]; then
	exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"
fi
[ "$WGSUITE_BOX" = root ] || { echo "run.sh: needs root" >&2; exit 1; }
build=$(realpath "$1") rounds=${2:-7} seconds=${3:-2}
user=4711 here=$(realpath "$(dirname "$0")")
mkdir -m 755 /run/bench
install -m 755 "$build/wg" "$build/wg-quick" "$build/wireguardd" /run/bench
cd /run/bench
PATH=/run/bench:$PATH
mount -t tmpfs tmpfs /dev/net
mknod -m 666 /dev/net/tun c 10 200

ip netns add server
ip link add eth0 type veth peer name eth0 netns server
ip address add 192.0.2.2/24 dev eth0
ip link set eth0 up
ip -n server address add 192.0.2.1/24 dev eth0
ip -n server link set eth0 up
ip -n server link set lo up

keys=()
for i in 0 1 2; do keys[i]=$(wg genkey); done
public() { wg pubkey <<< "${keys[$1]}"; }
tunnel() { # tunnel NAME NUMBER OWNER: the tunnel file of a client
	install -m 600 -o "$3" /dev/stdin "$1.conf" <<-END
	[Interface]
	PrivateKey = ${keys[$2]}
	Address = 10.9.0.$((1 + $2))/24
	[Peer]
	PublicKey = $(public 0)
	AllowedIPs = 10.9.0.0/24
	Endpoint = 192.0.2.1:51820
	END
}
tunnel root 1 0
tunnel user 2 $user
install -m 600 /dev/stdin server.conf <<-END
	[Interface]
	PrivateKey = ${keys[0]}
	Address = 10.9.0.1/24
	ListenPort = 51820
	[Peer]
	PublicKey = $(public 1)
	AllowedIPs = 10.9.0.2/32
	[Peer]
	PublicKey = $(public 2)
	AllowedIPs = 10.9.0.3/32
END
ip netns exec server wg-quick up ./server.conf 2> /dev/null
wg-quick up ./root.conf 2> /dev/null
ip netns exec server iperf3 -s > /dev/null &
until ip netns exec server sh -c 'ss -Hltn sport = :5201' | grep -q .; do sleep 0.05; done

as_user() { setpriv --reuid $user --regid $user --clear-groups wg-quick run ./user.conf -- "$@" 2> /dev/null; }
as_root() { "$@"; }
measure() { # measure AS [OPTION]: Mbit/s; again if the server is busy with the end of the last test
	local i as=$1
	shift
	for i in $(seq 20); do
		"$as" iperf3 -c 10.9.0.1 -t "$seconds" -J "$@" |
			jq -e '.end.sum_received.bits_per_second // empty | . / 1e6' && return
		sleep 0.2
	done
	echo "run.sh: no result from iperf3" >&2
	return 1
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

for i in $(seq "$rounds"); do
	for direction in forward reverse; do
		for who in root user; do
			option=
			[ $direction = forward ] || option=-R
			measure as_$who $option >> "$who-$direction"
		done
	done
done
for i in $(seq $((3 * rounds))); do
	from=${EPOCHREALTIME/./}
	echo $(($(as_user bash -c 'echo "${EPOCHREALTIME/./}"') - from)) >> start # the start of bash included
	echo $((${EPOCHREALTIME/./} - from)) >> whole
done

. "$here/about.sh"
echo "CPU: $(cpu_family)"
for direction in forward reverse; do
	awk -v root="$(median < root-$direction)" -v user="$(median < user-$direction)" -v direction=$direction \
		'BEGIN { printf "%s: wg-quick run %.0f Mbit/s, root %.0f Mbit/s: %.2f\n", direction, user, root, user / root }'
done
awk -v start="$(median < start)" -v whole="$(median < whole)" \
	'BEGIN { printf "start: %.1f ms until the command runs, %.1f ms with its end\n", start / 1000, whole / 1000 }'
