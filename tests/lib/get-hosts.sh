#!/bin/sh
# get-hosts.sh DIR: fetches programs of test hosts whose packages, if installed, would start a service or a firewall on
# this machine, and unpacks them:
#   DIR/hosts/usr/…       bird2, ufw, ifupdown, systemd-nspawn and its library, apparmor_parser
#   DIR/openresolv/usr/…  resolvconf, separate so that only the hosts that use it have it
# tests/lib/hosts.bash mounts them over /usr of a test host. Does nothing if they are there.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ ! -e "$out/hosts/done" ] || exit 0
scratch=$(mktemp -d "$out/hosts.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# unpack FOLDER PACKAGE…: with the files of /bin, /lib and /sbin in /usr.
unpack() {
	into=$1
	shift
	for package; do
		dpkg-deb -x "$package"_*.deb "$into"
	done
	for folder in bin lib sbin; do
		[ ! -d "$into/$folder" ] || {
			mkdir -p "$into/usr/$folder"
			cp -a "$into/$folder/." "$into/usr/$folder/"
			rm -rf "${into:?}/$folder"
		}
	done
	chmod 755 "$into"
	rm -rf "${out:?}/$into"
	mv "$into" "$out/$into"
}
hosts="bird2 ufw ifupdown systemd-container libsystemd-shared apparmor"
apt-get -qq -o APT::Sandbox::User=root download openresolv $hosts # in one call, as each reads the package lists
unpack openresolv openresolv
unpack hosts $hosts
: > "$out/hosts/done"
