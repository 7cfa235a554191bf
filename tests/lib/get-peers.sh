#!/bin/sh
# get-peers.sh [--newest] DIR: fetches Debian's WireGuard programs, to compare with and to talk to, into DIR:
#   DIR/wg DIR/wg-quick            wireguard-tools of bookworm
#   DIR/wireguard-tools.deb        the package itself
#   DIR/wg-new/                    the newest wg, of sid, with the C library that it needs (x86-64 only)
#   DIR/wireguard-go-2022          of bookworm
#   DIR/wireguard-go-2023          of bookworm-backports
#   DIR/promtool                   of prometheus, to check metrics with
# and what get-clients.sh and get-hosts.sh fetch. With --newest only DIR/wireguard-go-newest, of sid (a static program,
# so it runs here). Fetches nothing that is there. Exit 1 if a package cannot be fetched.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
newest=
[ "$1" != --newest ] || { newest=yes; shift; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-peers.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. "$here/apt.sh"
mirror=$(mirror_of bookworm)

suite=
fetch() { # fetch SUITE PACKAGE: unpacked in $scratch/x; prints name and version
	if [ "$suite" != "$1" ]; then
		suite=$1
		apt_suite "${mirror:-http://deb.debian.org/debian}" "$suite"
	fi
	apt_unpack "$scratch/x" "$2"
	(cd "$scratch/debs" && ls ./*.deb) | sed 's|^./||; s|_[a-z0-9]*\.deb$||'
}

if [ -n "$newest" ]; then
	if [ ! -x "$out/wireguard-go-newest" ]; then
		# Its --version prints an older one.
		fetch sid wireguard-go | sed 's/_/ /' > "$out/wireguard-go-newest.version"
		install -m 755 "$scratch/x/usr/bin/wireguard-go" "$out/wireguard-go-newest"
	fi
	exit 0
fi
if [ ! -x "$out/wg" ] || [ ! -e "$out/wg-quick" ] || [ ! -e "$out/wireguard-tools.deb" ]; then
	fetch bookworm wireguard-tools
	cp "$scratch"/debs/wireguard-tools_*.deb "$out/wireguard-tools.deb"
	install -m 755 "$scratch/x/usr/bin/wg" "$scratch/x/usr/bin/wg-quick" "$out/"
	cp "$scratch/x/usr/share/bash-completion/completions/wg" "$out/wg.completion"
fi
if [ ! -x "$out/wireguard-go-2022" ]; then
	fetch bookworm wireguard-go
	install -m 755 "$scratch/x/usr/bin/wireguard-go" "$out/wireguard-go-2022"
fi
# Tests skip themselves without it.
promtool() {
	fetch bookworm prometheus && install -m 755 "$scratch/x/usr/bin/promtool" "$out/"
}
[ -x "$out/promtool" ] || promtool || echo "cannot fetch promtool"
if [ ! -x "$out/wireguard-go-2023" ]; then
	fetch bookworm-backports wireguard-go
	install -m 755 "$scratch/x/usr/bin/wireguard-go" "$out/wireguard-go-2023"
fi
newest_wg() {
	mkdir -p "$scratch/new"
	fetch sid wireguard-tools && cp "$scratch/x/usr/bin/wg" "$scratch/new/" && fetch sid libc6 &&
		cp "$scratch"/x/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$scratch"/x/usr/lib/x86_64-linux-gnu/libc.so.6 \
			"$scratch/new/" && mv "$scratch/new" "$out/wg-new"
}
# Tests skip themselves when one of these is missing.
if [ "$(uname -m)" = x86_64 ] && [ ! -x "$out/wg-new/wg" ]; then
	newest_wg || echo "cannot fetch the newest wg"
fi
sh "$here/get-clients.sh" "$out" || echo "cannot fetch some clients of wg"
sh "$here/get-hosts.sh" "$out" || echo "cannot fetch some programs of test hosts"
