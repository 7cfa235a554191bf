#!/bin/sh
# version.sh [compatible | date | of TREE]: prints the version of the suite (or of another tree of it, with an absolute path), that of the wireguard-tools
# that it is compatible with, or the date of the version's entry in contrib/NEWS.md.
set -eu
cd "$(dirname "$0")/../.."
defined() { sed -n "s/^#define $1 \"\(.*\)\"$/\1/p" src/base/version.h; }
case ${1-} in
'') defined WGSUITE_VERSION ;;
of) cd "$2"; defined WGSUITE_VERSION ;;
compatible) defined WGSUITE_COMPATIBLE_VERSION ;;
date)
	version=$(defined WGSUITE_VERSION)
	date=$(awk -v version="$version" '$1 == "##" && $2 == version { print substr($3, 2, length($3) - 2) }' contrib/NEWS.md)
	case $date in
	[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) echo "$date" ;;
	*) echo "version.sh: no entry \`## $version (YYYY-MM-DD)' in contrib/NEWS.md" >&2; exit 1 ;;
	esac
	;;
*) echo "usage: version.sh [compatible | date | of TREE]" >&2; exit 2 ;;
esac
