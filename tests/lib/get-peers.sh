#!/bin/sh
# get-peers.sh [--newest] DIR: Debian's WireGuard programs to compare with and to talk to, unpacked into DIR,
# nothing installed and no list of this system's apt touched:
#   DIR/wg DIR/wg-quick            wireguard-tools of bookworm
#   DIR/wg-new/                    the newest wg, of sid, with the C library that it needs (x86-64 only)
#   DIR/wireguard-go-2022          bookworm
#   DIR/wireguard-go-2023          bookworm-backports
# With --newest nothing but DIR/wireguard-go-newest, of sid (a static program, so it runs here).
# Does nothing when they are there. Exit 1 when a package cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
newest=
[ "$1" != --newest ] || { newest=yes; shift; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-peers.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# The mirror this machine takes bookworm from, else Debian's own.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
	awk '$2 == "bookworm" { print $1; exit }')
: "${mirror:=http://deb.debian.org/debian}"
keys=/usr/share/keyrings/debian-archive-keyring.gpg

own_apt() { # own_apt APT-GET ARGUMENT…: with lists and cache of its own
	apt-get -q -o Dir::Etc::SourceList="$scratch/list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$scratch/lists" -o Dir::Cache="$scratch/cache" \
		-o APT::Sandbox::User=root -o Acquire::Languages=none "$@" > "$scratch/log" 2>&1 ||
		{ cat "$scratch/log" >&2; return 1; }
}

fetch() { # fetch SUITE PACKAGE: unpacked in $scratch/x
	if [ ! -e "$scratch/list-$1" ]; then
		mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
		echo "deb [signed-by=$keys] $mirror $1 main" > "$scratch/list"
		own_apt update
		rm -f "$scratch"/list-*
		: > "$scratch/list-$1"
	fi
	rm -rf "$scratch/x" "$scratch"/*.deb
	( cd "$scratch" && own_apt download "$2" && dpkg-deb -x ./*.deb x )
	echo "$1: $(cd "$scratch" && ls ./*.deb | sed 's|^./||; s|_[a-z0-9]*\.deb$||')"
}

if [ -n "$newest" ]; then
	if [ ! -x "$out/wireguard-go-newest" ]; then
		fetch sid wireguard-go > "$scratch/said"
		sed 's/.*: //; s/_/ /' "$scratch/said" > "$out/wireguard-go-newest.version" # it tells an older one itself
		install -m 755 "$scratch/x/usr/bin/wireguard-go" "$out/wireguard-go-newest"
	fi
	exit 0
fi
if [ ! -x "$out/wg" ] || [ ! -e "$out/wg-quick" ]; then
	fetch bookworm wireguard-tools
	install -m 755 "$scratch/x/usr/bin/wg" "$scratch/x/usr/bin/wg-quick" "$out/"
	cp "$scratch/x/usr/share/bash-completion/completions/wg" "$out/wg.completion"
fi
if [ ! -x "$out/wireguard-go-2022" ]; then
	fetch bookworm wireguard-go
	install -m 755 "$scratch/x/usr/bin/wireguard-go" "$out/wireguard-go-2022"
fi
if [ ! -x "$out/wireguard-go-2023" ]; then
	fetch bookworm-backports wireguard-go
	install -m 755 "$scratch/x/usr/bin/wireguard-go" "$out/wireguard-go-2023"
fi
newest_wg() {
	mkdir -p "$scratch/new"
	fetch sid wireguard-tools && cp "$scratch/x/usr/bin/wg" "$scratch/new/" &&
		fetch sid libc6 && cp "$scratch"/x/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 \
		"$scratch"/x/usr/lib/x86_64-linux-gnu/libc.so.6 "$scratch/new/" && mv "$scratch/new" "$out/wg-new"
}
# The tests of these skip themselves too.
if [ "$(uname -m)" = x86_64 ] && [ ! -x "$out/wg-new/wg" ]; then
	newest_wg || echo "the newest wg cannot be had"
fi
sh "$here/get-clients.sh" "$out" || echo "some clients of wg cannot be had"
sh "$here/get-hosts.sh" "$out" || echo "some programs of test hosts cannot be had"
