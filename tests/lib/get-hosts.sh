#!/bin/sh
# get-hosts.sh DIR: programs that some test hosts run, of packages whose installation would start a
# service or guard this machine; unpacked into DIR/hosts, nothing installed:
#   DIR/hosts/usr/…   bird2, ufw, ifupdown, systemd-nspawn and its library
# tests/lib/hosts.bash lays that over a test host's own /usr. What is there is not fetched again.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
[ ! -e "$out/hosts/done" ] || exit 0
scratch=$(mktemp -d "$out/hosts.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

for package in bird2 ufw ifupdown systemd-container libsystemd-shared; do
	apt-get -qq -o APT::Sandbox::User=root download "$package"
	dpkg-deb -x "$package"_*.deb x
done
# As on a host whose /bin, /lib and /sbin are those of /usr.
for folder in bin lib sbin; do
	[ ! -d "x/$folder" ] || { mkdir -p "x/usr/$folder"; cp -a "x/$folder/." "x/usr/$folder/"; rm -rf "x/$folder"; }
done
chmod 755 x
: > x/done
rm -rf "$out/hosts"
mv x "$out/hosts"
