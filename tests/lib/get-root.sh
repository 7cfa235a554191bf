#!/bin/sh
# get-root.sh DIR: makes DIR/debian, a small Debian 12 with systemd for tests that boot one (240 MB), with mmdebstrap from
# the mirror of this machine. Does nothing if it exists with the packages below; a second call waits for the first.
set -eu
packages=systemd,systemd-sysv,dbus,systemd-resolved,iproute2,iputils-ping,nftables,procps
# The libraries of our programs.
packages=$packages,libcap2,libiniparser1,libmnl0,libnl-3-200,libnl-route-3-200,libseccomp2
# Programs of tests/netns/other_programs.bats, which are not started at boot.
packages=$packages,network-manager,firewalld,netbase,avahi-daemon,ifupdown-ng
mkdir -p "$1"
out=$(cd "$1" && pwd)
exec 9> "$out/debian.lock"
flock 9
[ "$(cat "$out/debian/.packages" 2>/dev/null)" != "$packages" ] || exit 0
scratch=$(mktemp -d "$out/debian.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"

mmdebstrap --quiet --variant=minbase --include="$packages" --dpkgopt=path-exclude='/usr/share/doc/*' \
	--dpkgopt=path-exclude='/usr/share/locale/*' --dpkgopt=path-exclude='/usr/share/man/*' bookworm "$scratch"
rm -rf "$scratch"/var/cache/apt/* "$scratch"/var/lib/apt/lists/*
chroot "$scratch" systemctl --quiet disable NetworkManager NetworkManager-wait-online NetworkManager-dispatcher firewalld \
	avahi-daemon.service avahi-daemon.socket networking
echo "$packages" > "$scratch/.packages"
rm -rf "$out/debian"
mv "$scratch" "$out/debian"
