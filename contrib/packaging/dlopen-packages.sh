#!/bin/sh
# dlopen-packages.sh PROGRAM…: prints the Debian packages of the libraries that the programs load when they need them, as a
# list for Recommends. The programs say which: "ELF Package Metadata: dlopen", uapi-group.org.
set -eu
list=
for soname in $(for program; do
	readelf --string-dump=.note.dlopen "$program" 2> /dev/null
done | grep -o '"soname":\[[^]]*\]' | grep -o '"lib[^"]*"' | tr -d '"' | sort -u); do
	case $soname in
	libncursesw.so.6) package=libncursesw6 ;;
	libnftables.so.1) package=libnftables1 ;;
	libpng16.so.16) package="libpng16-16t64 | libpng16-16" ;;
	libqrencode.so.4) package=libqrencode4 ;;
	libsystemd.so.0) package=libsystemd0 ;;
	*) echo "dlopen-packages.sh: no package is known for $soname" >&2; exit 1 ;;
	esac
	list="$list${list:+, }$package"
done
[ -n "$list" ] || { echo "dlopen-packages.sh: no program has a note" >&2; exit 1; }
echo "$list"
