#!/bin/sh
# get-releases.sh DIR: makes DIR/releases/bullseye and trixie, Debian releases with compilers and our libraries, with
# mmdebstrap, and DIR/releases/i386, the libraries of this release for 32-bit programs. Does nothing if they exist.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/releases"
out=$(cd "$1/releases" && pwd)
scratch=$(mktemp -d "$out/new.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
libraries=libmnl-dev,libnl-3-dev,libnl-route-3-dev,libiniparser-dev,libcap-dev,libseccomp-dev

# Packages are unpacked only: compilers need no configuration.
release() { # release SUITE PACKAGES
	[ ! -e "$out/$1" ] || return 0
	mmdebstrap --quiet --variant=extract --include="base-files,dash,coreutils,findutils,make,pkg-config,libc6-dev,$libraries,$2" \
		"$1" "$scratch/$1"
	rm -rf "$scratch/$1"/var/cache/apt/* "$scratch/$1"/var/lib/apt/lists/* "$scratch/$1"/usr/share/doc "$scratch/$1"/usr/share/locale
	mkdir -p "$scratch/$1/wgsuite" "$scratch/$1/out" "$scratch/$1/dev"
	mv "$scratch/$1" "$out/$1"
}
release bullseye gcc-10
release trixie gcc-14,clang-19,musl-tools
if [ ! -e "$out/i386" ]; then
	. "$here/apt.sh"
	mirror=$(mirror_of bookworm)
	apt_suite "${mirror:-http://deb.debian.org/debian}" bookworm i386
	apt_unpack "$scratch/i386" libmnl0 libmnl-dev libnl-3-200 libnl-3-dev libnl-route-3-200 libnl-route-3-dev libiniparser1 \
		libiniparser-dev libcap2 libcap-dev libseccomp2 libseccomp-dev libcmocka0 libcmocka-dev
	mv "$scratch/i386" "$out/i386"
fi
