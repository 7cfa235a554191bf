#!/bin/sh
# get-cross.sh DIR MACHINE: cmocka for another machine (arm64, armhf or s390x) as DIR/cross/MACHINE/usr, from Debian.
# Does nothing if it is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/cross"
out=$(cd "$1/cross" && pwd)
[ ! -e "$out/$2" ] || exit 0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-cross.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. "$here/apt.sh"
mirror=$(mirror_of bookworm)
apt_suite "${mirror:-http://deb.debian.org/debian}" bookworm "$2"
apt_unpack "$scratch/x" libcmocka0 libcmocka-dev
mv "$scratch/x" "$out/$2"
