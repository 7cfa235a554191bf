#!/bin/sh
# rootfs.sh [--hooks] PROGRAMS FOLDER: makes the root of a container in FOLDER, which must not exist, of the wg, wg-quick and
# wireguardd in the folder PROGRAMS. Static ones (make dist-static) need nothing else; of others, the libraries they need are
# copied as well. --hooks adds sh, ip, iptables, ip6tables and nft of this system, for tunnel files with PostUp and the like.
set -eu
hooks=
[ "${1-}" != --hooks ] || { hooks=yes; shift; }
[ $# = 2 ] || { echo "usage: rootfs.sh [--hooks] PROGRAMS FOLDER" >&2; exit 2; }
programs=$1
umask 022 # other users than root use it, and the same programs make the same image
mkdir "$2"
root=$(cd "$2" && pwd)

# copy FILE TO: with the libraries that it needs, at the paths where it looks for them.
copy() {
	mkdir -p "$root$(dirname "$2")"
	cp -L "$1" "$root$2"
	ldd "$1" 2> /dev/null | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"; }
	done
}

mkdir -p "$root/etc/wireguard" "$root/config" "$root/dev" "$root/proc" "$root/run" "$root/sys" "$root/tmp" "$root/var"
chmod 700 "$root/etc/wireguard"
ln -s ../run "$root/var/run"
for program in wg wg-quick wireguardd; do
	copy "$programs/$program" "/usr/bin/$program"
	chmod 755 "$root/usr/bin/$program"
	strip "$root/usr/bin/$program" 2> /dev/null || true # smaller, where there is a strip for this machine
done
[ -n "$hooks" ] || exit 0

for program in sh ip iptables ip6tables nft; do
	if ! path=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$program"); then
		echo "rootfs.sh: $program is not installed" >&2
		exit 1
	fi
	copy "$path" "/usr/bin/$program"
done
mkdir -p "$root/bin"
ln -s ../usr/bin/sh "$root/bin/sh"
for plugins in /usr/lib/*/xtables /usr/lib/xtables; do
	[ ! -d "$plugins" ] || { mkdir -p "$root$plugins" && cp -RL "$plugins/." "$root$plugins/"; }
done
