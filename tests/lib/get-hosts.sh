#!/bin/sh
# get-hosts.sh DIR: programs that some test hosts run, of packages whose installation would start a
# service or guard this machine; unpacked into DIR/hosts, nothing installed:
#   DIR/hosts/usr/…       bird2, ufw, ifupdown, systemd-nspawn and its library, apparmor_parser
#   DIR/openresolv/usr/…  resolvconf, which must not be found by hosts that do not ask for it
# tests/lib/hosts.bash lays that over a test host's own /usr. What is there is not fetched again.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ ! -e "$out/hosts/done" ] || exit 0
scratch=$(mktemp -d "$out/hosts.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# unpack FOLDER PACKAGE…: as on a host whose /bin, /lib and /sbin are those of /usr.
unpack() {
	into=$1
	shift
	for package; do
		apt-get -qq -o APT::Sandbox::User=root download "$package"
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
unpack openresolv openresolv
unpack hosts bird2 ufw ifupdown systemd-container libsystemd-shared apparmor
: > "$out/hosts/done"
