#!/bin/bash
# quick.sh BUILD PEERS [ROUNDS]: our wg-quick beside Debian's, both over the same userspace daemon, in turns:
# up, strip and down of tunnels with 1, 1,000 and 5,000 dual-stack peers with routes; ours alone also with
# 100,000, and a reload that changes one peer of them. "floor" is what nobody's down can be faster than:
# `ip link delete` of the same link. Medians, in milliseconds, and peak memory.
set -eu
if [ -z "${WGSUITE_BOX-}" ]; then
	exec sh "$(dirname "$0")/../lib/box.sh" bash "$0" "$@"
fi
build=$(realpath "$1") peers=$(realpath "$2") rounds=${3:-5}
ip link add eth0 type veth peer name eth1
ip address add 192.0.2.1/24 dev eth0
ip link set eth0 up && ip link set eth1 up
ip route add default via 192.0.2.254

tunnel() { # tunnel N: a hub's file; the keys are numbers, which no handshake will ever ask about
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
theirs() { bash "$peers/wg-quick" "$@"; }
export WG_QUICK_USERSPACE_IMPLEMENTATION=$build/wireguardd

ms() { # ms COMMAND…: its time
	local from=${EPOCHREALTIME/./}
	"$@" > /dev/null 2>&1
	echo $(((${EPOCHREALTIME/./} - from)))
}
gone() { while pgrep -x wireguardd > /dev/null; do sleep 0.01; done; }
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] / 1000 }'; }

daemon_alone() {
	"$build/wireguardd" wg0
}
for i in $(seq "$rounds"); do
	ms daemon_alone
	ip link delete wg0
	gone
done > /run/alone
echo "the daemon's own start: $(median < /run/alone) ms"

printf '%8s %8s %10s %10s %10s %10s\n' peers who up strip down floor
# Who takes it down makes no difference to who brought it up; theirs needs a minute for 5,000 peers.
down() { # down WHAT COMMAND…
	"$build/wg-quick" up wg0 > /dev/null 2>&1
	ms "${@:2}" >> "/run/down-$1"
	gone
	rm -rf /run/wgsuite
}
row() { # row N ROUNDS-OF-THEIRS
	local n=$1 i who
	rm -f /run/{up,strip,down}-*
	for i in $(seq "$rounds"); do
		for who in ours theirs; do
			[ "$i" -le "$2" ] || [ "$who" = ours ] || continue
			ms "$who" up wg0 >> "/run/up-$who"
			ours down wg0 > /dev/null 2>&1
			gone
		done
		for who in ours theirs; do
			[ "$2" -gt 0 ] || [ "$who" = ours ] || continue
			ms "$who" strip wg0 >> "/run/strip-$who"
			down "$who" "$who" down wg0
		done
		down floor ip link delete wg0
	done
	for who in ours theirs; do
		[ -e "/run/up-$who" ] || continue
		printf '%8d %8s %10s %10s %10s' "$n" "$who" "$(median < "/run/up-$who")" \
			"$(median < "/run/strip-$who")" "$(median < "/run/down-$who")"
		[ "$who" = theirs ] || printf ' %10s' "$(median < /run/down-floor)"
		echo
	done
}
for n in 1 1000 5000 100000; do
	tunnel $n
	case $n in
	1) row $n "$rounds" ;;
	1000) row $n 3 ;;
	5000) row $n 1 ;;
	*) row $n 0 ;;
	esac
done

"$build/wg-quick" up wg0 > /dev/null 2>&1
sed -i '0,/10\.1\.0\.7\/32/s//10.1.0.7\/32, 10.200.0.0\/16/' /etc/wireguard/wg0.conf
echo "reload of one changed peer in 100,000: $(ms ours reload wg0 | median) ms, $(ours diff wg0 | wc -l) left"
"$build/wg-quick" down wg0 > /dev/null 2>&1
gone
tunnel 100000
/usr/bin/time -f 'peak memory of up with 100,000 peers: %M KiB' "$build/wg-quick" up wg0 2>&1 > /dev/null | tail -1
"$build/wg-quick" down wg0 > /dev/null 2>&1
