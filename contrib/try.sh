#!/bin/sh
# try.sh: sudo sh contrib/try.sh shows the suite at work in under a minute: builds it, makes two hosts
# out of network namespaces, gives each a key and a tunnel file, brings both tunnels up with wg-quick,
# pings through, shows `wg show`, takes everything down and removes every trace of it, also when
# something fails or is interrupted. The machine's own network and /etc/wireguard are not touched.
set -eu
cd "$(dirname "$0")/.."

say() {
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

if [ "${1-}" != --inside ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "try.sh: run me as root: sudo sh contrib/try.sh" >&2
		exit 1
	fi
	say "Installing what is needed to build and run"
	sh contrib/packages.sh --install build try
	[ -c /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; } || {
		echo "try.sh: this system has no /dev/net/tun" >&2
		exit 1
	}
	say "Building wg, wg-quick and wireguardd (make)"
	make -j"$(nproc)" --no-print-directory
	# Mounts, network and processes of their own: what is made in there is gone when it ends, however
	# it ends.
	code=0
	unshare --mount --net --pid --fork --kill-child --mount-proc --propagation unchanged -- \
		sh contrib/try.sh --inside || code=$?
	[ "$code" = 0 ] || { echo "try.sh: FAILED ($code)" >&2; exit "$code"; }
	say "It works, and nothing of it is left. Next: sudo make install, and README.md"
	exit 0
fi

PATH=$PWD/build:$PATH
export PATH
. tests/lib/mounts.sh
own_root contrib/try.sh "$@"
private_mounts
trap 'exit 130' INT TERM

# Each host has its own network, its own /etc/wireguard and its own /run.
on() {
	who=$1
	shift
	nsenter --net="/run/netns/$who" unshare --mount --propagation unchanged -- sh -c '
		mount --bind "/run/'"$who"'/etc" /etc/wireguard
		mount --bind "/run/'"$who"'/run" /run
		exec "$@"' sh "$@"
}

mkdir -p /run/alice/etc /run/alice/run /run/bob/etc /run/bob/run
umask 077

say "Two hosts, alice and bob, joined by a cable: 192.0.2.1 and 192.0.2.2"
ip netns add alice
ip netns add bob
ip link add eth0 netns alice type veth peer name eth0 netns bob
ip -n alice address add 192.0.2.1/24 dev eth0
ip -n bob address add 192.0.2.2/24 dev eth0
for host in alice bob; do
	ip -n "$host" link set lo up
	ip -n "$host" link set eth0 up
done

say "A key for each (wg genkey, wg pubkey), and their tunnel files"
alice=$(wg genkey)
bob=$(wg genkey)
cat > /run/alice/etc/wg0.conf <<-END
	[Interface]
	PrivateKey = $alice
	Address = 10.77.0.1/24
	ListenPort = 51820

	[Peer]
	PublicKey = $(echo "$bob" | wg pubkey)
	AllowedIPs = 10.77.0.2/32
	Endpoint = 192.0.2.2:51820
END
cat > /run/bob/etc/wg0.conf <<-END
	[Interface]
	PrivateKey = $bob
	Address = 10.77.0.2/24
	ListenPort = 51820

	[Peer]
	PublicKey = $(echo "$alice" | wg pubkey)
	AllowedIPs = 10.77.0.1/32
END
sed 's/^PrivateKey = .*/PrivateKey = (not shown)/' /run/alice/etc/wg0.conf

say "bob# wg-quick up wg0"
on bob wg-quick up wg0
say "alice# wg-quick up wg0"
on alice wg-quick up wg0

say "alice# ping 10.77.0.2   (through the tunnel)"
on alice ping -n -c 3 -i 0.2 -W 10 10.77.0.2

say "alice# wg show"
on alice wg show
handshake=$(on alice wg show wg0 latest-handshakes | cut -f2)
if [ "${handshake:-0}" = 0 ]; then
	echo "try.sh: there was no handshake" >&2
	exit 1
fi

say "wg-quick down wg0, on both"
on alice wg-quick down wg0
on bob wg-quick down wg0
for host in alice bob; do
	if ip -n "$host" link show wg0 2> /dev/null; then
		echo "try.sh: wg0 is still there on $host" >&2
		exit 1
	fi
done
