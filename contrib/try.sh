#!/bin/sh
# try.sh: demonstrates the suite in under a minute. Run it with: sudo sh contrib/try.sh
# Builds the programs, creates two hosts from network namespaces with a key and a tunnel file each, brings
# both tunnels up with wg-quick, pings through the tunnel, runs `wg show` and takes the tunnels down.
# Everything is removed at the end, also after a failure or an interrupt. The network configuration of this
# machine and its /etc/wireguard are not touched.
set -eu
cd "$(dirname "$0")/.."

heading() {
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

if [ "${1-}" != --inside ]; then
	if [ "$(id -u)" != 0 ]; then
		echo "try.sh: must be run as root: sudo sh contrib/try.sh" >&2
		exit 1
	fi
	heading "Installing the packages needed to build and run"
	sh contrib/packages.sh --install build try
	[ -c /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; } || {
		echo "try.sh: /dev/net/tun is missing and cannot be created" >&2
		exit 1
	}
	heading "Building wg, wg-quick and wireguardd (make)"
	make -j"$(nproc)" --no-print-directory
	# The kernel removes these mount, network and PID namespaces with everything in them when the last
	# process exits, even after a crash.
	code=0
	unshare --mount --net --pid --fork --kill-child --mount-proc --propagation unchanged -- \
		sh contrib/try.sh --inside || code=$?
	[ "$code" = 0 ] || { echo "try.sh: FAILED ($code)" >&2; exit "$code"; }
	heading "It works, and everything that this demonstration created has been removed. See README.md for how to install."
	exit 0
fi

PATH=$PWD/build:$PATH
export PATH
. tests/lib/mounts.sh
own_root contrib/try.sh "$@"
private_mounts
trap 'exit 130' INT TERM

# on HOST COMMAND: runs a command on a host, with its network, /etc/wireguard and /run.
on() {
	host=$1
	shift
	nsenter --net="/run/netns/$host" unshare --mount --propagation unchanged -- sh -c '
		mount --bind "/run/'"$host"'/etc" /etc/wireguard
		mount --bind "/run/'"$host"'/run" /run
		exec "$@"' sh "$@"
}

mkdir -p /run/alice/etc /run/alice/run /run/bob/etc /run/bob/run
umask 077

heading "Two hosts, alice (192.0.2.1) and bob (192.0.2.2), connected by a veth pair"
ip netns add alice
ip netns add bob
ip link add eth0 netns alice type veth peer name eth0 netns bob
ip -n alice address add 192.0.2.1/24 dev eth0
ip -n bob address add 192.0.2.2/24 dev eth0
for host in alice bob; do
	ip -n "$host" link set lo up
	ip -n "$host" link set eth0 up
done

heading "Key pairs (wg genkey, wg pubkey) and tunnel files; this is the one of alice"
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
sed 's/^PrivateKey = .*/PrivateKey = (hidden)/' /run/alice/etc/wg0.conf

heading "bob# wg-quick up wg0"
on bob wg-quick up wg0
heading "alice# wg-quick up wg0"
on alice wg-quick up wg0

heading "alice# ping 10.77.0.2, through the tunnel"
on alice ping -n -c 3 -i 0.2 -W 10 10.77.0.2

heading "alice# wg show"
on alice wg show
handshake=$(on alice wg show wg0 latest-handshakes | cut -f2)
if [ "${handshake:-0}" = 0 ]; then
	echo "try.sh: no handshake took place" >&2
	exit 1
fi

heading "wg-quick down wg0, on both hosts"
on alice wg-quick down wg0
on bob wg-quick down wg0
for host in alice bob; do
	if ip -n "$host" link show wg0 2> /dev/null; then
		echo "try.sh: wg0 still exists on $host" >&2
		exit 1
	fi
done
