#!/bin/sh
# deb.sh BUILD-FOLDER: builds the Debian packages in BUILD-FOLDER/deb, and those with debugging symbols in its folder debug,
# from a copy of this tree. The same tree gives the same
# packages, bit for bit: their time is that of the latest entry of contrib/NEWS.md.
# DEB_REVISION (1) is the last part of their version.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1/deb"
out=$(cd "$1/deb" && pwd)
version=$(sh "$here/version.sh")
tree=$out/wgsuite-$version
umask 022
# Variables of the make that runs this, such as O, are not for the one in the copy, which removes and fills its own folder.
unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL O DESTDIR

rm -rf "$tree" "$out"/*.deb "$out/debug"
mkdir "$tree" "$out/debug"
# The files that Git knows, or of an unpacked tarball all but what was built.
cd "$root"
if [ "$(git rev-parse --show-toplevel 2> /dev/null)" = "$root" ]; then
	git ls-files -z --cached --others --exclude-standard
else
	find . -path ./build -prune -o -type f -print0 -o -type l -print0
fi | tar --null -T - --ignore-failed-read -cf - | tar -xf - -C "$tree"
chmod -R u=rwX,go=rX "$tree"
cp -R contrib/packaging/debian "$tree/debian"
sh "$here/changelog.sh" "${DEB_REVISION:-1}" > "$tree/debian/changelog"

cd "$tree"
# Programs that exist need nothing to be built.
dpkg-buildpackage --build=binary --no-sign ${PREBUILT:+--no-check-builddeps} > "$out/build.log" 2>&1 || { tail -n 30 "$out/build.log" >&2; exit 1; }
rm -rf "$tree"
find "$out" -maxdepth 1 -name '*-dbgsym_*.deb' -exec mv -t "$out/debug" {} +
ls "$out"/*.deb
