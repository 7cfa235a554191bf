#!/bin/sh
# get-cross.sh DIR MACHINE: libraries for another machine (arm64, armhf or s390x) in DIR/cross/MACHINE, from Debian: cmocka,
# and for armhf those of wg and wireguardd. Does nothing if they are there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/cross"
out=$(cd "$1/cross" && pwd)
packages="libcmocka0 libcmocka-dev"
[ "$2" != armhf ] || packages="$packages libmnl0 libmnl-dev libiniparser1 libiniparser-dev libcap2 libcap-dev libseccomp2 libseccomp-dev"
[ "$(cat "$out/$2/.packages" 2> /dev/null)" != "$packages" ] || exit 0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wgsuite-cross.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
. "$here/apt.sh"
mirror=$(mirror_of bookworm)
apt_suite "${mirror:-http://deb.debian.org/debian}" bookworm "$2"
apt_unpack "$scratch/x" $packages
echo "$packages" > "$scratch/x/.packages"
rm -rf "${out:?}/$2"
mv "$scratch/x" "$out/$2"
