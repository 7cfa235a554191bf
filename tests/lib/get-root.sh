#!/bin/sh
# get-root.sh DIR: makes DIR/debian, a small Debian 12 with systemd for tests that boot one (220 MB), with mmdebstrap from
# the mirror of this machine. Does nothing if it exists with the packages below.
set -eu
packages=systemd,systemd-sysv,dbus,systemd-resolved,iproute2,iputils-ping,nftables,procps
# The libraries of our programs.
packages=$packages,libcap2,libiniparser1,libmnl0,libnl-3-200,libnl-route-3-200,libseccomp2
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ "$(cat "$out/debian/.packages" 2>/dev/null)" != "$packages" ] || exit 0
scratch=$(mktemp -d "$out/debian.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"

mmdebstrap --quiet --variant=minbase --include="$packages" bookworm "$scratch"
rm -rf "$scratch"/var/cache/apt/* "$scratch"/var/lib/apt/lists/*
echo "$packages" > "$scratch/.packages"
rm -rf "$out/debian"
mv "$scratch" "$out/debian"
