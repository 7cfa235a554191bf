#!/bin/sh
# dist-static.sh BUILD-FOLDER: makes BUILD-FOLDER/dist/wgsuite-VERSION-MACHINE-static.tar.gz: wg, wg-quick and wireguardd
# without any library, man pages, completions, units, and a README that says how to install them. They are built in
# BUILD-FOLDER/static with CC, CFLAGS, CPPFLAGS, LDFLAGS and OPT as of make. The same compiler and libraries give the same
# file, bit for bit: times are SOURCE_DATE_EPOCH, or that of the latest entry of contrib/NEWS.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mkdir -p "$1/dist"
build=$(cd "$1" && pwd)
: "${CC:=cc}"
# Variables of the make that runs this are in the environment; its O and DESTDIR are not for the one below.
unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL O DESTDIR
export LC_ALL=C TZ=UTC
umask 022
version=$(sh "$here/version.sh")
cd "$root"
: "${SOURCE_DATE_EPOCH:=$(date -u -d "$(sh "$here/version.sh" date)" +%s)}"
name=wgsuite-$version-$($CC -dumpmachine | cut -d- -f1)-static
stage=$build/dist/$name

# The libraries are looked for before the long build.
missing=
[ -x "$build/static/wg" ] && [ -x "$build/static/wg-quick" ] && [ -x "$build/static/wireguardd" ] ||
	for library in c mnl nl-3 nl-route-3 iniparser cap seccomp; do
		echo 'int main(void) { return 0; }' | $CC -x c -static ${LDFLAGS-} -o "$build/dist/probe" - "-l$library" > /dev/null 2>&1 ||
			missing="$missing${missing:+, }lib$library.a"
	done
rm -f "$build/dist/probe"
if [ -n "$missing" ]; then
	echo "dist-static.sh: cannot link statically: missing $missing" >&2
	echo "  help: build where packages have them: Debian 13 or later, or Alpine with the *-static packages; Debian 12 has no libmnl.a" >&2
	exit 1
fi

rm -rf "${stage:?}" "$stage.tar.gz"
# Programs that can be moved in memory, where the compiler has the start files for it.
pie=-static-pie
case $($CC -print-file-name=rcrt1.o) in
/*) ;;
*) pie=-static ;;
esac
set -- O="$build/static" CC="$CC" CFLAGS="-g0 ${CFLAGS-}" LDFLAGS="$pie ${LDFLAGS-}" PREFIX=/usr/local SYSCONFDIR=/etc \
	SYSTEMDUNITDIR=/usr/local/lib/systemd/system ZSHCOMPDIR=/usr/local/share/zsh/site-functions
make -j"$(nproc)" "$@" all
make -s "$@" install DESTDIR="$stage/root"
mv "$stage/root/usr/local/"* "$stage/"
rm -r "$stage/root"
for program in "$stage"/bin/*; do
	"${STRIP:-strip}" "$program"
	! readelf -lW "$program" | grep -q INTERP || { echo "dist-static.sh: $program is not static" >&2; exit 1; }
done
cp COPYING contrib/NEWS.md "$stage/"
sed "s/@VERSION@/$version/; s/@NAME@/$name/" "$here/README.static" > "$stage/README"
chmod -R u=rwX,go=rX "$stage"
(cd "$build/dist" && tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name") |
	gzip -9n > "$stage.tar.gz"
rm -rf "$stage"
echo "$stage.tar.gz"
