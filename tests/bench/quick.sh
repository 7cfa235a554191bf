#!/bin/bash
# quick.sh BUILD PEERS [ROUNDS]: compares our wg-quick with Debian's, both with the same userspace daemon, in alternating
# rounds: up, strip and down of tunnels with 1, 1,000 and 5,000 dual-stack peers with routes; ours also with 100,000, and
# a reload that changes one of them. "floor" is `ip link delete` of the same link, which limits any down. Prints medians
# in milliseconds, and peak memory. PEERS is the folder of tests/lib/get-peers.sh.
set -eu
if [ -z "${WGSUITE_BOX-}" ]; then
	exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"
fi
build=$(realpath "$1") peers=$(realpath "$2") rounds=${3:-5}
ip link add eth0 type veth peer name eth1
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up && ip link set eth1 up
ip route add default via 192.0.2.254

tunnel() { # tunnel N: writes the tunnel file of a hub; no handshake uses the keys, which are numbers
	perl -MMIME::Base64 -e '
		print "[Interface]\nAddress = 10.0.0.1/32, fd00::1/128\nPrivateKey = ", encode_base64("k" x 32, ""), "\n";
		for my $i (1 .. shift) {
			printf "\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.%d.%d.%d/32, fd00:1:%x::%x/128\n",
				encode_base64(pack("N8", (0x9e3779b9 * $i) % 2**32, ($i) x 7), ""),
				1 + ($i >> 16), ($i >> 8) & 255, $i & 255, $i >> 12, $i & 0xfff;
		}' "$1" > /etc/wireguard/wg0.conf
	chmod 600 /etc/wireguard/wg0.conf
}
ours() { "$build/wg-quick" "$@"; }
debian() { bash "$peers/wg-quick" "$@"; }
export WG_QUICK_USERSPACE_IMPLEMENTATION=$build/wireguardd

us() { # us COMMAND…: runs it and prints its duration in µs
	local from=${EPOCHREALTIME/./}
	"$@" > /dev/null 2>&1
	echo $(((${EPOCHREALTIME/./} - from)))
}
wait_exit() { while pgrep -x wireguardd > /dev/null; do sleep 0.01; done; }
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] / 1000 }'; }

daemon_alone() {
	"$build/wireguardd" wg0
}
for i in $(seq "$rounds"); do
	us daemon_alone
	ip link delete wg0
	wait_exit
done > /run/alone
echo "start of the daemon alone: $(median < /run/alone) ms"

printf '%8s %8s %10s %10s %10s %10s\n' peers program up strip down floor
# Tunnels to measure down with are brought up by ours: Debian's takes a minute with 5,000 peers.
down() { # down NAME COMMAND…
	"$build/wg-quick" up wg0 > /dev/null 2>&1
	us "${@:2}" >> "/run/down-$1"
	wait_exit
	rm -rf /run/wgsuite
}
compare() { # compare N ROUNDS: with ROUNDS of Debian's
	local n=$1 i program
	rm -f /run/{up,strip,down}-*
	for i in $(seq "$rounds"); do
		for program in ours debian; do
			[ "$i" -le "$2" ] || [ "$program" = ours ] || continue
			us "$program" up wg0 >> "/run/up-$program"
			ours down wg0 > /dev/null 2>&1
			wait_exit
		done
		for program in ours debian; do
			[ "$2" -gt 0 ] || [ "$program" = ours ] || continue
			us "$program" strip wg0 >> "/run/strip-$program"
			down "$program" "$program" down wg0
		done
		down floor ip link delete wg0
	done
	for program in ours debian; do
		[ -e "/run/up-$program" ] || continue
		printf '%8d %8s %10s %10s %10s' "$n" "$program" "$(median < "/run/up-$program")" \
			"$(median < "/run/strip-$program")" "$(median < "/run/down-$program")"
		[ "$program" = debian ] || printf ' %10s' "$(median < /run/down-floor)"
		echo
	done
}
for n in 1 1000 5000 100000; do
	tunnel $n
	case $n in
	1) compare $n "$rounds" ;;
	1000) compare $n 3 ;;
	5000) compare $n 1 ;;
	*) compare $n 0 ;;
	esac
done

"$build/wg-quick" up wg0 > /dev/null 2>&1
sed -i '0,/10\.1\.0\.7\/32/s//10.1.0.7\/32, 10.200.0.0\/16/' /etc/wireguard/wg0.conf
echo "reload of one changed peer in 100,000: $(us ours reload wg0 | median) ms, $(ours diff wg0 | wc -l) differences left"
"$build/wg-quick" down wg0 > /dev/null 2>&1
wait_exit
tunnel 100000
/usr/bin/time -f 'peak memory of up with 100,000 peers: %M KiB' "$build/wg-quick" up wg0 2>&1 > /dev/null | tail -1
"$build/wg-quick" down wg0 > /dev/null 2>&1
