#!/bin/bash
# wg.sh OUR_WG FAKE_UAPI WG_TIME [RUNS]: compares our wg with Debian's (WG_DEBIAN, default /usr/bin/wg) on a scripted
# configuration socket, in alternating runs: show, show dump, setconf and syncconf with 1 to 100,000 peers, genkey and
# pubkey. Prints medians of wall time, CPU time and peak memory, and their ratios. Needs root: both programs look for
# sockets in /run/wireguard, which the script replaces in its own mount namespace.
set -euo pipefail
if [ "${WG_BENCH_INSIDE-}" != 1 ]; then
	exec env WG_BENCH_INSIDE=1 unshare --mount --propagation private -- bash "$0" "$@"
fi
ours=$(realpath "$1") fake=$(realpath "$2") timer=$(realpath "$3") runs=${4:-9}
debian=${WG_DEBIAN:-/usr/bin/wg}
mount -t tmpfs tmpfs /run
mkdir /run/wireguard
scratch=$(mktemp -d /dev/shm/wg-bench.XXXXXX)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$scratch"' EXIT
cd "$scratch"

peers() { # peers N: the answer of a device with N peers, configured like a busy server
	awk -v n="$1" 'BEGIN {
		print "private_key=e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a\nlisten_port=51820"
		for (i = 1; i <= n; i++)
			printf "public_key=%064x\npreshared_key=%064x\nprotocol_version=1\nendpoint=192.0.%d.%d:%d\nlast_handshake_time_sec=%d\nlast_handshake_time_nsec=5\ntx_bytes=%d\nrx_bytes=%d\npersistent_keepalive_interval=25\nallowed_ip=10.%d.%d.%d/32\nallowed_ip=fd00::%x:%x/128\n", i, i * 7 + 1, i / 256 % 256, i % 256, 1024 + i % 60000, 1700000000 + i, i * 1000, i * 2000, i / 65536, i / 256 % 256, i % 256, i / 65536, i % 65536
		print "errno=0\n" }'
}

compare() { # compare NAME PEERS ARGUMENT…: measures both programs with these arguments
	local name=$1 n=$2
	shift 2
	"$timer" "$count" "$debian" "$ours" "$@" | awk -v name="$name" -v n="$n" '{
		printf "%-22s %7s  %10.1f %8.1f  %4.2f   %10.1f %8.1f  %4.2f   %7d %7d  %4.2f\n", name, n,
			$1 / 1000, $4 / 1000, $4 / $1, $2 / 1000, $5 / 1000, $5 / $2, $3, $6, $6 / $3 }'
}

printf '%-22s %7s  %-25s   %-25s   %s\n' '' '' 'wall time, ms' 'CPU time, ms' 'peak memory, KiB'
printf '%-22s %7s  %10s %8s %5s   %10s %8s %5s   %7s %7s %5s\n' '' peers Debian ours ratio Debian ours ratio Debian ours ratio
for n in 1 1000 10000 100000; do
	case $n in
	1 | 1000) count=$((runs * 20)) ;; # a millisecond each
	10000) count=$((runs * 2)) ;;
	*) count=$runs ;;
	esac
	peers $n > answer
	"$fake" -g answer /run/wireguard/wgx.sock > ready &
	server=$!
	until [ -s ready ]; do sleep 0.05; done
	"$ours" showconf wgx > same.conf
	awk -v n="$n" '/^AllowedIPs/ && ++seen == int((n + 1) / 2) { $3 = "10.255.255.255/32,"} { print }' same.conf > one.conf
	compare "show-dump" $n show wgx dump
	compare "show" $n show wgx
	compare "setconf" $n setconf wgx same.conf
	compare "syncconf-same" $n syncconf wgx same.conf
	compare "syncconf-one-changed" $n syncconf wgx one.conf
	kill "$server"
	wait "$server" 2>/dev/null || true
	server=
	rm -f ready
done
count=1000
"$ours" genkey > key
WG_TIME_STDIN=key compare "pubkey-process" - pubkey
compare "genkey-process" - genkey
